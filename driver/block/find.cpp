#include "driver/block/find.h"

#include "driver/pci/registers.h"
#include "driver/virtio/spec.h"

namespace ringside::block {

const pci::DeviceInfo* find_virtio_block_device(const pci::Bus& bus, unsigned n) {
  constexpr std::uint16_t kModern = virtio::VIRTIO_PCI_DEVICE_ID_BASE + virtio::VIRTIO_ID_BLOCK;
  for (unsigned i = 0; i < bus.count(); ++i) {
    const pci::DeviceInfo& info = bus[i];
    if (info.vendor == virtio::VIRTIO_PCI_VENDOR_ID && info.header_type == pci::PCI_HEADER_TYPE_NORMAL &&
        (info.device == kModern || info.device == virtio::VIRTIO_TRANSITIONAL_BLOCK) && n-- == 0) {
      return &info;
    }
  }
  return nullptr;
}

}  // namespace ringside::block
