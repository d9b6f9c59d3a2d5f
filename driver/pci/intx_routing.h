// Which line of the interrupt controller a function's INTx pin drives, and giving it one where no firmware did.
#pragma once

#include <cstdint>

#include "driver/pci/bus.h"

namespace ringside::pci {

// On a PIIX3 machine: routes the pin's PIRQ to IRQ 11 unless it has a route, notes it in the function's interrupt line,
// and returns the IRQ. 0 when the function has no pin or the machine no router that we know.
[[nodiscard]] std::uint8_t route_intx(const Bus& bus, const DeviceInfo& device);

}  // namespace ringside::pci
