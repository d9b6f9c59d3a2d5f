#include "testbench/trace/virtio_registers.h"

#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {
namespace {

bool is_queue_address(std::uint32_t offset, unsigned width) {
  return width == 4 && offset >= VIRTIO_PCI_COMMON_Q_DESCLO && offset <= VIRTIO_PCI_COMMON_Q_USEDHI && offset % 4 == 0;
}

std::size_t ring_of(std::uint32_t offset) { return (offset - VIRTIO_PCI_COMMON_Q_DESCLO) / 8; }
bool is_high_half(std::uint32_t offset) { return offset % 8 == 4; }

void set_half(std::uint64_t& address, bool high, std::uint32_t half) {
  address = high ? (address & 0xffff'ffffu) | std::uint64_t{half} << 32 : (address & ~0xffff'ffffull) | half;
}

std::uint32_t half_of(std::uint64_t address, bool high) {
  return static_cast<std::uint32_t>(high ? address >> 32 : address);
}

}  // namespace

void VirtioRegisters::read(Structure structure, std::uint64_t offset, unsigned width, std::uint32_t value) {
  close_half();
  if (structure == Structure::common) {
    common_read(static_cast<std::uint32_t>(offset), width, value);
  } else if (structure == Structure::msix_table) {
    msix_read(static_cast<std::uint32_t>(offset), width, value);
  } else {
    record(Kind::register_read, structure, offset, width, value);
  }
}

void VirtioRegisters::write(Structure structure, std::uint64_t offset, unsigned width, std::uint32_t value,
                            std::uint32_t notify_multiplier) {
  const auto at = static_cast<std::uint32_t>(offset);
  if (structure != Structure::common || !is_queue_address(at, width)) {
    close_half();
  }
  if (structure == Structure::common) {
    common_write(at, width, value);
  } else if (structure == Structure::notify) {
    doorbell(offset, width, value, notify_multiplier);
  } else if (structure == Structure::msix_table) {
    msix_write(at, width, value);
  } else {
    record(Kind::register_write, structure, offset, width, value);
  }
}

// --- Common configuration (4.1.4.3)

void VirtioRegisters::common_read(std::uint32_t offset, unsigned width, std::uint32_t value) {
  if (offset == VIRTIO_PCI_COMMON_STATUS && width == 1) {
    Record status = driver_record(Kind::device_status, unit_);
    status.value = value;
    status.flags = 1;
    recorder_.put(status);
    return;
  }
  if (is_queue_address(offset, width)) {
    queue_address_read(offset, value);
    return;
  }
  record(Kind::register_read, Structure::common, offset, width, value);
  if (offset == VIRTIO_PCI_COMMON_DF && width == 4) {
    offered_read(value);
  } else if (offset == VIRTIO_PCI_COMMON_Q_SIZE && width == 2) {
    selected().setup.size = static_cast<std::uint16_t>(value);
  } else if (offset == VIRTIO_PCI_COMMON_Q_NOFF && width == 2) {
    selected().notify_offset = static_cast<std::uint16_t>(value);
    selected().notify_known = true;
  }
}

void VirtioRegisters::common_write(std::uint32_t offset, unsigned width, std::uint32_t value) {
  if (offset == VIRTIO_PCI_COMMON_STATUS && width == 1) {
    status_write(static_cast<std::uint8_t>(value));
    return;
  }
  if (is_queue_address(offset, width)) {
    queue_address_write(offset, value);
    return;
  }
  if (offset == VIRTIO_PCI_COMMON_Q_ENABLE && width == 2 && value == 1) {
    queue_enable();
    return;
  }
  record(Kind::register_write, Structure::common, offset, width, value);
  if (offset == VIRTIO_PCI_COMMON_DFSELECT && width == 4) {
    offered_select_ = value;
  } else if (offset == VIRTIO_PCI_COMMON_GFSELECT && width == 4) {
    accepted_select_ = value;
  } else if (offset == VIRTIO_PCI_COMMON_GF && width == 4 && accepted_select_ < 2) {
    accepted_[accepted_select_] = value;
  } else if (offset == VIRTIO_PCI_COMMON_Q_SELECT && width == 2) {
    queue_select_ = static_cast<std::uint16_t>(value);
  } else if (offset == VIRTIO_PCI_COMMON_Q_SIZE && width == 2) {
    selected().setup.size = static_cast<std::uint16_t>(value);
  } else if (offset == VIRTIO_PCI_COMMON_Q_RESET && width == 2 && value == 1) {
    recorder_.put(driver_record(Kind::queue_disabled, unit_, queue_select_));
    life_.queue_stopped(unit_, queue_select_);
    selected().setup = {};
    selected().running = false;
  }
}

void VirtioRegisters::status_write(std::uint8_t value) {
  if ((value & ~status_ & VIRTIO_CONFIG_S_FEATURES_OK) != 0) {
    record_features(1, accepted_);
  }
  Record record = driver_record(Kind::device_status, unit_);
  record.value = value;
  recorder_.put(record);
  status_ = value;
  if (value == 0) {
    device_reset();
  }
}

void VirtioRegisters::device_reset() {
  life_.device_reset(unit_);
  for (auto& [number, queue] : queues_) {
    queue.setup = {};  // the doorbell's place is the device's choice and stays
    queue.running = false;
  }
  offered_known_ = 0;
  offered_select_ = accepted_select_ = 0;
  accepted_ = {};
  queue_select_ = 0;
}

void VirtioRegisters::function_reset() {
  device_reset();
  status_ = 0;
  half_ = {};
  msix_.clear();
}

void VirtioRegisters::offered_read(std::uint32_t value) {
  if (offered_select_ >= 2 || offered_known_ == 3) {
    return;
  }
  offered_[offered_select_] = value;
  offered_known_ |= 1u << offered_select_;
  if (offered_known_ == 3) {
    record_features(0, offered_);
  }
}

void VirtioRegisters::record_features(std::uint16_t accepted, const std::array<std::uint32_t, 2>& words) {
  Record record = driver_record(Kind::features, unit_);
  record.flags = accepted;
  record.value = std::uint64_t{words[1]} << 32 | words[0];
  recorder_.put(record);
}

// --- Queue addresses: 64 bits that arrive in two halves, in either order

void VirtioRegisters::queue_address_read(std::uint32_t offset, std::uint32_t value) {
  const std::uint64_t address = selected().setup.rings[ring_of(offset)];
  const bool as_written = half_of(address, is_high_half(offset)) == value;
  record(Kind::register_read, Structure::common, offset, 4, as_written ? buffers_.packed(address) : value);
}

void VirtioRegisters::queue_address_write(std::uint32_t offset, std::uint32_t value) {
  const std::uint32_t field = offset & ~7u;
  const bool other_half = half_.open && (half_.offset ^ 4u) == offset && half_.queue == queue_select_;
  if (!other_half) {
    close_half();
  }
  std::uint64_t& address = selected().setup.rings[ring_of(offset)];
  set_half(address, is_high_half(offset), value);
  if (other_half) {
    half_.open = false;
    record(Kind::register_write, Structure::common, field, 8, buffers_.packed(address));
  } else {
    half_ = {true, queue_select_, offset};
  }
}

// The other half never came: what stands in the register now is what the device will use.
void VirtioRegisters::close_half() {
  if (half_.open) {
    half_.open = false;
    const std::uint64_t address = queues_[half_.queue].setup.rings[ring_of(half_.offset)];
    record(Kind::register_write, Structure::common, half_.offset, 4, buffers_.packed(address));
  }
}

void VirtioRegisters::queue_enable() {
  QueueSetup& setup = selected().setup;
  const std::array<std::uint64_t, 3> rings{setup.rings[0], setup.rings[1], setup.rings[2]};
  if (selected().running && selected().running_rings == rings) {
    // It is enabled already: nothing of it begins anew.
    record(Kind::register_write, Structure::common, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
    return;
  }
  selected().running = true;
  selected().running_rings = rings;
  setup.accepted = std::uint64_t{accepted_[1]} << 32 | accepted_[0];
  Record record = driver_record(Kind::queue_enabled, unit_, queue_select_);
  record.value = setup.size;
  record.offset = buffers_.packed(setup.rings[0]);
  record.length = buffers_.packed(setup.rings[1]);
  record.aux = buffers_.packed(setup.rings[2]);
  recorder_.put(record);
  life_.queue_started(unit_, queue_select_, setup);
}

void VirtioRegisters::doorbell(std::uint64_t offset, unsigned width, std::uint32_t value, std::uint32_t multiplier) {
  Record record = driver_record(Kind::doorbell, unit_, static_cast<std::uint16_t>(value));
  record.value = value;
  record.width = static_cast<std::uint8_t>(width);
  record.offset = offset;
  // A multiplier of 0 puts all queues on one address; then only the value tells them apart (4.1.4.4).
  for (const auto& [number, queue] : queues_) {
    if (multiplier != 0 && queue.notify_known && std::uint64_t{queue.notify_offset} * multiplier == offset) {
      record.queue = number;
      break;
    }
  }
  recorder_.put(record);
}

// --- MSI-X

// Addresses and data differ from machine to machine; which vector they stand for does not.
void VirtioRegisters::msix_read(std::uint32_t offset, unsigned width, std::uint32_t value) {
  const MsixEntry& entry = msix_[offset / kMsixEntryBytes];
  const unsigned field = offset % kMsixEntryBytes;
  const bool as_written = width == 4 && ((field == kMsixEntryAddress && value == half_of(entry.address, false)) ||
                                         (field == kMsixEntryUpperAddress && value == half_of(entry.address, true)) ||
                                         (field == kMsixEntryData && value == entry.data));
  record(Kind::register_read, Structure::msix_table, offset, width,
         as_written ? vectors_.vector_of(entry.address, entry.data) : value);
}

void VirtioRegisters::msix_write(std::uint32_t offset, unsigned width, std::uint32_t value) {
  if (width != 4 || offset % 4 != 0) {
    record(Kind::register_write, Structure::msix_table, offset, width, value);
    return;
  }
  const std::uint32_t index = offset / kMsixEntryBytes;
  const unsigned field = offset % kMsixEntryBytes;
  MsixEntry& entry = msix_[index];
  if (field == kMsixEntryControl) {
    entry.control = value;
  } else if (field == kMsixEntryData) {
    entry.data = value;
  } else {
    set_half(entry.address, field == kMsixEntryUpperAddress, value);
  }
  // Of a masked entry only the unmasking counts, whatever the order in which it was filled in.
  if (field == kMsixEntryControl || (entry.control & 1) == 0) {
    Record record = driver_record(Kind::msix_vector, unit_);
    record.offset = index;
    record.value = vectors_.vector_of(entry.address, entry.data);
    record.aux = entry.control;
    recorder_.put(record);
  }
}

void VirtioRegisters::record(Kind kind, Structure structure, std::uint64_t offset, unsigned width,
                             std::uint64_t value) {
  Record record = driver_record(kind, unit_);
  record.region = static_cast<std::uint32_t>(structure);
  record.offset = offset;
  record.width = static_cast<std::uint8_t>(width);
  record.value = value;
  if (structure == Structure::common && offset >= VIRTIO_PCI_COMMON_Q_SIZE) {
    record.queue = queue_select_;
  }
  recorder_.put(record);
}

}  // namespace ringside::trace
