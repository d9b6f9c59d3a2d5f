#include "testbench/cli/bench/floor_device.h"

#include <atomic>
#include <cstring>
#include <span>
#include <stdexcept>

#include "driver/block/block_device.h"
#include "driver/block/virtio_blk_spec.h"
#include "driver/pci/registers.h"
#include "driver/virtio/spec.h"

namespace ringside::cli {
namespace {

using namespace virtio;
using namespace block;

constexpr unsigned kTableBar = 1;   // MSI-X table, 4 KiB
constexpr unsigned kVirtioBar = 4;  // 64 bits, 16 KiB: common, ISR, device and notification, 4 KiB each
constexpr std::uint32_t kTableBarBytes = 0x1000;
constexpr std::uint32_t kVirtioBarBytes = 0x4000;
constexpr std::uint32_t kIsr = 0x1000;
constexpr std::uint32_t kDeviceConfig = 0x2000;
constexpr std::uint32_t kNotify = 0x3000;
constexpr std::uint32_t kSegMax = 254;
constexpr std::size_t kLongestChain = kSegMax + 2;

constexpr std::uint64_t kOffered = feature(VIRTIO_BLK_F_SEG_MAX) | feature(VIRTIO_BLK_F_BLK_SIZE) |
                                   feature(VIRTIO_BLK_F_FLUSH) | feature(VIRTIO_F_INDIRECT_DESC) |
                                   feature(VIRTIO_F_EVENT_IDX) | feature(VIRTIO_F_VERSION_1);

template <class Bytes, class T>
void put(Bytes& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

std::uint32_t get(std::span<const std::uint8_t> bytes, std::size_t offset, unsigned width) {
  std::uint32_t value = 0;
  if (offset + width <= bytes.size()) {
    std::memcpy(&value, bytes.data() + offset, width);
  }
  return value;
}

std::uint32_t all_ones(unsigned width) { return width == 4 ? 0xffff'ffffu : (1u << 8 * width) - 1; }

template <class Bytes>
void put_capability(Bytes& config, std::uint8_t at, std::uint8_t next, std::uint8_t length, std::uint8_t type,
                    std::uint32_t offset, std::uint32_t size) {
  put(config, at, pci::PCI_CAP_ID_VNDR);
  put(config, at + 1u, next);
  put(config, at + std::size_t{VIRTIO_PCI_CAP_LEN}, length);
  put(config, at + std::size_t{VIRTIO_PCI_CAP_CFG_TYPE}, type);
  put(config, at + std::size_t{VIRTIO_PCI_CAP_BAR}, std::uint8_t{kVirtioBar});
  put(config, at + std::size_t{VIRTIO_PCI_CAP_OFFSET}, offset);
  put(config, at + std::size_t{VIRTIO_PCI_CAP_LENGTH}, size);
}

std::array<std::uint8_t, 256> power_on_config() {
  std::array<std::uint8_t, 256> config{};
  put(config, pci::PCI_VENDOR_ID, VIRTIO_PCI_VENDOR_ID);
  put(config, pci::PCI_DEVICE_ID, VIRTIO_TRANSITIONAL_BLOCK);
  put(config, pci::PCI_STATUS, pci::PCI_STATUS_CAP_LIST);
  put(config, pci::PCI_SUBSYSTEM_VENDOR_ID, VIRTIO_PCI_VENDOR_ID);
  put(config, pci::PCI_SUBSYSTEM_ID, VIRTIO_ID_BLOCK);
  put(config, pci::PCI_BASE_ADDRESS_0 + std::size_t{4} * kVirtioBar, pci::PCI_BASE_ADDRESS_MEM_TYPE_64);
  put(config, pci::PCI_CAPABILITY_LIST, std::uint8_t{0x40});
  put(config, 0x40, pci::PCI_CAP_ID_MSIX);
  put(config, 0x41, std::uint8_t{0x50});
  put(config, 0x42, std::uint16_t{1});  // table size - 1
  put(config, 0x44, std::uint32_t{kTableBar});
  put_capability(config, 0x50, 0x60, 16, VIRTIO_PCI_CAP_COMMON_CFG, 0, kIsr);
  put_capability(config, 0x60, 0x70, 16, VIRTIO_PCI_CAP_ISR_CFG, kIsr, 0x1000);
  put_capability(config, 0x70, 0x80, 16, VIRTIO_PCI_CAP_DEVICE_CFG, kDeviceConfig, 0x1000);
  put_capability(config, 0x80, 0, 20, VIRTIO_PCI_CAP_NOTIFY_CFG, kNotify, 0x1000);
  put(config, 0x80 + std::size_t{VIRTIO_PCI_NOTIFY_CAP_MULT}, std::uint32_t{4});
  return config;
}

// What of a BAR register a driver can change.
std::uint32_t bar_mask(unsigned index) {
  switch (index) {
    case kTableBar:
      return ~(kTableBarBytes - 1);
    case kVirtioBar:
      return ~(kVirtioBarBytes - 1);
    case kVirtioBar + 1:
      return ~std::uint32_t{0};
    default:
      return 0;
  }
}

void set_half(std::uint64_t& word, bool high, std::uint32_t value) {
  const unsigned shift = high ? 32 : 0;
  word = (word & ~(std::uint64_t{0xffff'ffff} << shift)) | std::uint64_t{value} << shift;
}

[[noreturn]] void broken(const char* what) { throw std::runtime_error(what); }

}  // namespace

FloorDevice::FloorDevice(std::uint8_t* ram, std::uint64_t ram_bytes, std::uint64_t disk_bytes)
    : ram_(ram), ram_bytes_(ram_bytes), disk_(disk_bytes), config_(power_on_config()) {
  put(device_config_, kConfigCapacity, disk_bytes / kSectorSize);
  put(device_config_, kConfigSegMax, kSegMax);
  put(device_config_, kConfigBlkSize, kSectorSize);
}

// --- Configuration space

std::uint32_t FloorDevice::read_config(std::uint8_t offset, unsigned width) const {
  return get(config_, offset, width);
}

void FloorDevice::write_config(std::uint8_t offset, unsigned width, std::uint32_t value) {
  if (offset == pci::PCI_COMMAND || offset == 0x42) {  // the MSI-X flags
    std::memcpy(config_.data() + offset, &value, width);
  }
  const unsigned index = (offset - unsigned{pci::PCI_BASE_ADDRESS_0}) / 4;
  if (width == 4 && offset >= pci::PCI_BASE_ADDRESS_0 && index < pci::kBarCount) {
    const std::uint32_t kept = get(config_, offset, 4) & ~bar_mask(index);
    put(config_, offset, (value & bar_mask(index)) | kept);
  }
}

std::uint64_t FloorDevice::bar(unsigned index) const {
  const std::size_t offset = pci::PCI_BASE_ADDRESS_0 + std::size_t{4} * index;
  const std::uint64_t low = get(config_, offset, 4) & pci::PCI_BASE_ADDRESS_MEM_MASK;
  return index == kVirtioBar ? std::uint64_t{get(config_, offset + 4, 4)} << 32 | low : low;
}

std::uint32_t FloorDevice::interrupt_data() const { return msix_table_[4 * (queue_.vector % 2u) + 2]; }

// --- Registers

std::uint32_t FloorDevice::read(std::uint64_t address, unsigned width) const {
  const std::uint64_t offset = address - bar(kVirtioBar);
  if (offset < kIsr) {
    return read_common(static_cast<std::uint32_t>(offset));
  }
  if (offset >= kDeviceConfig && offset < kNotify) {
    return get(device_config_, offset - kDeviceConfig, width);
  }
  if (offset < kVirtioBarBytes) {
    return 0;
  }
  const std::uint64_t entry = address - bar(kTableBar);
  return entry < sizeof(msix_table_) ? msix_table_[entry / 4] : all_ones(width);
}

void FloorDevice::write(std::uint64_t address, unsigned, std::uint32_t value) {
  const std::uint64_t offset = address - bar(kVirtioBar);
  if (offset >= kNotify && offset < kVirtioBarBytes) {
    serve_queue();
  } else if (offset < kIsr) {
    write_common(static_cast<std::uint32_t>(offset), value);
  } else if (const std::uint64_t entry = address - bar(kTableBar); entry < sizeof(msix_table_)) {
    msix_table_[entry / 4] = value;
  }
}

std::uint32_t FloorDevice::read_common(std::uint32_t offset) const {
  const bool there = queue_select_ == 0;
  switch (offset) {
    case VIRTIO_PCI_COMMON_DF:
      return feature_select_ < 2 ? static_cast<std::uint32_t>(kOffered >> 32 * feature_select_) : 0;
    case VIRTIO_PCI_COMMON_MSIX:
      return config_vector_;
    case VIRTIO_PCI_COMMON_NUMQ:
      return 1;
    case VIRTIO_PCI_COMMON_STATUS:
      return status_;
    case VIRTIO_PCI_COMMON_Q_SIZE:
      return there ? queue_.size : 0u;
    case VIRTIO_PCI_COMMON_Q_MSIX:
      return queue_.vector;
    case VIRTIO_PCI_COMMON_Q_ENABLE:
      return queue_.enabled;
    default:
      return 0;
  }
}

void FloorDevice::write_common(std::uint32_t offset, std::uint32_t value) {
  const auto half = static_cast<std::uint16_t>(value);
  switch (offset) {
    case VIRTIO_PCI_COMMON_DFSELECT:
      feature_select_ = value;
      break;
    case VIRTIO_PCI_COMMON_GFSELECT:
      accept_select_ = value;
      break;
    case VIRTIO_PCI_COMMON_GF:
      set_half(accepted_, accept_select_ == 1, value);
      break;
    case VIRTIO_PCI_COMMON_MSIX:
      config_vector_ = half;
      break;
    case VIRTIO_PCI_COMMON_STATUS:
      status_ = static_cast<std::uint8_t>(value);
      if (status_ == 0) {
        reset();
      }
      break;
    case VIRTIO_PCI_COMMON_Q_SELECT:
      queue_select_ = half;
      break;
    case VIRTIO_PCI_COMMON_Q_SIZE:
      queue_.size = half;
      break;
    case VIRTIO_PCI_COMMON_Q_MSIX:
      queue_.vector = half;
      break;
    case VIRTIO_PCI_COMMON_Q_ENABLE:
      queue_.enabled = half;
      break;
    case VIRTIO_PCI_COMMON_Q_DESCLO:
    case VIRTIO_PCI_COMMON_Q_DESCLO + 4:
      set_half(queue_.descriptors, offset != VIRTIO_PCI_COMMON_Q_DESCLO, value);
      break;
    case VIRTIO_PCI_COMMON_Q_AVAILLO:
    case VIRTIO_PCI_COMMON_Q_AVAILLO + 4:
      set_half(queue_.available, offset != VIRTIO_PCI_COMMON_Q_AVAILLO, value);
      break;
    case VIRTIO_PCI_COMMON_Q_USEDLO:
    case VIRTIO_PCI_COMMON_Q_USEDLO + 4:
      set_half(queue_.used, offset != VIRTIO_PCI_COMMON_Q_USEDLO, value);
      break;
    default:
      break;
  }
}

void FloorDevice::reset() {
  queue_ = {};
  accepted_ = 0;
  config_vector_ = VIRTIO_MSI_NO_VECTOR;
}

// --- The queue

std::uint8_t* FloorDevice::memory(std::uint64_t address, std::uint64_t size) const {
  if (address > ram_bytes_ || size > ram_bytes_ - address) {
    broken("the floor device was given an address outside RAM");
  }
  return ram_ + address;
}

template <class T>
T FloorDevice::load(std::uint64_t address) const {
  T value;
  std::memcpy(&value, memory(address, sizeof(value)), sizeof(value));
  return value;
}

template <class T>
void FloorDevice::store(std::uint64_t address, T value) const {
  std::memcpy(memory(address, sizeof(value)), &value, sizeof(value));
}

void FloorDevice::serve_queue() {
  if (queue_.enabled == 0 || (status_ & VIRTIO_CONFIG_S_DRIVER_OK) == 0) {
    broken("the floor device was notified before it was set up");
  }
  const auto end = load<std::uint16_t>(queue_.available + 2);
  std::uint16_t used_index = queue_.published;
  while (queue_.taken != end) {
    const std::uint64_t slot = queue_.taken++ & (queue_.size - 1u);
    const auto head = load<std::uint16_t>(queue_.available + 4 + 2 * slot);
    const std::uint32_t written = serve_chain(head);
    const std::uint64_t element = queue_.used + 4 + 8u * (used_index++ & (queue_.size - 1u));
    store(element, UsedElement{head, written});
  }
  publish(used_index);
}

std::uint32_t FloorDevice::serve_chain(std::uint16_t head) {
  if (head >= queue_.size) {
    broken("the floor device was given a descriptor outside the table");
  }
  std::array<Descriptor, kLongestChain> chain;
  chain[0] = load<Descriptor>(queue_.descriptors + 16u * head);
  if ((chain[0].flags & VIRTQ_DESC_F_INDIRECT) != 0) {
    const std::size_t count = chain[0].length / sizeof(Descriptor);
    if (count > kLongestChain) {
      broken("the floor device was given a chain longer than it allows");
    }
    std::memcpy(chain.data(), memory(chain[0].address, chain[0].length), count * sizeof(Descriptor));
    return transfer(chain.data(), count);
  }
  std::size_t count = 1;
  while ((chain[count - 1].flags & VIRTQ_DESC_F_NEXT) != 0 && count < kLongestChain) {
    chain[count] = load<Descriptor>(queue_.descriptors + 16u * (chain[count - 1].next & (queue_.size - 1u)));
    ++count;
  }
  return transfer(chain.data(), count);
}

// Header, data, status byte. Returns how much was written.
std::uint32_t FloorDevice::transfer(const Descriptor* chain, std::size_t count) {
  if (count < 2) {
    broken("the floor device was given a request without a status byte");
  }
  const auto type = load<std::uint32_t>(chain[0].address);
  std::uint64_t at = load<std::uint64_t>(chain[0].address + 8) * kSectorSize;
  if (type != VIRTIO_BLK_T_IN && type != VIRTIO_BLK_T_OUT) {
    broken("the floor device only reads and writes");
  }
  std::uint32_t written = 1;
  for (std::size_t i = 1; i + 1 < count; ++i) {
    const std::uint32_t length = chain[i].length;
    std::uint8_t* const data = memory(chain[i].address, length);
    if (at > disk_.size() || length > disk_.size() - at) {
      broken("the floor device was asked for sectors beyond its disk");
    }
    if (type == VIRTIO_BLK_T_IN) {
      std::memcpy(data, disk_.data() + at, length);
      written += length;
    } else {
      std::memcpy(disk_.data() + at, data, length);
    }
    at += length;
  }
  store(chain[count - 1].address, VIRTIO_BLK_S_OK);
  return written;
}

// Pairs with the driver's used_consume and used_rearm: elements before the index, the index before the suppression.
void FloorDevice::publish(std::uint16_t used_index) {
  const std::uint16_t before = queue_.published;
  queue_.published = used_index;
  std::atomic_thread_fence(std::memory_order_release);
  store(queue_.used + 2, used_index);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  bool wanted = (load<std::uint16_t>(queue_.available) & VIRTQ_AVAIL_F_NO_INTERRUPT) == 0;
  if ((accepted_ & feature(VIRTIO_F_EVENT_IDX)) != 0) {
    store(queue_.used + 4 + 8u * queue_.size, queue_.taken);  // avail_event: notify at the next one
    const auto event = load<std::uint16_t>(queue_.available + 4 + 2u * queue_.size);
    wanted = static_cast<std::uint16_t>(used_index - event - 1u) < static_cast<std::uint16_t>(used_index - before);
  }
  interrupts_ += wanted ? 1 : 0;
}

}  // namespace ringside::cli
