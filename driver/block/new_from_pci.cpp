#include "driver/block/new_from_pci.h"

#include <new>

#include "driver/block/controller.h"
#include "driver/block/virtio_blk.h"
#include "driver/hal/memory.h"

namespace ringside::block {

// Negotiation first: only then is it known which ring it is to be.
template <class Memory>
BlockDevice* new_from_pci(hal::Machine& machine, Memory memory, const pci::Bus& bus, const pci::DeviceInfo& device,
                          const Options& options) {
  void* const place = machine.alloc_private(sizeof(Controller), alignof(Controller));
  if (place == nullptr) {
    return nullptr;
  }
  auto* const controller = new (place) Controller(machine);
  if (!controller->init(bus, device, options) || !controller->negotiate()) {
    return nullptr;
  }
  if (controller->has(virtio::VIRTIO_F_RING_PACKED)) {
    return VirtioBlk<virtio::PackedQueue<Memory>>::create(machine, memory, *controller, options);
  }
  return VirtioBlk<virtio::SplitQueue<Memory>>::create(machine, memory, *controller, options);
}

template BlockDevice* new_from_pci(hal::Machine& machine, hal::Plain memory, const pci::Bus& bus,
                                   const pci::DeviceInfo& device, const Options& options);
template BlockDevice* new_from_pci(hal::Machine& machine, hal::Observed memory, const pci::Bus& bus,
                                   const pci::DeviceInfo& device, const Options& options);

}  // namespace ringside::block
