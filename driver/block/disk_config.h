// What the device configuration says of a disk (VIRTIO 1.2, 5.2.4), and nothing that the driver has chosen.
#pragma once

#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/pci/register_window.h"

namespace ringside::block {

// One reading, which a change may have torn: virtio::read_consistently repeats it. `features` are those negotiated. The
// window holds at least the capacity; a field that it does not hold, or whose feature is missing, keeps its default.
[[nodiscard]] DiskInfo read_disk_info(const pci::RegisterWindow& config, std::uint64_t features);

// num_queues, with VIRTIO_BLK_F_MQ. 0 when the window does not hold it.
[[nodiscard]] std::uint16_t read_queue_count(const pci::RegisterWindow& config);

}  // namespace ringside::block
