// Power management (PCI Bus Power Management Interface 1.2).
#pragma once

#include "driver/hal/machine.h"
#include "driver/pci/config_space.h"

namespace ringside::pci {

// Brings a function to D0, where alone it decodes and masters the bus; nothing to do without the capability. A function
// that comes out of D3hot may have forgotten its configuration (5.4.1): so before BARs are looked at.
void wake(hal::Machine& machine, const ConfigSpace& config, Address address);

}  // namespace ringside::pci
