#include "testbench/campaign/explained.h"

#include <array>

namespace ringside::campaign {
namespace {

using faults::Action;
using faults::ActionSummary;
using faults::FaultClass;

constexpr std::array kCounters = {"used_id_out_of_range",
                                  "used_id_not_in_flight",
                                  "used_out_of_order",
                                  "used_index_jumped",
                                  "used_length_clamped",
                                  "unknown_status",
                                  "timeouts",
                                  "lost_interrupts",
                                  "needs_reset",
                                  "removals",
                                  "resets",
                                  "queue_resets",
                                  "resets_unfinished",
                                  "replays",
                                  "buffers_lost",
                                  "config_unreadable"};

}  // namespace

bool is_for_good(Action action) {
  const ActionSummary& summary = summary_of(action);
  return (summary.harm & faults::kEndsRun) != 0 || summary.reactions == (faults::kGivenUp | faults::kNotUsable);
}

// What lay behind the new end of a disk that shrinks is gone, and the device has said so.
bool deceives(Action action) { return (summary_of(action).harm & faults::kDeceives) != 0 || action == Action::resized; }

bool writes_astray(Action action) { return (summary_of(action).harm & faults::kStrays) != 0; }

bool must_be_noticed(Action action) { return action == Action::needs_reset; }

std::span<const char* const> telling_counters() { return kCounters; }

std::string why_never(const ActionSummary& action, DriverState state) {
  if (state == DriverState::calm) {
    return "in the calm phase no fault is let happen";
  }
  const bool of_requests = action.fault_class == FaultClass::ring || action.fault_class == FaultClass::completion ||
                           action.fault_class == FaultClass::media;
  if (of_requests && state == DriverState::starting) {
    return "no request is sent before DRIVER_OK";
  }
  return {};
}

}  // namespace ringside::campaign
