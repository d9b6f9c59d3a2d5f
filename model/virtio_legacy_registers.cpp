// The registers of the legacy interface (VIRTIO 1.2, 4.1.4.8): one block of ports, without capabilities, with a ring
// whose parts follow from one page number.
#include "model/virtio_blk_pci.h"

namespace ringside::model {

bool VirtioBlkPci::legacy_access(Access& access, Picoseconds at) {
  catch_up(at);
  const std::uint32_t header = msix_.enabled() ? kLegacyHeaderBytesWithMsix : kLegacyHeaderBytes;
  if (access.offset >= header) {
    // 4.1.4.8: the device configuration follows, in whatever width.
    if (access.write) {
      blk_.config_write(access.offset - header, access.size, access.value, negotiated(), at);
    } else {
      access.value = blk_.config_read(access.offset - header, access.size);
    }
  } else if (access.write) {
    legacy_write(access.offset, static_cast<std::uint32_t>(access.value), at);
  } else {
    access.value = legacy_read(access.offset, at);
  }
  show(Structure::legacy, 0, access, at);
  return true;
}

std::uint32_t VirtioBlkPci::legacy_read(std::uint32_t offset, Picoseconds at) {
  const Virtqueue* const queue = selected_queue();
  switch (offset) {
    case VIRTIO_PCI_HOST_FEATURES:
      return legacy_features_;
    case VIRTIO_PCI_GUEST_FEATURES:
      return driver_features_[0];
    case VIRTIO_PCI_QUEUE_PFN:
      return queue == nullptr ? 0 : static_cast<std::uint32_t>(queue->registers.desc >> VIRTIO_PCI_QUEUE_ADDR_SHIFT);
    case VIRTIO_PCI_QUEUE_NUM:
      return queue == nullptr ? 0 : queue->registers.size;
    case VIRTIO_PCI_QUEUE_SEL:
      return queue_select_;
    case VIRTIO_PCI_STATUS:
      return status_;
    case VIRTIO_PCI_ISR: {
      const std::uint32_t isr = read_isr();
      drive_intx(at);
      return isr;
    }
    case VIRTIO_MSI_CONFIG_VECTOR:
      return config_vector_;
    case VIRTIO_MSI_QUEUE_VECTOR:
      return queue == nullptr ? VIRTIO_MSI_NO_VECTOR : queue->registers.msix_vector;
    default:
      return ~std::uint32_t{0};
  }
}

void VirtioBlkPci::legacy_write(std::uint32_t offset, std::uint32_t value, Picoseconds at) {
  switch (offset) {
    case VIRTIO_PCI_GUEST_FEATURES:
      write_guest_features(value);
      return;
    case VIRTIO_PCI_QUEUE_PFN:
      write_queue_pfn(value, at);
      return;
    case VIRTIO_PCI_QUEUE_SEL:
      select_queue(value & 0xffff, at);
      return;
    case VIRTIO_PCI_QUEUE_NOTIFY:
      doorbell(value & 0xffff, value, at);
      return;
    case VIRTIO_PCI_STATUS: {
      // Drivers there were that drove the device without enabling it as bus master.
      const auto status = static_cast<std::uint8_t>(value);
      write_status(status, at);
      if (status == (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER) && !dma.bus_master() &&
          quirks_.fires(Quirk::legacy_status_enables_bus_master, at)) {
        space_.set(PCI_COMMAND, static_cast<std::uint8_t>(space_[PCI_COMMAND] | PCI_COMMAND_MASTER));
        command_changed(at);
      }
      return;
    }
    case VIRTIO_MSI_CONFIG_VECTOR:
      config_vector_ = existing_vector(value);
      return;
    case VIRTIO_MSI_QUEUE_VECTOR:
      if (Virtqueue* const queue = selected_queue()) {
        queue->registers.msix_vector = existing_vector(value);
      }
      return;
    default:
      return;
  }
}

// 3.1.2: there is no FEATURES_OK to refuse; what was not offered is dropped. A driver that accepts bit 30 has not
// looked at what is offered, and gets nothing.
void VirtioBlkPci::write_guest_features(std::uint32_t value) {
  if ((status_ & VIRTIO_CONFIG_S_FEATURES_OK) != 0) {
    return;
  }
  driver_features_ = {(value & VIRTIO_F_BAD_FEATURE) != 0 ? 0 : value & legacy_features_, 0};
  for (std::size_t i = 0; i < queues_in_use_; ++i) {
    queues_[i].set_features(negotiated());
  }
}

// 2.7.2: descriptor table, available ring, and the used ring on the next page.
void VirtioBlkPci::write_queue_pfn(std::uint32_t value, Picoseconds at) {
  if (value == 0 && quirks_.fires(Quirk::queue_release_resets_device, at)) {
    write_status(0, at);
    return;
  }
  Virtqueue* const queue = selected_queue();
  if (queue == nullptr) {
    return;
  }
  if (value == 0) {
    reset_queue(queue_select_, at);
    queue->registers.desc = 0;
    return;
  }
  Virtqueue::Registers& registers = queue->registers;
  registers.desc = std::uint64_t{value} << VIRTIO_PCI_QUEUE_ADDR_SHIFT;
  registers.driver = registers.desc + sizeof(VirtqDesc) * registers.size;
  const std::uint64_t available_end = registers.driver + sizeof(std::uint16_t) * (3u + registers.size);
  registers.device = (available_end + VIRTIO_PCI_VRING_ALIGN - 1) & ~(VIRTIO_PCI_VRING_ALIGN - 1);
  queue->enable(negotiated());
}

}  // namespace ringside::model
