#include "testbench/campaign/explained.h"

#include <algorithm>
#include <array>
#include <optional>

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
                                  "used_length_short",
                                  "unknown_status",
                                  "timeouts",
                                  "lost_interrupts",
                                  "needs_reset",
                                  "removals",
                                  "cut_off",
                                  "resets",
                                  "queue_resets",
                                  "resets_unfinished",
                                  "replays",
                                  "buffers_lost",
                                  "config_unreadable",
                                  "spurious_interrupts"};

// A clause, or the beginning of several, and the faults after which a monitor of it proves nothing.
struct Confusion {
  std::string_view clause;
  FaultClass fault_class;
  std::optional<Action> action;  // one of the class; else all of it
};
constexpr std::array kConfusions = {
    // The driver raises bits of the device_status that it read, and that was not the device's.
    Confusion{"status-drv-", FaultClass::config_space, {}},
    Confusion{"status-drv-", FaultClass::registers, {}},
    Confusion{"status-drv-", FaultClass::life_cycle, {}},
    Confusion{"init-drv-", FaultClass::config_space, {}},
    Confusion{"init-drv-", FaultClass::registers, {}},
    Confusion{"init-drv-", FaultClass::life_cycle, {}},
    // Which features were accepted, and how large a ring is, the monitor learns from the same registers.
    Confusion{"indirect-drv-", FaultClass::registers, {}},
    Confusion{"usedsup-drv-", FaultClass::registers, {}},
    Confusion{"resfeat-drv-", FaultClass::registers, {}},
    Confusion{"resfeat-drv-", FaultClass::life_cycle, {}},
    // Without its capabilities a device looks like a legacy one, which has other steps.
    Confusion{"leginit-drv-", FaultClass::config_space, {}},
    // A driver that cannot read the configuration knows of no new capacity.
    Confusion{"blkop-drv-02", FaultClass::registers, Action::generation_races},
    // A used descriptor of which half was written is for the rest what the driver had made available.
    Confusion{"packedsg-drv-06", FaultClass::dma, Action::dma_partial_write},
    // Of a device that resets itself the driver thinks that it has FEATURES_OK.
    Confusion{"blkinit-drv-04", FaultClass::life_cycle, {}},
    // The descriptors that a chain is read from are not as the driver wrote them.
    Confusion{"indirect-drv-", FaultClass::ring, Action::descriptors_rewritten},
};

}  // namespace

bool is_for_good(Action action) {
  const ActionSummary& summary = summary_of(action);
  return summary.reactions == (faults::kGivenUp | faults::kNotUsable);
}

// What lay behind the new end of a disk that shrinks is gone, and the device has said so. Of a read that is cut short
// the used length tells (2.7.8.3), of a write nothing does.
bool deceives(const faults::Fault& fault) {
  if (fault.action == Action::media_short && fault.request == faults::RequestKind::read) {
    return false;
  }
  // A device that says it takes larger rings than it does, and reads back what was written, works on other places of
  // them than the driver, until it is brought up again.
  return (summary_of(fault.action).harm & faults::kDeceives) != 0 || fault.action == Action::resized ||
         fault.action == Action::queue_size;
}

bool overtakes(Action action) {
  return action == Action::completion_delayed || action == Action::completion_late ||
         action == Action::completion_never || action == Action::completion_twice ||
         action == Action::interrupt_early || action == Action::media_slow;
}

bool hides_reset(Action action) {
  return action == Action::reset_stuck || action == Action::status_all_ones || action == Action::register_all_ones ||
         action == Action::config_all_ones || action == Action::function_absent;
}

bool resets_itself(Action action) { return action == Action::self_reset || action == Action::function_reset; }

bool cuts_short(Action action) { return action == Action::media_short; }

// A device that completes what it had been given before a reset does so whenever it likes, and into rings that are
// others by then.
bool lingers(Action action) { return action == Action::completion_late; }

// A legacy device says how large its ring is, and writes where a ring of that size has its used part.
bool writes_astray(Action action) {
  return (summary_of(action).harm & faults::kStrays) != 0 || action == Action::queue_size;
}

bool must_be_noticed(const faults::Fault& fault, DriverState when) {
  // A driver looks at the generation twice in each attempt to read the configuration, and gives up after a number; that
  // is when it has negotiated features. Later it may look but once.
  constexpr std::uint32_t kNeverRests = 1000;
  return fault.action == Action::needs_reset ||
         (fault.action == Action::features_refused && when == DriverState::starting) ||
         (fault.action == Action::generation_races && fault.value >= kNeverRests && when == DriverState::starting &&
          fault.kind == trace::Kind::features);
}

bool delays(Action action) {
  switch (action) {
    case Action::media_error:
    case Action::media_unsupported:
    case Action::media_corrupted:
    case Action::media_misdirected:
    case Action::media_short:
    case Action::media_lost_write:
    case Action::used_length:
    case Action::status_byte:
    case Action::lost_interrupt:
    case Action::spurious_interrupt:
    case Action::interrupt_storm:
    case Action::interrupt_twice:
    case Action::interrupt_wrong_vector:
    case Action::interrupt_pending:
    case Action::line_stuck:
    case Action::resized:
    case Action::config_storm:
      return false;
    default:
      return true;
  }
}

bool ends_run(Action action) { return (summary_of(action).harm & faults::kEndsRun) != 0; }

bool ends_another(Action action) {
  return action == Action::used_id || action == Action::used_index || action == Action::used_index_back ||
         action == Action::used_twice || action == Action::completion_twice;
}

bool judges_arrival(std::string_view clause) { return clause == "2.9" || clause == "packeddesc-drv-03"; }

bool judges_descriptors(std::string_view clause) {
  constexpr std::array<std::string_view, 8> kOfDescriptors = {
      "2.7.13.1",          "2.8.21.1",        "desc-drv-01",    "packeddesc-drv-01",
      "packeddesc-drv-02", "packedsg-drv-06", "resfeat-drv-05", "blkop-drv-06"};
  return std::ranges::find(kOfDescriptors, clause) != kOfDescriptors.end();
}

bool writes_over_descriptors(Action action) {
  return ends_another(action) || action == Action::dma_partial_write ||
         (summary_of(action).harm & faults::kStrays) != 0;
}

bool confuses(Action action, std::string_view clause) {
  constexpr std::array kInUse = {std::string_view("2.7.13.1"), std::string_view("2.8.21.1"),
                                 std::string_view("desc-drv-01"), std::string_view("packeddesc-drv-02")};
  if (ends_another(action) && std::ranges::find(kInUse, clause) != kInUse.end()) {
    return true;
  }
  return std::ranges::any_of(kConfusions, [&](const Confusion& known) {
    const bool by = known.action ? *known.action == action : summary_of(action).fault_class == known.fault_class;
    return by && clause.starts_with(known.clause);
  });
}

std::span<const char* const> telling_counters() { return kCounters; }

std::string why_never(const ActionSummary& action, DriverState state) {
  if (state == DriverState::calm) {
    return "in the calm phase no fault is let happen";
  }
  const FaultClass of = action.fault_class;
  const bool of_requests = of == FaultClass::ring || of == FaultClass::completion || of == FaultClass::media;
  if (state == DriverState::starting && (of_requests || of == FaultClass::dma)) {
    return "no request is sent before DRIVER_OK, and nothing is moved";
  }
  if (state == DriverState::starting && of == FaultClass::interrupts) {
    return "no interrupt is waited for before DRIVER_OK";
  }
  if (state == DriverState::idle && (of_requests || of == FaultClass::dma || of == FaultClass::interrupts)) {
    return "it happens to a request, and none is in flight";
  }
  if (state == DriverState::recovering && (of_requests || of == FaultClass::dma || of == FaultClass::interrupts)) {
    return "a device that was reset has no requests";
  }
  if (state != DriverState::starting && (of == FaultClass::config_space || of == FaultClass::registers)) {
    return "it shows in what is read while a device is brought up";
  }
  return {};
}

}  // namespace ringside::campaign
