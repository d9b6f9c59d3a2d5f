// The windows of a PCI-to-PCI bridge (PCI-to-PCI Bridge Architecture 1.2, 3.2.5.6 to 3.2.5.10): what it passes on
// downstream.
#pragma once

#include <cstdint>

#include "driver/pci/bus.h"

namespace ringside::pci {

[[nodiscard]] constexpr std::uint64_t window_granularity(Space space) {
  return space == Space::io ? 0x1000 : 0x10'0000;
}

// Fills in the bridge's windows. One that is closed, or still as at power-on (from address 0), has size 0.
void read_windows(const ConfigSpace& config, DeviceInfo& bridge);

// Programs one of the bridge's windows; closes it where the size is 0.
void write_window(const ConfigSpace& config, const DeviceInfo& bridge, Space space);

}  // namespace ringside::pci
