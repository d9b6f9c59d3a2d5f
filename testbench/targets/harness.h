// What every target does alike: puts the tap round a powered-on machine, gives the scenario its context, and turns
// what happens into a RunResult.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "driver/hal/machine.h"
#include "testbench/targets/disk_image.h"
#include "testbench/targets/target.h"

namespace ringside::targets {

// Ends a run from anywhere inside it, through driver frames: the target died, real time ran out, the driver spun
// without relax, or it misused the machine. The harness makes it an Outcome::error.
struct RunAborted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A target's own end of a run.
class RunHooks {
 public:
  // scenarios::kNotAvailable when this target cannot.
  [[nodiscard]] virtual std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) = 0;
  // The driver is about to look at used.idx of a queue: lets the model show what a followed schedule showed here.
  virtual void before_look(std::uint8_t unit, std::uint16_t queue) = 0;

 protected:
  ~RunHooks() = default;
};

// The disk that the settings name: the image, a private copy of it, or a generated one. Throws InputError.
[[nodiscard]] DiskImage open_disk_image(const RunSettings& settings);

// `disk` is hashed at the end, when the scenario has let go of it. Never throws for what happens inside the run.
[[nodiscard]] RunResult run_scenario(hal::Machine& machine, RunHooks& hooks, const DiskImage& disk,
                                     const scenarios::Scenario& scenario, const RunSettings& settings,
                                     trace::Sink& sink);

}  // namespace ringside::targets
