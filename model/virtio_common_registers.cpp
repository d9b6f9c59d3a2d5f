// The common configuration structure (VIRTIO 1.2, 4.1.4.3).
#include <bit>

#include "model/mutants.h"
#include "model/virtio_blk_pci.h"

namespace ringside::model {
namespace {

constexpr std::uint32_t kQueueSelectLimit = 1024;  // of a device that limits it

constexpr std::uint16_t kNotifyDataBase = 0xda00;  // any value will do that is no queue's index

}  // namespace

// 4.1.5.1.2: a vector that the device has not got reads back as NO_VECTOR.
std::uint16_t VirtioBlkPci::existing_vector(std::uint32_t value) const {
  const auto vector = static_cast<std::uint16_t>(value);
  return vector < msix_.vectors() ? vector : VIRTIO_MSI_NO_VECTOR;
}

void VirtioBlkPci::select_queue(std::uint32_t value, Picoseconds at) {
  if (value < kQueueSelectLimit || !quirks_.fires(Quirk::queue_select_limited, at)) {
    queue_select_ = static_cast<std::uint16_t>(value);
  }
}

std::uint32_t VirtioBlkPci::common_read(std::uint32_t offset, Picoseconds at) {
  const bool select = offset == device_feature_select || offset == driver_feature_select;
  const unsigned word = driver_feature_select_;
  const bool kept = select                     ? selects_kept_ && (device_feature_select_ | driver_feature_select_) != 0
                    : offset == driver_feature ? word < 2 && features_kept_[word] && written_features_[word] != 0
                                               : false;
  if (kept) {
    (void)quirks_.fires(Quirk::reset_keeps_feature_registers, at);
  }
  switch (offset) {
    case device_feature_select:
      return device_feature_select_;
    case device_feature:
      if (mutant(Mutant::feature_select_ignored)) {
        return static_cast<std::uint32_t>(modern_features_);
      }
      return device_feature_select_ < 2 ? static_cast<std::uint32_t>(modern_features_ >> 32 * device_feature_select_)
                                        : 0;
    case driver_feature_select:
      return driver_feature_select_;
    case driver_feature:
      return driver_feature_select_ < 2 ? written_features_[driver_feature_select_] : 0;
    case config_msix_vector:
      return config_vector_;
    case num_queues:
      return static_cast<std::uint32_t>(queues_in_use_ + (mutant(Mutant::queue_count_wrong) ? 1 : 0));
    case device_status:
      return mutant(Mutant::driver_ok_hidden) ? status_ & ~VIRTIO_CONFIG_S_DRIVER_OK : status_;
    case config_generation:
      return generation_;
    case queue_select:
    case queue_notify_off:  // a doorbell of its own for each queue
      return offset == queue_notify_off && mutant(Mutant::notify_offset_stuck) ? 0 : queue_select_;
    default:
      return queue_read(offset);
  }
}

std::uint32_t VirtioBlkPci::queue_read(std::uint32_t offset) {
  const auto half = [](std::uint64_t address, std::uint32_t at_offset, std::uint32_t base) {
    return static_cast<std::uint32_t>(address >> 8 * (at_offset - base));
  };
  // A queue that does not exist has size 0 (4.1.4.3), and nothing else either.
  const Virtqueue::Registers* const selected = selected_registers();
  if (selected == nullptr) {
    return offset == queue_msix_vector ? VIRTIO_MSI_NO_VECTOR : 0;
  }
  const Virtqueue::Registers& registers = *selected;
  switch (offset) {
    case queue_size:
      return registers.size;
    case queue_msix_vector:
      return mutant(Mutant::vector_readback_wrong) ? VIRTIO_MSI_NO_VECTOR : registers.msix_vector;
    case queue_enable:
      return registers.enabled && !mutant(Mutant::queue_enable_reads_zero) ? 1 : 0;
    case queue_desc:
    case queue_desc + 4:
      return half(registers.desc, offset, queue_desc);
    case queue_driver:
    case queue_driver + 4:
      return half(registers.driver, offset, queue_driver);
    case queue_device:
    case queue_device + 4:
      return half(registers.device, offset, queue_device);
    case queue_notify_data:
      return (modern_features_ & VIRTIO_F_NOTIF_CONFIG_DATA) != 0 ? kNotifyDataBase + queue_select_ : 0u;
    default:
      return 0;
  }
}

void VirtioBlkPci::common_write(std::uint32_t offset, std::uint32_t value, Picoseconds at) {
  switch (offset) {
    case device_feature_select:
      device_feature_select_ = value;
      selects_kept_ = false;
      return;
    case driver_feature_select:
      driver_feature_select_ = value;
      selects_kept_ = false;
      return;
    case driver_feature:
      write_driver_feature(value, at);
      return;
    case config_msix_vector:
      config_vector_ = existing_vector(value);
      return;
    case device_status:
      write_status(static_cast<std::uint8_t>(value), at);
      return;
    case queue_select:
      select_queue(value, at);
      return;
    default:
      queue_write(offset, value, at);
      return;
  }
}

// 3.1.1: features are settled once FEATURES_OK is.
void VirtioBlkPci::write_driver_feature(std::uint32_t value, Picoseconds at) {
  if (driver_feature_select_ >= written_features_.size()) {
    return;
  }
  const bool settled = (status_ & VIRTIO_CONFIG_S_FEATURES_OK) != 0;
  std::uint32_t& written = written_features_[driver_feature_select_];
  if (settled && (written == value || !quirks_.fires(Quirk::late_features_shown, at))) {
    return;
  }
  written = value;
  features_kept_[driver_feature_select_] = false;
  if (!settled) {
    driver_features_ = written_features_;
  }
}

Virtqueue::Registers* VirtioBlkPci::selected_registers() {
  if (Virtqueue* const queue = selected_queue()) {
    return &queue->registers;
  }
  const auto absent = absent_queues_.find(queue_select_);
  return absent == absent_queues_.end() ? nullptr : &absent->second;
}

void VirtioBlkPci::write_absent_queue(std::uint32_t offset, std::uint32_t value, Picoseconds at) {
  if (offset < queue_msix_vector || offset > queue_reset || !quirks_.fires(Quirk::absent_queue_has_registers, at)) {
    return;
  }
  Virtqueue::Registers& registers = absent_queues_[queue_select_];
  if (offset == queue_msix_vector) {
    registers.msix_vector = existing_vector(value);
  } else if (offset == queue_reset) {
    registers.msix_vector = VIRTIO_MSI_NO_VECTOR;
    registers.enabled = false;
  } else if (offset != queue_enable) {
    write_address(registers, offset, value);
  } else if (static_cast<std::uint16_t>(value) == 1) {
    registers.enabled = true;
  } else {
    break_device(at);
  }
}

void VirtioBlkPci::write_address(Virtqueue::Registers& registers, std::uint32_t offset, std::uint32_t value) const {
  const auto set_half = [value, offset](std::uint64_t& address, std::uint32_t base) {
    const unsigned shift = 8 * (offset - base);
    address = (address & ~(std::uint64_t{0xffff'ffff} << shift)) | std::uint64_t{value} << shift;
  };
  switch (offset) {
    case queue_desc:
    case queue_desc + 4:
      return set_half(registers.desc, queue_desc);
    case queue_driver:
    case queue_driver + 4:
      return set_half(registers.driver, queue_driver);
    case queue_device:
    case queue_device + 4:
      return set_half(registers.device, queue_device);
    default:
      return;
  }
}

void VirtioBlkPci::queue_write(std::uint32_t offset, std::uint32_t value, Picoseconds at) {
  Virtqueue* const queue = selected_queue();
  if (queue == nullptr) {
    write_absent_queue(offset, value, at);
    return;
  }
  Virtqueue::Registers& registers = queue->registers;
  switch (offset) {
    case queue_size:
      write_queue_size(*queue, value, at);
      return;
    case queue_msix_vector:
      registers.msix_vector = existing_vector(value);
      return;
    case queue_enable:
      write_queue_enable(*queue, value, at);
      return;
    case queue_reset:
      if (static_cast<std::uint16_t>(value) == 1 &&
          (accepted(VIRTIO_F_RING_RESET) || quirks_.fires(Quirk::queue_reset_unnegotiated, at))) {
        reset_queue(queue_select_, at);
      }
      return;
    default:
      write_address(registers, offset, value);
      return;
  }
}

void VirtioBlkPci::write_queue_enable(Virtqueue& queue, std::uint32_t value, Picoseconds at) {
  if (static_cast<std::uint16_t>(value) == 1) {
    queue.enable(negotiated());
    if (queue.leaves_ram(dma, negotiated())) {
      break_device(at);
    }
  } else if (quirks_.fires(Quirk::queue_enable_zero_breaks, at)) {
    break_device(at);
  }
}

// 4.1.4.3.2: the driver may lower the size before it enables the queue, to a power of two unless the ring is packed.
void VirtioBlkPci::write_queue_size(Virtqueue& queue, std::uint32_t value, Picoseconds at) {
  const auto size = static_cast<std::uint16_t>(value);
  const bool allowed = std::has_single_bit(size) || (size != 0 && accepted(VIRTIO_F_RING_PACKED));
  const bool valid = allowed && size <= queue_size_ && !queue.registers.enabled;
  const bool taken_unchecked =
      !valid && size != 0 && size <= kUncheckedQueueSizeLimit && quirks_.fires(Quirk::queue_size_unchecked, at);
  if ((valid || taken_unchecked) && !mutant(Mutant::queue_size_ignored)) {
    queue.registers.size = size;
  }
  if (taken_unchecked && queue.registers.enabled && quirks_.fires(Quirk::queue_size_changes_ring, at)) {
    queue.resize(size);
  }
}

void VirtioBlkPci::show_largest_queue_size(Virtqueue& queue, Picoseconds at) {
  queue.registers.size = quirks_.fires(Quirk::queue_size_shows_limit, at) ? kUncheckedQueueSizeLimit : queue_size_;
}

// 2.6.1.
void VirtioBlkPci::reset_queue(std::uint16_t index, Picoseconds at) {
  Virtqueue& queue = queues_[index];
  if (mutant(Mutant::queue_reset_ignored)) {
    return;
  }
  requests_.drop_if([index](const Request& request) { return request.queue == index && !request.orphan; });
  queue.reset_one();
  show_largest_queue_size(queue, at);
}

// 4.1.5.2: in which words a notification names its queue depends on what was negotiated. Without either feature its
// address is enough.
bool VirtioBlkPci::names_queue(std::uint32_t index, const Access& access) const {
  const bool with_data = accepted(VIRTIO_F_NOTIFICATION_DATA);
  const bool by_config_data = accepted(VIRTIO_F_NOTIF_CONFIG_DATA);
  if (!with_data && !by_config_data) {
    return true;
  }
  const std::uint32_t name = by_config_data ? kNotifyDataBase + index : index;
  return access.size == (with_data ? 4u : 2u) && (access.value & 0xffff) == name;
}

void VirtioBlkPci::notification(std::uint32_t index, const Access& access, Picoseconds at) {
  if (names_queue(index, access)) {
    doorbell(index, static_cast<std::uint32_t>(access.value), at);
  }
}

}  // namespace ringside::model
