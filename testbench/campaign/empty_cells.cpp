#include "testbench/campaign/empty_cells.h"

#include <algorithm>
#include <array>
#include <utility>

#include "testbench/campaign/explained.h"

namespace ringside::campaign {
namespace {

using faults::Action;
using faults::ActionSummary;
using faults::FaultClass;

constexpr std::array kOutcomesOfCells = {Outcome::unnoticed,  Outcome::counted, Outcome::error,    Outcome::replayed,
                                         Outcome::reset,      Outcome::refused, Outcome::given_up, Outcome::removed,
                                         Outcome::power_lost, Outcome::misled};

// Fewer than this, in one state, tell nothing of what is rare.
constexpr std::uint64_t kEnough = 100;

constexpr std::array kOnlyAResetHelps = {
    Action::bus_master_off,       Action::used_flags,    Action::used_twice,       Action::used_index,
    Action::used_index_back,      Action::used_id,       Action::completion_never, Action::completion_twice,
    Action::completion_late,      Action::lost_doorbell, Action::needs_reset,      Action::self_reset,
    Action::function_reset,       Action::replugged,     Action::status_all_ones,  Action::dma_not_mapped,
    Action::descriptors_rewritten};
constexpr std::array kEndsRequestsAlone = {Action::media_error, Action::media_unsupported, Action::media_short,
                                           Action::media_slow,  Action::status_byte,       Action::used_length,
                                           Action::resized,     Action::config_storm};
constexpr std::array kTakesAddressesAway = {Action::function_reset, Action::replugged};
// Where whoever is about to reset the device finds that it is not there.
constexpr std::array kNobodyToReset = {std::pair{Action::config_all_ones, DriverState::idle},
                                       std::pair{Action::status_all_ones, DriverState::recovering}};
constexpr std::array kIsAlwaysTold = {Action::media_error, Action::media_unsupported};

template <class List, class T>
bool among(const List& list, T what) {
  return std::ranges::find(list, what) != list.end();
}

bool is_of_bring_up(const ActionSummary& action) {
  return action.fault_class == FaultClass::config_space || action.fault_class == FaultClass::registers;
}

// What of faults/action.h an outcome is; 0: another kind of thing.
unsigned reactions_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::unnoticed:
      return faults::kUnnoticed;
    case Outcome::counted:
      return faults::kNoticed;
    case Outcome::error:
      return faults::kErrorTold;
    case Outcome::replayed:
      return faults::kRetried;
    case Outcome::reset:
      return faults::kRetried | faults::kErrorTold;
    case Outcome::refused:
      return faults::kNotUsable;
    case Outcome::given_up:
      return faults::kGivenUp;
    default:
      return 0;
  }
}

// Of what ends differently whatever else there is.
std::string_view by_its_end(const ActionSummary& action, DriverState state, Outcome outcome) {
  if (ends_run(action.action) != (outcome == Outcome::power_lost)) {
    return outcome == Outcome::power_lost ? "the power fails by a power cut alone" : "the run ends with the power";
  }
  if (outcome == Outcome::removed && !is_for_good(action.action)) {
    return "the disk is not gone for good";
  }
  if (is_for_good(action.action) && outcome != Outcome::removed && outcome != Outcome::misled) {
    return "the disk is gone for good, and the run counts as that";
  }
  if (outcome == Outcome::refused && state != DriverState::starting) {
    return "a device that is up is not refused: one that does not come back is given up";
  }
  if (outcome == Outcome::misled && (action.harm & (faults::kDeceives | faults::kStrays)) == 0) {
    return "it deceives no driver";
  }
  return {};
}

// Of a fault that strikes before there is a device that could notice or recover.
std::string_view by_bring_up(const ActionSummary& action, DriverState state, Outcome outcome) {
  const bool goes_on = outcome != Outcome::refused && outcome != Outcome::given_up;
  if (action.action == Action::features_refused && goes_on) {
    return "a device that refuses the features is not used";
  }
  if (state != DriverState::starting) {
    return {};
  }
  if (outcome == Outcome::replayed || outcome == Outcome::reset || outcome == Outcome::given_up) {
    return "nothing is in flight yet: a device that does not come up is refused";
  }
  if (outcome == Outcome::counted && is_of_bring_up(action)) {
    return "a device that does not come up has no counters";
  }
  return {};
}

std::string_view by_recovery(const ActionSummary& action, DriverState state, Outcome outcome) {
  const bool no_reset = outcome == Outcome::unnoticed || outcome == Outcome::counted || outcome == Outcome::error;
  if (state == DriverState::recovering && no_reset) {
    return "there was a reset already, and the run counts as one with a reset";
  }
  if (is_of_bring_up(action) && state != DriverState::starting && no_reset) {
    return "it is seen by a driver that brings the device up again, so after a reset";
  }
  if (outcome == Outcome::error && !among(kEndsRequestsAlone, action.action)) {
    return "requests fail of it only by way of a reset";
  }
  if ((outcome == Outcome::unnoticed || outcome == Outcome::counted) && among(kOnlyAResetHelps, action.action)) {
    return "nothing but a reset helps";
  }
  if ((outcome == Outcome::replayed || outcome == Outcome::reset) && among(kTakesAddressesAway, action.action)) {
    return "the function has lost its addresses: it cannot be brought back as it was";
  }
  if ((outcome == Outcome::replayed || outcome == Outcome::reset) &&
      among(kNobodyToReset, std::pair{action.action, state})) {
    return "a device that is not there when it is to be reset is given up";
  }
  if (outcome == Outcome::unnoticed && among(kIsAlwaysTold, action.action)) {
    return "what the device tells of a request is told on";
  }
  return {};
}

}  // namespace

std::span<const Outcome> outcomes_of_cells() { return kOutcomesOfCells; }

std::string_view why_never(const ActionSummary& action, DriverState state, Outcome outcome, std::uint64_t times) {
  for (const auto reason : {by_its_end, by_recovery, by_bring_up}) {
    if (const std::string_view why = reason(action, state, outcome); !why.empty()) {
      return why;
    }
  }
  if (const unsigned reactions = reactions_of(outcome); reactions != 0 && (action.reactions & reactions) == 0) {
    return "no driver makes that of it";
  }
  return times < kEnough ? "it happened too seldom in this state to tell" : "";
}

}  // namespace ringside::campaign
