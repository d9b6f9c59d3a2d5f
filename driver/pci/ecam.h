// Switching the memory-mapped configuration space on, as firmware would.
#pragma once

#include "driver/hal/machine.h"
#include "driver/pci/config_space.h"

namespace ringside::pci {

// Where ECAM lies, on a chipset that we know: where firmware put it, else at the machine's ecam_window, programmed
// here. Size 0 when there is none.
[[nodiscard]] hal::Window enable_ecam(hal::Machine& machine);

}  // namespace ringside::pci
