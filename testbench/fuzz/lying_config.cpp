#include <cstring>

#include "driver/block/virtio_blk_spec.h"
#include "driver/pci/registers.h"
#include "driver/virtio/spec.h"
#include "testbench/fuzz/lying_disk.h"

namespace ringside::fuzz {
namespace {

using namespace pci;
using namespace virtio;

// --- Where everything lies

constexpr unsigned kLegacyBar = 0;
constexpr unsigned kTableBar = 1;
constexpr unsigned kModernBar = 4;
constexpr std::uint32_t kBarBytes[kBarCount] = {0x80, 0x1000, 0, 0, 0x4000, 0};

constexpr unsigned kMsix = 0x40;
constexpr unsigned kCommon = 0x50;
constexpr unsigned kIsr = 0x60;
constexpr unsigned kDevice = 0x70;
constexpr unsigned kNotify = 0x80;
constexpr unsigned kWindow = 0x94;
constexpr unsigned kPower = 0xa8;
constexpr unsigned kPageBytes = 0x1000;

using Bytes = std::array<std::uint8_t, 256>;

template <class T>
void put(Bytes& bytes, unsigned offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

template <class T>
T get(const Bytes& bytes, unsigned offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

void put_structure(Bytes& config, unsigned at, unsigned next, std::uint8_t bytes, std::uint8_t type, unsigned page) {
  put(config, at, PCI_CAP_ID_VNDR);
  put(config, at + 1, static_cast<std::uint8_t>(next));
  put(config, at + VIRTIO_PCI_CAP_LEN, bytes);
  put(config, at + VIRTIO_PCI_CAP_CFG_TYPE, type);
  put(config, at + VIRTIO_PCI_CAP_BAR, static_cast<std::uint8_t>(kModernBar));
  put(config, at + VIRTIO_PCI_CAP_OFFSET, std::uint32_t{page * kPageBytes});
  put(config, at + VIRTIO_PCI_CAP_LENGTH, std::uint32_t{kPageBytes});
}

void put_structures(Bytes& config) {
  put_structure(config, kCommon, kIsr, 16, VIRTIO_PCI_CAP_COMMON_CFG, 0);
  put_structure(config, kIsr, kDevice, 16, VIRTIO_PCI_CAP_ISR_CFG, 1);
  put_structure(config, kDevice, kNotify, 16, VIRTIO_PCI_CAP_DEVICE_CFG, 2);
  put_structure(config, kNotify, kWindow, 20, VIRTIO_PCI_CAP_NOTIFY_CFG, 3);
  put(config, kNotify + VIRTIO_PCI_NOTIFY_CAP_MULT, std::uint32_t{4});
  put_structure(config, kWindow, kPower, 20, VIRTIO_PCI_CAP_PCI_CFG, 0);
}

Bytes power_on_config(bool modern) {
  Bytes config{};
  put(config, PCI_VENDOR_ID, VIRTIO_PCI_VENDOR_ID);
  put(config, PCI_DEVICE_ID, VIRTIO_TRANSITIONAL_BLOCK);
  put(config, PCI_STATUS, PCI_STATUS_CAP_LIST);
  put(config, PCI_SUBSYSTEM_VENDOR_ID, VIRTIO_PCI_VENDOR_ID);
  put(config, PCI_SUBSYSTEM_ID, VIRTIO_ID_BLOCK);
  put(config, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_SPACE_IO);
  put(config, PCI_BASE_ADDRESS_0 + 4 * kModernBar,
      PCI_BASE_ADDRESS_MEM_TYPE_64 | (modern ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0));
  put(config, PCI_INTERRUPT_PIN, std::uint8_t{1});
  put(config, PCI_CAPABILITY_LIST, static_cast<std::uint8_t>(kMsix));
  put(config, kMsix, PCI_CAP_ID_MSIX);
  put(config, kMsix + 1, static_cast<std::uint8_t>(modern ? kCommon : kPower));
  put(config, kMsix + PCI_MSIX_FLAGS, static_cast<std::uint16_t>(LyingDisk::kVectors - 1));
  put(config, kMsix + PCI_MSIX_TABLE, std::uint32_t{kTableBar});
  put(config, kMsix + PCI_MSIX_PBA, std::uint32_t{kTableBar | 0x800});
  if (modern) {
    put_structures(config);
  }
  put(config, kPower, PCI_CAP_ID_PM);
  return config;
}

// What of a byte a driver can change.
std::uint8_t writable(unsigned offset) {
  const unsigned bar = (offset - PCI_BASE_ADDRESS_0) / 4;
  if (offset >= PCI_BASE_ADDRESS_0 && bar < kBarCount) {
    const std::uint32_t mask = bar == kModernBar + 1 ? ~0u : kBarBytes[bar] == 0 ? 0 : ~(kBarBytes[bar] - 1);
    return static_cast<std::uint8_t>(mask >> 8 * (offset % 4));
  }
  switch (offset) {
    case PCI_COMMAND:
    case PCI_INTERRUPT_LINE:
    case kWindow + VIRTIO_PCI_CAP_BAR:
      return 0xff;
    case PCI_COMMAND + 1:
      return PCI_COMMAND_INTX_DISABLE >> 8;
    case kMsix + PCI_MSIX_FLAGS + 1:
      return (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
    case kPower + 4:
      return 3;
    default:
      return offset >= kWindow + VIRTIO_PCI_CAP_OFFSET && offset < kWindow + VIRTIO_PCI_CFG_DATA ? 0xff : 0;
  }
}

}  // namespace

void LyingDisk::power_on() {
  config_ = power_on_config(shape_.modern);
  describe_disk();
  table_ = {};
  gone_ = false;
  orphans_.clear();
  reset();
}

std::uint64_t LyingDisk::bar(unsigned index) const {
  const unsigned offset = PCI_BASE_ADDRESS_0 + 4 * index;
  const std::uint64_t low = get<std::uint32_t>(config_, offset);
  return index == kLegacyBar   ? low & PCI_BASE_ADDRESS_IO_MASK
         : index == kModernBar ? std::uint64_t{get<std::uint32_t>(config_, offset + 4)} << 32 | (low & ~0xfull)
                               : low & ~0xfull;
}

std::optional<LyingDisk::Spot> LyingDisk::find(bool io, std::uint64_t address) const {
  const auto command = get<std::uint16_t>(config_, PCI_COMMAND);
  if (gone_ || (command & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) == 0) {
    return std::nullopt;
  }
  for (unsigned index = 0; index < kBarCount; ++index) {
    const bool here = index == kLegacyBar ? io : !io && kBarBytes[index] != 0;
    if (here && address - bar(index) < kBarBytes[index]) {
      return Spot{index, static_cast<std::uint32_t>(address - bar(index))};
    }
  }
  return std::nullopt;
}

bool LyingDisk::message_signalled() const {
  return (get<std::uint16_t>(config_, kMsix + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_ENABLE) != 0;
}

bool LyingDisk::bus_master() const {
  return !gone_ && (get<std::uint16_t>(config_, PCI_COMMAND) & PCI_COMMAND_MASTER) != 0;
}

std::uint32_t LyingDisk::read_config(unsigned offset, unsigned width) {
  std::uint32_t value = ~0u;
  if (!gone_ && offset + width <= config_.size()) {
    value = 0;
    std::memcpy(&value, config_.data() + offset, width);
    const auto where = get<std::uint32_t>(config_, kWindow + VIRTIO_PCI_CAP_OFFSET);
    if (shape_.modern && offset == kWindow + VIRTIO_PCI_CFG_DATA && where < kBarBytes[kModernBar]) {
      value = static_cast<std::uint32_t>(read_true({kModernBar, where}, width));
    }
  }
  const Lie* const lie = lies_.next(On::config_read);
  return lie == nullptr ? value : static_cast<std::uint32_t>(altered(value, *lie));
}

void LyingDisk::write_config(unsigned offset, unsigned width, std::uint32_t value) {
  if (gone_ || offset + width > config_.size()) {
    return;
  }
  for (unsigned i = 0; i < width; ++i) {
    const std::uint8_t mask = writable(offset + i);
    std::uint8_t& byte = config_[offset + i];
    byte = static_cast<std::uint8_t>((byte & ~mask) | ((value >> 8 * i) & mask));
  }
  const auto where = get<std::uint32_t>(config_, kWindow + VIRTIO_PCI_CAP_OFFSET);
  if (shape_.modern && offset == kWindow + VIRTIO_PCI_CFG_DATA && where < kBarBytes[kModernBar]) {
    write_true({kModernBar, where}, width, value);
  }
}

}  // namespace ringside::fuzz
