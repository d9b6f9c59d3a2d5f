#include "testbench/trace/legacy_registers.h"

#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {
namespace {

bool is_of_a_queue(std::uint64_t offset) {
  return offset == VIRTIO_PCI_QUEUE_PFN || offset == VIRTIO_PCI_QUEUE_NUM || offset == VIRTIO_MSI_QUEUE_VECTOR;
}

}  // namespace

void LegacyRegisters::read(std::uint64_t offset, unsigned width, std::uint32_t value, bool msix_enabled) {
  if (is_elsewhere(Kind::register_read, offset, width, value, msix_enabled)) {
    return;
  }
  if (offset == VIRTIO_PCI_STATUS && width == 1) {
    Record status = driver_record(Kind::device_status, unit_);
    status.value = value;
    status.flags = 1;
    recorder_.put(status);
    return;
  }
  Queue& queue = queues_[queue_select_];
  const bool page_as_written = offset == VIRTIO_PCI_QUEUE_PFN && width == 4 && value == queue.page;
  record(Kind::register_read, Structure::legacy, offset, width, page_as_written ? packed_page(value) : value);
  if (offset == VIRTIO_PCI_HOST_FEATURES && width == 4 && !offered_known_) {
    offered_known_ = true;
    record_features(0, value);
  } else if (offset == VIRTIO_PCI_QUEUE_NUM && width == 2) {
    queue.size = static_cast<std::uint16_t>(value);
  }
}

void LegacyRegisters::write(std::uint64_t offset, unsigned width, std::uint32_t value, bool msix_enabled) {
  if (is_elsewhere(Kind::register_write, offset, width, value, msix_enabled)) {
    return;
  }
  if (offset == VIRTIO_PCI_STATUS && width == 1) {
    status_write(static_cast<std::uint8_t>(value));
    return;
  }
  if (offset == VIRTIO_PCI_QUEUE_NOTIFY) {
    Record doorbell = driver_record(Kind::doorbell, unit_, static_cast<std::uint16_t>(value));
    doorbell.value = value;
    doorbell.width = static_cast<std::uint8_t>(width);
    doorbell.offset = offset;
    recorder_.put(doorbell);
    return;
  }
  const bool page = offset == VIRTIO_PCI_QUEUE_PFN && width == 4;
  record(Kind::register_write, Structure::legacy, offset, width, page ? packed_page(value) : value);
  if (page) {
    page_write(value);
  } else if (offset == VIRTIO_PCI_GUEST_FEATURES && width == 4) {
    accepted_ = value;
    record_features(1, value);
  } else if (offset == VIRTIO_PCI_QUEUE_SEL && width == 2) {
    queue_select_ = static_cast<std::uint16_t>(value);
  }
}

// What has a structure of its own in the modern interface is recorded as that.
bool LegacyRegisters::is_elsewhere(Kind kind, std::uint64_t offset, unsigned width, std::uint32_t value,
                                   bool msix_enabled) {
  const std::uint64_t config = msix_enabled ? kLegacyConfigWithMsix : kLegacyConfig;
  if (offset >= config) {
    record(kind, Structure::device, offset - config, width, value);
  } else if (offset == VIRTIO_PCI_ISR && width == 1) {
    record(kind, Structure::isr, 0, width, value);
  } else {
    return false;
  }
  return true;
}

void LegacyRegisters::status_write(std::uint8_t value) {
  Record status = driver_record(Kind::device_status, unit_);
  status.value = value;
  recorder_.put(status);
  if (value == 0) {
    life_.device_reset(unit_);
    queues_.clear();
    offered_known_ = false;
    accepted_ = 0;
    queue_select_ = 0;
  }
}

// The three parts lie behind one another, the used ring on the next page (2.7.2, 4.1.5.1.3).
void LegacyRegisters::page_write(std::uint32_t page) {
  Queue& queue = queues_[queue_select_];
  queue.page = page;
  Record record = driver_record(page == 0 ? Kind::queue_disabled : Kind::queue_enabled, unit_, queue_select_);
  record.flags = 1;
  if (page == 0) {
    recorder_.put(record);
    life_.queue_stopped(unit_, queue_select_);
    return;
  }
  QueueSetup setup;
  setup.size = queue.size;
  setup.accepted = accepted_;
  setup.rings[0] = std::uint64_t{page} << VIRTIO_PCI_QUEUE_ADDR_SHIFT;
  setup.rings[1] = setup.rings[0] + std::uint64_t{kDescriptorBytes} * queue.size;
  setup.rings[2] =
      (setup.rings[1] + avail_bytes(queue.size) + VIRTIO_PCI_VRING_ALIGN - 1) & ~(VIRTIO_PCI_VRING_ALIGN - 1);
  record.value = setup.size;
  record.offset = buffers_.packed(setup.rings[0]);
  record.length = buffers_.packed(setup.rings[1]);
  record.aux = buffers_.packed(setup.rings[2]);
  recorder_.put(record);
  life_.queue_started(unit_, queue_select_, setup);
}

std::uint64_t LegacyRegisters::packed_page(std::uint32_t page) const {
  return page == 0 ? 0 : buffers_.packed(std::uint64_t{page} << VIRTIO_PCI_QUEUE_ADDR_SHIFT);
}

void LegacyRegisters::record(Kind kind, Structure structure, std::uint64_t offset, unsigned width,
                             std::uint64_t value) {
  Record record = driver_record(kind, unit_);
  record.region = static_cast<std::uint32_t>(structure);
  record.offset = offset;
  record.width = static_cast<std::uint8_t>(width);
  record.value = value;
  if (structure == Structure::legacy && is_of_a_queue(offset)) {
    record.queue = queue_select_;
  }
  recorder_.put(record);
}

void LegacyRegisters::record_features(std::uint16_t accepted, std::uint32_t features) {
  Record record = driver_record(Kind::features, unit_);
  record.flags = accepted;
  record.value = features;
  recorder_.put(record);
}

}  // namespace ringside::trace
