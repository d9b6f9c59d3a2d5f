// The end of a run from anywhere inside it.
#pragma once

#include <stdexcept>
#include <string>

namespace ringside::targets {

// Through driver frames: the target died, real time ran out, the driver spun without relax, or it misused the machine.
// The harness makes it an Outcome::error.
struct RunAborted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The power failed, as a fault plan wanted it: that ends a run well.
struct PowerLost : RunAborted {
  PowerLost() : RunAborted("the power has failed") {}
};

// For what is compiled for a bare machine too, where there are no exceptions: throws RunAborted here, panics there.
[[noreturn]] void abort_run(const std::string& reason);

}  // namespace ringside::targets
