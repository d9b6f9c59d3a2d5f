// Where a driver may put what it assigns, on every target alike, so that the same driver puts it at the same place.
#pragma once

#include "driver/hal/machine.h"

namespace ringside::targets {

// Above the ports of the chipset; above RAM and ECAM, but below the flash and the interrupt controllers; above 4 GiB.
inline constexpr hal::Window kIoWindow{0xc000, 0x4000};
inline constexpr hal::Window kMemoryWindow{0xe000'0000, 0x1e00'0000};
inline constexpr hal::Window kHighWindow{0x8'0000'0000, 0x4'0000'0000};
// Of q35 only: where firmware would put it.
inline constexpr hal::Window kEcamWindow{0xb000'0000, 0x1000'0000};

[[nodiscard]] inline hal::MachineInfo machine_info(bool is_q35, unsigned msi_vectors) {
  return {kIoWindow, kMemoryWindow, msi_vectors, kHighWindow, is_q35 ? kEcamWindow : hal::Window{}};
}

}  // namespace ringside::targets
