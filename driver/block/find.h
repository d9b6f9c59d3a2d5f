// Which of the functions on the bus is a virtio block device.
#pragma once

#include "driver/pci/bus.h"

namespace ringside::block {

// The n-th one (from 0) in the order of discovery, modern or transitional (VIRTIO 1.2, 4.1.2); any revision is accepted
// (4.1.2.2). Null when there is none.
[[nodiscard]] const pci::DeviceInfo* find_virtio_block_device(const pci::Bus& bus, unsigned n = 0);

}  // namespace ringside::block
