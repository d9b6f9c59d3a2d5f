// The configuration spaces of the bridges that a machine may have, as QEMU 7.2 shows its pci-bridge and pcie-root-port
// at power-on.
#pragma once

#include "model/config_space.h"

namespace ringside::model {

[[nodiscard]] ConfigSpace pci_bridge_config_space();
// `number` counts from 0: chassis and slot are one more.
struct RootPort {
  unsigned number = 0;
  bool more_functions = false;  // its device has other ports too
  bool occupied = true;         // something is in its slot
};
[[nodiscard]] ConfigSpace root_port_config_space(const RootPort& port);

}  // namespace ringside::model
