// Which line of the interrupt controller a function's INTx pin drives, and giving it one where no firmware did.
#pragma once

#include <cstdint>

#include "driver/pci/bus.h"

namespace ringside::pci {

// Follows the pin up to the root bus and through the board's wiring to a PIRQ of the interrupt router (PIIX3 or ICH9),
// routes that to IRQ 11 unless it has a route, notes the IRQ in the function's interrupt line, and returns it. 0 when
// the function has no pin or the machine no router that we know. Lines are shared: PIRQs, and functions on one of them.
[[nodiscard]] std::uint8_t route_intx(const Bus& bus, const DeviceInfo& device);

}  // namespace ringside::pci
