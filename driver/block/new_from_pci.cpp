#include "driver/block/new_from_pci.h"

#include <new>

#include "driver/block/controller.h"
#include "driver/block/virtio_blk.h"
#include "driver/hal/memory.h"

namespace ringside::block {

namespace {

template <class Ring>
BlockDevice* create(hal::Machine& machine, Controller& controller, const Options& options,
                    typename Ring::MemoryPolicy memory) {
  return VirtioBlk<Ring>::create(machine, memory, controller, options);
}

// Negotiation first: only then is it known which ring it is to be.
template <class Memory>
BlockDevice* bring_up(hal::Machine& machine, Memory memory, Controller& controller, const Options& options) {
  if (!controller.negotiate()) {
    return nullptr;
  }
  return controller.has(virtio::VIRTIO_F_RING_PACKED)
             ? create<virtio::PackedQueue<Memory>>(machine, controller, options, memory)
             : create<virtio::SplitQueue<Memory>>(machine, controller, options, memory);
}

}  // namespace

template <class Memory>
BlockDevice* new_from_pci(hal::Machine& machine, Memory memory, const pci::Bus& bus, const pci::DeviceInfo& device,
                          const Options& options) {
  void* const place = machine.alloc_private(sizeof(Controller), alignof(Controller));
  if (place == nullptr) {
    return nullptr;
  }
  auto* const controller = new (place) Controller(machine);
  if (!controller->init(bus, device, options)) {
    return nullptr;
  }
  BlockDevice* const disk = bring_up(machine, memory, *controller, options);
  if (disk == nullptr) {
    controller->let_go();
  }
  return disk;
}

template BlockDevice* new_from_pci(hal::Machine& machine, hal::Plain memory, const pci::Bus& bus,
                                   const pci::DeviceInfo& device, const Options& options);
template BlockDevice* new_from_pci(hal::Machine& machine, hal::Observed memory, const pci::Bus& bus,
                                   const pci::DeviceInfo& device, const Options& options);

}  // namespace ringside::block
