// Waits that a specification demands before a function may be touched again.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"

namespace ringside::pci {

inline void delay(hal::Machine& machine, std::uint64_t nanoseconds) {
  const std::uint64_t end = machine.now() + nanoseconds;
  while (machine.now() < end) {
    machine.relax(end);
  }
}

}  // namespace ringside::pci
