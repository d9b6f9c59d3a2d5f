// A target's own end of a run.
#pragma once

#include <cstdint>

#include "testbench/faults/plan.h"
#include "testbench/scenarios/context.h"

namespace ringside::model {
class DeviceFaults;
}

namespace ringside::targets {

struct InnerState;

class RunHooks {
 public:
  // scenarios::kNotAvailable when this target cannot.
  [[nodiscard]] virtual std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) = 0;
  // The driver is about to look at used.idx of a queue: lets the model show what a followed schedule showed here.
  virtual void before_look(std::uint8_t unit, std::uint16_t queue) = 0;
  // The driver is held up between two accesses to memory: devices go on, as far as the next thing that one of them
  // does. False when none will do anything.
  virtual bool hold_up() { return false; }
  // What the log's unit keeps to itself (inner_state.h). False where nobody can tell.
  [[nodiscard]] virtual bool inner_state(std::uint8_t /*unit*/, InnerState& /*state*/) { return false; }

  // The scenario has let go of the disks: where somebody else keeps them, the images are to hold what they do.
  virtual void fetch_disks() {}

  // --- Of a fault plan, see faults::TargetFaults.
  [[nodiscard]] virtual bool inject(std::uint8_t /*unit*/, model::DeviceFaults& /*faults*/) { return false; }
  [[nodiscard]] virtual bool fail_media(const faults::Fault& /*fault*/) { return false; }
  [[nodiscard]] virtual bool cut_power(const faults::Fault& /*fault*/) { return false; }

 protected:
  ~RunHooks() = default;
};

}  // namespace ringside::targets
