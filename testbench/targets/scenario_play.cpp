#include "testbench/targets/scenario_play.h"

#include "driver/block/open.h"

namespace ringside::targets {
namespace {

block::BlockDevice* open_plain(hal::Machine& machine, hal::Observer*, const block::Options& options) {
  return block::open_disk(machine, hal::Plain{}, options);
}

block::BlockDevice* open_observed(hal::Machine& machine, hal::Observer* observer, const block::Options& options) {
  return block::open_disk(machine, hal::Observed(*observer), options);
}

}  // namespace

ScenarioPlay::ScenarioPlay(hal::Machine& machine, trace::Sink& sink, trace::TapHooks& tap_hooks, RunHooks& hooks,
                           const std::optional<trace::TapOptions>& tap)
    : tap_(tap ? std::optional<trace::DriverTap>(std::in_place, machine, sink, tap_hooks, *tap) : std::nullopt),
      front_machine_(tap_ ? static_cast<hal::Machine*>(&*tap_) : &machine),
      front_memory_(tap_ && !tap->from_outside ? &*tap_ : nullptr),
      journal_(machine, sink, tap_ ? &*tap_ : nullptr),
      bench_(journal_, hooks) {}

void ScenarioPlay::begin(const scenarios::Scenario& scenario) {
  journal_.record(bench_record(trace::Kind::power_on));
  journal_.record_named(bench_record(trace::Kind::scenario), scenario.name);
}

void ScenarioPlay::play(const scenarios::Scenario& scenario, std::uint64_t seed) {
  const scenarios::OpenDisk open = front_memory_ != nullptr ? open_observed : open_plain;
  scenarios::Context context(*front_machine_, front_memory_, bench_, open, seed, scenario.steps);
  scenario.run(context);
}

void ScenarioPlay::check_guards(const GuardWatch& guards, bool strays) {
  if (!tap_) {
    return;
  }
  static_cast<void>(tap_->check_guards());
  if (!strays) {
    bench_.check(!guards.hit(), "no device wrote outside the buffers it was given");
  }
}

}  // namespace ringside::targets
