// What every target does alike: puts the tap round a powered-on machine, gives the scenario its context, and turns
// what happens into a RunResult.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "driver/hal/machine.h"
#include "testbench/targets/disk_image.h"
#include "testbench/targets/machine_plan.h"
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

// The plan's disks: each the image that it names, a private copy of that, or a generated one. Throws InputError.
[[nodiscard]] std::vector<DiskImage> open_disk_images(const MachinePlan& plan, const RunSettings& settings);

// `disks` are hashed at the end, when the scenario has let go of them. Never throws for what happens inside the run.
[[nodiscard]] RunResult run_scenario(hal::Machine& machine, RunHooks& hooks, std::span<const DiskImage> disks,
                                     const scenarios::Scenario& scenario, const RunSettings& settings,
                                     trace::Sink& sink);

// A run that did not take place.
[[nodiscard]] RunResult skipped(const std::string& reason);

}  // namespace ringside::targets
