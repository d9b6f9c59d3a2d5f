// The PCI Express capability (PCI Express Base 4.0, 7.5.3): what kind of port a function is, and resetting one function
// alone.
#pragma once

#include "driver/hal/machine.h"
#include "driver/pci/config_space.h"

namespace ringside::pci {

// Whether a bridge is a port with a link behind it, where one device sits: a root port or a switch's downstream port.
[[nodiscard]] bool leads_to_link(const ConfigSpace& config, Address address);

enum class FunctionReset : std::uint8_t { done, unsupported, failed };

// Function-level reset (6.6.2). Afterwards the function is as at power-on: its BARs, COMMAND and MSI-X are to be set up
// again (assign_resources does its part). `failed`: it did not answer within a second.
[[nodiscard]] FunctionReset reset_function(hal::Machine& machine, const ConfigSpace& config, Address address);

}  // namespace ringside::pci
