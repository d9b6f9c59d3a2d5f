// A disk of private memory: what a machine without any disk boots from. It holds a small EclipseFS.
#pragma once

#include <cstdint>

#include "driver/block/soft_device.h"
#include "driver/hal/machine.h"

namespace ringside::block {

class SimulatedDisk final : public SoftDevice {
 public:
  // Null, with the reason on the log, when private memory has run out.
  [[nodiscard]] static SimulatedDisk* open(hal::Machine& machine);

 private:
  SimulatedDisk(hal::Machine& machine, std::uint8_t* memory);

  [[nodiscard]] Status begin(Request& request, std::uint64_t deadline) override;

  std::uint8_t* memory_;
};

}  // namespace ringside::block
