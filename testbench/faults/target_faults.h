// What of a plan only the target can do: to the model's devices, by QEMU's monitor. Called where the driver is between
// two accesses, never from inside a device.
#pragma once

#include <cstdint>

#include "testbench/faults/plan.h"

namespace ringside::model {
class DeviceFaults;
}

namespace ringside::faults {

class TargetFaults {
 public:
  // From now on the disk asks `faults` what goes wrong in it. False where the device is not ours.
  [[nodiscard]] virtual bool inject(std::uint8_t unit, model::DeviceFaults& faults) = 0;

  // --- False when it cannot be done.
  [[nodiscard]] virtual bool unplug(std::uint8_t unit) = 0;
  [[nodiscard]] virtual bool plug(std::uint8_t unit) = 0;
  [[nodiscard]] virtual bool resize(std::uint8_t unit, std::uint64_t sectors) = 0;
  [[nodiscard]] virtual std::uint64_t sectors(std::uint8_t unit) = 0;
  // Of a device that is not ours: its medium fails as the fault says, from now on.
  [[nodiscard]] virtual bool fail_media(const Fault& fault) = 0;
  // Ends the run, by an exception, when it can be done.
  [[nodiscard]] virtual bool cut_power(const Fault& fault) = 0;

 protected:
  ~TargetFaults() = default;
};

}  // namespace ringside::faults
