#include <cstring>

#include "driver/block/block_device.h"
#include "driver/block/virtio_blk_spec.h"
#include "driver/pci/registers.h"
#include "driver/virtio/spec.h"
#include "testbench/fuzz/lying_disk.h"

namespace ringside::fuzz {
namespace {

using namespace block;
using namespace virtio;

constexpr unsigned kLegacyBar = 0;
constexpr unsigned kTableBar = 1;
constexpr std::uint32_t kIsr = 0x1000;
constexpr std::uint32_t kDevice = 0x2000;
constexpr std::uint32_t kNotify = 0x3000;
constexpr std::uint32_t kMostSegments = 126;
constexpr std::uint32_t kMostRange = 32;

constexpr std::uint64_t half_of(std::uint64_t word, std::uint32_t select) {
  return select == 0 ? word & 0xffff'ffff : select == 1 ? word >> 32 : 0;
}

void set_half(std::uint64_t& word, bool high, std::uint32_t value) {
  const unsigned shift = high ? 32 : 0;
  word = (word & ~(std::uint64_t{0xffff'ffff} << shift)) | std::uint64_t{value} << shift;
}

template <class Bytes, class T>
void put(Bytes& bytes, std::uint32_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

// Made once: a loop over all of it is most of what an input would cost.
const std::vector<std::uint8_t>& pristine_contents() {
  static const std::vector<std::uint8_t> contents = [] {
    std::vector<std::uint8_t> bytes(LyingDisk::kSectors * kSectorSize);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>(i / kSectorSize * 7 + i);
    }
    return bytes;
  }();
  return contents;
}

}  // namespace

LyingDisk::LyingDisk(const LyingShape& shape, DmaMemory& memory, Lies& lies, Reached& reached)
    : shape_(shape), memory_(memory), lies_(lies), reached_(reached), contents_(pristine_contents()) {
  power_on();
}

void LyingDisk::describe_disk() {
  device_config_ = {};
  put(device_config_, kConfigCapacity, kSectors);
  put(device_config_, kConfigSegMax, kMostSegments);
  put(device_config_, kConfigBlkSize, kSectorSize);
  put(device_config_, kConfigWriteback, std::uint8_t{1});
  put(device_config_, kConfigNumQueues, shape_.queues);
  for (const std::uint32_t range : {kConfigMaxDiscardSectors, kConfigMaxWriteZeroesSectors}) {
    put(device_config_, range, kMostRange);
    put(device_config_, range + 4, std::uint32_t{1});
  }
}

void LyingDisk::reset() {
  queues_.assign(shape_.queues, Queue{});
  for (Queue& queue : queues_) {
    queue.size = shape_.queue_size;
  }
  pending_.clear();
  accepted_ = 0;
  offered_select_ = accepted_select_ = 0;
  config_vector_ = VIRTIO_MSI_NO_VECTOR;
  select_ = 0;
  status_ = isr_ = 0;
}

void LyingDisk::reset_queue(std::uint16_t number) {
  std::erase_if(pending_, [number](const Pending& pending) { return pending.queue == number; });
  queues_[number] = Queue{};
  queues_[number].size = shape_.queue_size;
}

// --- Reads

std::uint32_t LyingDisk::read(bool io, std::uint64_t address, unsigned width) {
  const std::optional<Spot> spot = find(io, address);
  const std::uint64_t value = spot ? read_true(*spot, width) : ~std::uint64_t{0};
  const Lie* const lie = lies_.next(On::register_read);
  return static_cast<std::uint32_t>(lie == nullptr ? value : altered(value, *lie));
}

std::uint64_t LyingDisk::read_true(const Spot& spot, unsigned width) {
  if (spot.bar == kLegacyBar) {
    return read_legacy(spot.offset, width);
  }
  if (spot.bar == kTableBar) {
    return spot.offset < sizeof table_ ? table_[spot.offset / 4] : 0;
  }
  if (spot.offset >= kNotify) {
    return 0;
  }
  return spot.offset >= kDevice ? read_device(spot.offset - kDevice, width)
         : spot.offset >= kIsr  ? take_isr()
                                : read_common(spot.offset);
}

std::uint64_t LyingDisk::read_device(std::uint32_t offset, unsigned width) const {
  std::uint64_t value = 0;
  if (offset + width <= device_config_.size()) {
    std::memcpy(&value, device_config_.data() + offset, width);
  }
  return value;
}

std::uint64_t LyingDisk::take_isr() {
  const std::uint8_t isr = isr_;
  isr_ = 0;
  return isr;
}

std::uint64_t LyingDisk::read_common(std::uint32_t offset) {
  switch (offset) {
    case VIRTIO_PCI_COMMON_DFSELECT:
      return offered_select_;
    case VIRTIO_PCI_COMMON_DF:
      return half_of(shape_.features, offered_select_);
    case VIRTIO_PCI_COMMON_GFSELECT:
      return accepted_select_;
    case VIRTIO_PCI_COMMON_GF:
      return half_of(accepted_, accepted_select_);
    case VIRTIO_PCI_COMMON_MSIX:
      return config_vector_;
    case VIRTIO_PCI_COMMON_NUMQ:
      return queues_.size();
    case VIRTIO_PCI_COMMON_STATUS:
      return status_;
    case VIRTIO_PCI_COMMON_CFGGENERATION:
      return generation_;
    case VIRTIO_PCI_COMMON_Q_SELECT:
      return select_;
    default:
      return read_queue(offset);
  }
}

std::uint64_t LyingDisk::read_queue(std::uint32_t offset) {
  const Queue* const queue = selected();
  if (queue == nullptr) {
    return 0;
  }
  switch (offset) {
    case VIRTIO_PCI_COMMON_Q_SIZE:
      return queue->size;
    case VIRTIO_PCI_COMMON_Q_MSIX:
      return queue->vector;
    case VIRTIO_PCI_COMMON_Q_ENABLE:
      return queue->enabled;
    case VIRTIO_PCI_COMMON_Q_NOFF:
    case VIRTIO_PCI_COMMON_Q_NDATA:
      return select_;
    default:
      return 0;
  }
}

std::uint64_t LyingDisk::read_legacy(std::uint32_t offset, unsigned width) {
  const Queue* const queue = selected();
  if (offset >= legacy_config()) {
    return read_device(offset - legacy_config(), width);
  }
  switch (offset) {
    case VIRTIO_PCI_HOST_FEATURES:
      return half_of(shape_.features, 0);
    case VIRTIO_PCI_GUEST_FEATURES:
      return accepted_;
    case VIRTIO_PCI_QUEUE_PFN:
      return queue == nullptr ? 0 : queue->desc / kLegacyAlignment;
    case VIRTIO_PCI_QUEUE_NUM:
      return queue == nullptr ? 0 : queue->size;
    case VIRTIO_PCI_QUEUE_SEL:
      return select_;
    case VIRTIO_PCI_STATUS:
      return status_;
    case VIRTIO_PCI_ISR:
      return take_isr();
    case VIRTIO_MSI_CONFIG_VECTOR:
      return config_vector_;
    case VIRTIO_MSI_QUEUE_VECTOR:
      return queue == nullptr ? VIRTIO_MSI_NO_VECTOR : queue->vector;
    default:
      return 0;
  }
}

// --- Writes

void LyingDisk::write(bool io, std::uint64_t address, unsigned width, std::uint32_t value) {
  if (const std::optional<Spot> spot = find(io, address)) {
    write_true(*spot, width, value);
  }
}

void LyingDisk::write_true(const Spot& spot, unsigned width, std::uint32_t value) {
  if (spot.bar == kLegacyBar) {
    write_legacy(spot.offset, value);
  } else if (spot.bar == kTableBar) {
    if (spot.offset < sizeof table_) {
      table_[spot.offset / 4] = value;
    }
  } else if (spot.offset >= kNotify) {
    doorbell();
  } else if (spot.offset >= kDevice) {
    if (spot.offset == kDevice + kConfigWriteback && width == 1) {
      device_config_[kConfigWriteback] = value & 1;
    }
  } else if (spot.offset < kIsr) {
    write_common(spot.offset, value);
  }
}

void LyingDisk::write_common(std::uint32_t offset, std::uint32_t value) {
  switch (offset) {
    case VIRTIO_PCI_COMMON_DFSELECT:
      offered_select_ = value;
      break;
    case VIRTIO_PCI_COMMON_GFSELECT:
      accepted_select_ = value;
      break;
    case VIRTIO_PCI_COMMON_GF:
      if (accepted_select_ < 2) {
        set_half(accepted_, accepted_select_ == 1, value);
      }
      break;
    case VIRTIO_PCI_COMMON_MSIX:
      config_vector_ = static_cast<std::uint16_t>(value < kVectors ? value : VIRTIO_MSI_NO_VECTOR);
      break;
    case VIRTIO_PCI_COMMON_STATUS:
      write_status(static_cast<std::uint8_t>(value));
      break;
    case VIRTIO_PCI_COMMON_Q_SELECT:
      select_ = static_cast<std::uint16_t>(value);
      break;
    default:
      write_queue(offset, value);
      break;
  }
}

void LyingDisk::write_queue(std::uint32_t offset, std::uint32_t value) {
  Queue* const queue = selected();
  if (queue == nullptr) {
    return;
  }
  switch (offset) {
    case VIRTIO_PCI_COMMON_Q_SIZE:
      queue->size = static_cast<std::uint16_t>(value);
      break;
    case VIRTIO_PCI_COMMON_Q_MSIX:
      queue->vector = static_cast<std::uint16_t>(value < kVectors ? value : VIRTIO_MSI_NO_VECTOR);
      break;
    case VIRTIO_PCI_COMMON_Q_ENABLE:
      queue->enabled = value & 1;
      break;
    case VIRTIO_PCI_COMMON_Q_DESCLO:
    case VIRTIO_PCI_COMMON_Q_DESCLO + 4:
      set_half(queue->desc, offset != VIRTIO_PCI_COMMON_Q_DESCLO, value);
      break;
    case VIRTIO_PCI_COMMON_Q_AVAILLO:
    case VIRTIO_PCI_COMMON_Q_AVAILLO + 4:
      set_half(queue->driver, offset != VIRTIO_PCI_COMMON_Q_AVAILLO, value);
      break;
    case VIRTIO_PCI_COMMON_Q_USEDLO:
    case VIRTIO_PCI_COMMON_Q_USEDLO + 4:
      set_half(queue->device, offset != VIRTIO_PCI_COMMON_Q_USEDLO, value);
      break;
    case VIRTIO_PCI_COMMON_Q_RESET:
      reset_queue(select_);
      break;
    default:
      break;
  }
}

void LyingDisk::write_legacy(std::uint32_t offset, std::uint32_t value) {
  Queue* const queue = selected();
  switch (offset) {
    case VIRTIO_PCI_GUEST_FEATURES:
      accepted_ = value;
      break;
    case VIRTIO_PCI_QUEUE_PFN:
      place_legacy_queue(value);
      break;
    case VIRTIO_PCI_QUEUE_SEL:
      select_ = static_cast<std::uint16_t>(value);
      break;
    case VIRTIO_PCI_QUEUE_NOTIFY:
      doorbell();
      break;
    case VIRTIO_PCI_STATUS:
      write_status(static_cast<std::uint8_t>(value));
      break;
    case VIRTIO_MSI_CONFIG_VECTOR:
      config_vector_ = static_cast<std::uint16_t>(value < kVectors ? value : VIRTIO_MSI_NO_VECTOR);
      break;
    case VIRTIO_MSI_QUEUE_VECTOR:
      if (queue != nullptr) {
        queue->vector = static_cast<std::uint16_t>(value < kVectors ? value : VIRTIO_MSI_NO_VECTOR);
      }
      break;
    default:
      break;
  }
}

// The page number says where all three parts of the ring are (2.7.2).
void LyingDisk::place_legacy_queue(std::uint32_t page) {
  Queue* const queue = selected();
  if (queue == nullptr) {
    return;
  }
  queue->enabled = page != 0 ? 1 : 0;
  queue->desc = page * kLegacyAlignment;
  queue->driver = queue->desc + sizeof(Descriptor) * queue->size;
  const std::uint64_t end = queue->driver + 2u * (3u + queue->size);
  queue->device = (end + kLegacyAlignment - 1) / kLegacyAlignment * kLegacyAlignment;
}

void LyingDisk::write_status(std::uint8_t value) {
  if (value == 0) {
    reset();
    return;
  }
  reached_.bring_ups += (~status_ & value & VIRTIO_CONFIG_S_DRIVER_OK) != 0 ? 1 : 0;
  status_ = value;
}

}  // namespace ringside::fuzz
