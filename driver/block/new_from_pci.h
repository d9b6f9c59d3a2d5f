// From a virtio block function on the bus to a block device, over the kind of ring that device and driver agree on.
#pragma once

#include "driver/block/block_device.h"
#include "driver/block/open.h"
#include "driver/hal/machine.h"
#include "driver/pci/bus.h"

namespace ringside::block {

// In private memory, or null with the reason on the log. `bus` outlives it.
template <class Memory>
[[nodiscard]] BlockDevice* new_from_pci(hal::Machine& machine, Memory memory, const pci::Bus& bus,
                                        const pci::DeviceInfo& device, const Options& options);

}  // namespace ringside::block
