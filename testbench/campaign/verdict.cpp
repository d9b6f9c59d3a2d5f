#include "testbench/campaign/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

#include "driver/block/block_device.h"
#include "driver/block/open.h"
#include "driver/hal/machine.h"
#include "testbench/campaign/explained.h"
#include "testbench/checks/requirements.h"
#include "testbench/scenarios/campaign_workload.h"
#include "testbench/targets/memory_order.h"

namespace ringside::campaign {
namespace {

using checks::Violation;

// A failed check begins with what kind of failure it stands for.
struct KindOfCheck {
  std::string_view prefix;
  Outcome outcome;
};
constexpr KindOfCheck kKinds[] = {{"hung:", Outcome::hung},
                                  {"late:", Outcome::late},
                                  {"corrupted:", Outcome::corrupted},
                                  {"calm:", Outcome::calm_failed},
                                  {"no device wrote outside", Outcome::stray_write},
                                  {targets::kNotOverslept, Outcome::late}};

std::optional<Outcome> outcome_of_check(std::string_view name) {
  for (const KindOfCheck& kind : kKinds) {
    if (name.starts_with(kind.prefix)) {
      return kind.outcome;
    }
  }
  return std::nullopt;
}

constexpr std::uint64_t kMostReplays = block::Options{}.replays;
// A request may end after its deadline by what resets took, and by what it takes to notice.
constexpr std::uint64_t kSlack = 2 * hal::kMillisecond;

// What a driver SHOULD do it may have its reasons not to do.
bool is_binding(const std::string& clause) {
  const checks::Requirement* const requirement = checks::find_requirement(clause);
  return requirement == nullptr || requirement->level == checks::Level::must ||
         requirement->level == checks::Level::must_not;
}

// A sentence of the target's, without what differs from run to run.
std::string first_line_without_numbers(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, text.find('\n'))) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
      result += c;
    }
  }
  return result;
}

class Judgement {
 public:
  Judgement(const faults::Plan& plan, const targets::RunResult& result, const Evidence& evidence)
      : plan_(plan), result_(result), evidence_(evidence) {
    for (const faults::Fault& fault : plan.faults) {
      ending_.faults.push_back({summary_of(fault.action).name, false, DriverState::starting});
    }
    ending_.firings = evidence.states.firings();
    for (const Firing& firing : ending_.firings) {
      if (firing.fault < ending_.faults.size()) {
        ending_.faults[firing.fault].fired = true;
        ending_.faults[firing.fault].state = firing.state;
      }
    }
  }

  Ending end() {
    if (!aborted() && !failed_check() && !leaked() && !broke_a_rule()) {
      ending_.outcome = good_outcome();
      unaccounted();
    }
    return std::move(ending_);
  }

 private:
  void fail(Outcome outcome, std::string where) {
    ending_.outcome = outcome;
    ending_.where = std::move(where);
  }

  template <class Which>  // bool(const faults::Fault&)
  [[nodiscard]] bool any_fired_that(Which which) const {
    for (std::size_t i = 0; i < plan_.faults.size(); ++i) {
      if (ending_.faults[i].fired && which(plan_.faults[i])) {
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] bool any_fired(bool (*which)(faults::Action action)) const {
    return any_fired_that([which](const faults::Fault& fault) { return which(fault.action); });
  }
  [[nodiscard]] bool fired() const { return std::ranges::any_of(ending_.faults, &FaultEnd::fired); }
  [[nodiscard]] std::uint64_t seen(const char* name) const { return evidence_.observations[name]; }

  bool aborted() {
    if (any_fired(ends_run)) {
      ending_.outcome = Outcome::power_lost;
      return true;
    }
    if (result_.outcome == targets::Outcome::held || result_.outcome == targets::Outcome::failed) {
      return false;
    }
    const std::string sentence = first_line_without_numbers(result_.reason);
    const bool spins = sentence.find("spins") != std::string::npos || sentence.find("real time") != std::string::npos;
    const bool waits = sentence.find("waits without a deadline") != std::string::npos;
    fail(spins ? Outcome::spun : waits ? Outcome::hung : Outcome::broken, sentence);
    return true;
  }

  // No driver could tell that data was wrong.
  [[nodiscard]] bool deceived() const {
    const bool in_order = evidence_.states.in_order();
    // Once the driver sees a second element of a request, its id may be another one's.
    const bool seen_late = evidence_.weak && any_fired(ends_another);
    return any_fired_that(deceives) || (in_order && any_fired(overtakes)) || seen_late ||
           (any_fired(cuts_short) && !lengths_tell(in_order));
  }

  // A legacy device's used lengths are not to be believed (VIRTIO 1.2, 2.7.8.1); of those buffers for which another
  // one's used element stands there is none.
  [[nodiscard]] bool lengths_tell(bool in_order) const {
    const bool changed = any_fired([](faults::Action action) { return action == faults::Action::used_length; });
    return !evidence_.states.legacy() && !in_order && !changed;
  }

  bool failed_check() {
    for (const Observations::FailedCheck& check : evidence_.observations.failed()) {
      const auto outcome = outcome_of_check(check.name);
      if (!outcome) {
        continue;  // that a fault has to have fired is not asked here
      }
      if (*outcome == Outcome::calm_failed && any_fired(is_for_good)) {
        continue;  // nothing is there that could come up
      }
      if (check.name == scenarios::kInTimeCheck && seen(targets::kTimeHeldUp) != 0) {
        continue;  // unaccounted() takes off the time for which the driver was held up
      }
      if (check.name == targets::kNotOverslept && fired()) {
        continue;  // the device may be the one who did not wake it
      }
      ending_.noticed_record = check.record;
      ending_.noticed_time = check.time;
      if ((*outcome == Outcome::corrupted && deceived()) ||
          (*outcome == Outcome::calm_failed &&
           (any_fired(lingers) || (any_fired(resets_itself) && any_fired(hides_reset)))) ||
          (*outcome == Outcome::stray_write && any_fired(writes_astray))) {
        ending_.outcome = Outcome::misled;
        return true;
      }
      fail(*outcome, check.name.substr(check.name.find(": ") == std::string::npos ? 0 : check.name.find(": ") + 2));
      return true;
    }
    return false;
  }

  bool leaked() {
    // What a device may still write to is not given back (block::Counters::buffers_lost).
    if (seen("buffers_lost") != 0 || (seen(scenarios::kNotUp) != 0 && any_fired(hides_reset))) {
      return false;  // nor are there counters of a disk that did not come up
    }
    if (evidence_.leaks.buffers() != 0) {
      fail(Outcome::leak, "DMA buffers");
    } else if (evidence_.leaks.mappings() != 0) {
      fail(Outcome::leak, "mappings");
    } else if (evidence_.leaks.vectors() != 0 && !any_fired(is_for_good)) {
      fail(Outcome::leak, "vectors");
    }
    return is_failure(ending_.outcome) && ending_.outcome == Outcome::leak;
  }

  bool broke_a_rule() {
    for (const Violation& violation : evidence_.violations) {
      // A device is held to its side where nothing was done to it.
      const bool judged = violation.role == checks::Role::driver || !fired();
      if (judged && is_binding(violation.clause) && !seen_late(violation.clause) && !explained(violation.clause)) {
        fail(Outcome::monitor, violation.clause);
        ending_.noticed_record = violation.index;
        ending_.noticed_time = violation.time;
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] bool seen_late(std::string_view clause) const {
    return evidence_.weak && (judges_arrival(clause) || (judges_descriptors(clause) && written_over()));
  }
  [[nodiscard]] bool written_over() const {
    return any_fired(writes_over_descriptors) || (evidence_.states.in_order() && any_fired(overtakes));
  }

  [[nodiscard]] bool explained(std::string_view clause) const {
    for (std::size_t i = 0; i < plan_.faults.size(); ++i) {
      if (ending_.faults[i].fired && confuses(plan_.faults[i].action, clause)) {
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] Outcome good_outcome() const {
    if (!fired()) {
      return Outcome::not_fired;
    }
    if (any_fired(is_for_good)) {
      return Outcome::removed;
    }
    if (seen(scenarios::kNotUp) != 0) {
      return Outcome::refused;
    }
    if (seen(scenarios::kReopened) != 0) {
      return Outcome::given_up;
    }
    const std::uint64_t resets = seen("resets") + seen("queue_resets");
    if (resets != 0) {
      return seen("replays") != 0 ? Outcome::replayed : Outcome::reset;
    }
    if (errors() != 0) {
      return Outcome::error;
    }
    return any_counter() ? Outcome::counted : Outcome::unnoticed;
  }

  [[nodiscard]] bool any_counter() const {
    return std::ranges::any_of(telling_counters(), [&](const char* name) { return seen(name) != 0; });
  }

  // What the driver did and counted, and what was done to it, go together.
  void unaccounted() {
    if (ending_.outcome == Outcome::power_lost) {
      return;
    }
    if (ending_.outcome == Outcome::unnoticed && overlooked()) {
      fail(Outcome::unaccounted, "no counter and no status tells of it");
    } else if (!fired() && (any_counter() || errors() != 0)) {
      fail(Outcome::unaccounted, "the driver found something wrong, and nothing was");
    } else if (ended(block::Status::timed_out) != 0 && !any_fired(delays)) {
      fail(Outcome::unaccounted, "a request missed its deadline, and nothing delays it");
    } else if (!leads_here()) {
      fail(Outcome::unaccounted, fmt::format("{}, to which the fault does not lead", to_string(ending_.outcome)));
    } else if (seen("replays") > kMostReplays * seen(scenarios::kRequests)) {
      fail(Outcome::unaccounted, "requests are sent again more often than they may");
    } else if (seen(scenarios::kFlushes) > evidence_.states.flushes()) {
      fail(Outcome::unaccounted, "a flush succeeded that no device was sent");
    } else if (seen(scenarios::kLateness) > evidence_.states.down() + seen(targets::kTimeHeldUp) + kSlack) {
      fail(Outcome::late, "a request ended by its deadline and what resets took");
    }
  }

  [[nodiscard]] bool overlooked() const {
    for (std::size_t i = 0; i < plan_.faults.size(); ++i) {
      // That the configuration was read anew is notice enough of a generation that changed.
      const bool read_anew = plan_.faults[i].action == faults::Action::generation_races && seen("config_changes") != 0;
      if (ending_.faults[i].fired && !read_anew && must_be_noticed(plan_.faults[i], ending_.faults[i].state)) {
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] std::uint64_t ended(block::Status status) const { return seen(block::to_string(status)); }
  [[nodiscard]] std::uint64_t errors() const {
    using block::Status;
    return ended(Status::io_error) + ended(Status::unsupported) + ended(Status::refused) + ended(Status::timed_out) +
           ended(Status::device_lost);
  }

  // Of one fault alone it is known what may come of it.
  [[nodiscard]] bool leads_here() const {
    const auto fired = std::ranges::count_if(ending_.faults, &FaultEnd::fired);
    return fired != 1 ||
           any_fired_that([this](const faults::Fault& fault) { return (reactions_to(fault) & reaction()) != 0; });
  }
  // What is met again after each recovery is given up one day.
  [[nodiscard]] static unsigned reactions_to(const faults::Fault& fault) {
    return summary_of(fault.action).reactions | (fault.times > 1 ? faults::kGivenUp : 0u);
  }
  [[nodiscard]] unsigned reaction() const {
    switch (ending_.outcome) {
      case Outcome::counted:
        return faults::kNoticed;
      case Outcome::error:
        return faults::kErrorTold;
      case Outcome::replayed:
      case Outcome::reset:
        return errors() == 0 ? faults::kRetried : faults::kErrorTold;
      case Outcome::refused:
        return faults::kNotUsable;
      case Outcome::given_up:
        // Nothing may have been lost before the calm phase: then it was there that requests still failed, and the disk
        // was brought up anew.
        return ended(block::Status::device_lost) != 0 ? faults::kGivenUp : faults::kGivenUp | faults::kErrorTold;
      default:
        return ~0u;
    }
  }

  const faults::Plan& plan_;
  const targets::RunResult& result_;
  const Evidence& evidence_;
  Ending ending_;
};

}  // namespace

Ending judge(const faults::Plan& plan, const targets::RunResult& result, const Evidence& evidence) {
  return Judgement(plan, result, evidence).end();
}

}  // namespace ringside::campaign
