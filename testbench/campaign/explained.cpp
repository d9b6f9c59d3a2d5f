#include "testbench/campaign/explained.h"

#include <algorithm>
#include <array>

namespace ringside::campaign {
namespace {

constexpr std::array<std::string_view, 1> kForGood = {"removed"};

// An id of another request in flight; a status that says that all is well; a length that is within bounds.
constexpr std::array<std::string_view, 3> kUndetectable = {"used-id", "status-byte", "used-index"};

constexpr std::array<std::string_view, 2> kMustBeNoticed = {"lost-doorbell", "needs-reset"};

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
                                  "config_changes",
                                  "config_unreadable",
                                  "spurious_interrupts"};

template <std::size_t kCount>
bool among(const std::array<std::string_view, kCount>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool is_for_good(std::string_view action) { return among(kForGood, action); }
bool cannot_be_noticed(std::string_view action) { return among(kUndetectable, action); }
bool must_be_noticed(std::string_view action) { return among(kMustBeNoticed, action); }

bool is_explained(std::string_view, const std::vector<std::string>&) { return false; }

std::span<const char* const> all_counters() { return kCounters; }

std::string why_never(std::string_view, DriverState state) {
  return state == DriverState::calm ? "in the calm phase no fault is let happen" : std::string();
}

}  // namespace ringside::campaign
