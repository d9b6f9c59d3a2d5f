// A scenario with all that is put round it, from power-on to its last check: the tap, or none, and the bench that
// records. What follows, the disks' contents and the verdict, is for those to record who can see the disks.
#pragma once

#include <cstdint>
#include <optional>

#include "driver/hal/machine.h"
#include "testbench/scenarios/context.h"
#include "testbench/targets/guard_watch.h"
#include "testbench/targets/recording_bench.h"
#include "testbench/targets/run_hooks.h"
#include "testbench/trace/driver_tap.h"

namespace ringside::targets {

class ScenarioPlay {
 public:
  // `tap`: none when the driver is to run plain.
  ScenarioPlay(hal::Machine& machine, trace::Sink& sink, trace::TapHooks& tap_hooks, RunHooks& hooks,
               const std::optional<trace::TapOptions>& tap);

  // What the driver has in place of the tap, and what stands there goes through it.
  void put_in_front(hal::Machine& machine, hal::Observer& memory) {
    front_machine_ = &machine;
    front_memory_ = &memory;
  }

  void begin(const scenarios::Scenario& scenario);
  void play(const scenarios::Scenario& scenario, std::uint64_t seed);
  // `strays`: a device that writes outside its buffers is what the run is about.
  void check_guards(const GuardWatch& guards, bool strays = false);

  [[nodiscard]] bool tapped() const { return tap_.has_value(); }
  [[nodiscard]] trace::DriverTap* tap() { return tap_ ? &*tap_ : nullptr; }
  [[nodiscard]] Journal& journal() { return journal_; }
  [[nodiscard]] RecordingBench& bench() { return bench_; }

 private:
  std::optional<trace::DriverTap> tap_;
  hal::Machine* front_machine_;
  hal::Observer* front_memory_;  // null when the driver is to run plain
  Journal journal_;
  RecordingBench bench_;
};

}  // namespace ringside::targets
