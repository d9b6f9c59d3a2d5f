#include "driver/virtio/modern_transport.h"

#include "driver/hal/mutant.h"
#include "driver/pci/capability.h"
#include "driver/virtio/spec.h"

namespace ringside::virtio {
namespace {

constexpr std::uint8_t kCapLength = 16;        // struct virtio_pci_cap
constexpr std::uint8_t kNotifyCapLength = 20;  // struct virtio_pci_notify_cap
constexpr std::uint8_t kConfigCapLength = 20;  // struct virtio_pci_cfg_cap

struct VirtioCapability {
  std::uint8_t type;
  std::uint8_t length;
  std::uint8_t bar;
  std::uint32_t offset;
  std::uint32_t size;
};

constexpr std::uint8_t at(std::uint8_t capability, std::uint8_t field) {
  return static_cast<std::uint8_t>(capability + field);
}

VirtioCapability read_capability(const pci::ConfigSpace& config, pci::Address address, std::uint8_t capability) {
  static_assert(VIRTIO_PCI_CAP_CFG_TYPE == VIRTIO_PCI_CAP_LEN + 1 && VIRTIO_PCI_CAP_LEN % 2 == 0);
  const std::uint16_t length_and_type = config.read16(address, at(capability, VIRTIO_PCI_CAP_LEN));
  return {static_cast<std::uint8_t>(length_and_type >> 8), static_cast<std::uint8_t>(length_and_type),
          config.read8(address, at(capability, VIRTIO_PCI_CAP_BAR)),
          config.read32(address, at(capability, VIRTIO_PCI_CAP_OFFSET)),
          config.read32(address, at(capability, VIRTIO_PCI_CAP_LENGTH))};
}

// Capabilities with a reserved BAR value are skipped (4.1.4.1), and so is a structure that its BAR does not contain.
bool lies_inside_bar(const VirtioCapability& capability, const pci::Bar* bars) {
  if (capability.bar >= pci::kBarCount || bars[capability.bar].kind == pci::BarKind::none) {
    return false;
  }
  const std::uint64_t size = bars[capability.bar].size;
  return capability.offset <= size && capability.size <= size - capability.offset;
}

}  // namespace

const char* ModernTransport::init(const pci::ConfigSpace& config, pci::Address address, const pci::Bar* bars,
                                  Access access) {
  if (access == Access::config_window && !find_window(config, address)) {
    return "no window in configuration space";
  }
  pci::CapabilityWalk walk(config, address);
  for (pci::Capability capability; walk.next(capability);) {
    // cap_len may be larger than expected (4.1.4.1), but what we read has to lie inside configuration space.
    if (capability.id == pci::PCI_CAP_ID_VNDR && capability.offset <= 0x100 - kCapLength) {
      adopt(config, address, capability.offset, bars);
    }
  }
  if (!common_.valid() || common_.length() < kCommonBaseLength) {
    return "no usable common configuration structure";
  }
  if (!notify_.valid()) {
    return "no usable notification structure";
  }
  if (!isr_.valid() || isr_.length() < 1) {
    return "no usable ISR structure";
  }
  if (!device_.valid()) {
    return "no usable device configuration structure";
  }
  return nullptr;
}

bool ModernTransport::find_window(const pci::ConfigSpace& config, pci::Address address) {
  pci::CapabilityWalk walk(config, address);
  for (pci::Capability capability; walk.next(capability);) {
    const std::uint8_t start = capability.offset;
    if (capability.id == pci::PCI_CAP_ID_VNDR && start <= 0x100 - kConfigCapLength &&
        config.read8(address, at(start, VIRTIO_PCI_CAP_CFG_TYPE)) == VIRTIO_PCI_CAP_PCI_CFG &&
        config.read8(address, at(start, VIRTIO_PCI_CAP_LEN)) >= kConfigCapLength) {
      window_ = {&config,
                 address,
                 at(start, VIRTIO_PCI_CAP_BAR),
                 at(start, VIRTIO_PCI_CAP_OFFSET),
                 at(start, VIRTIO_PCI_CAP_LENGTH),
                 at(start, VIRTIO_PCI_CFG_DATA)};
      return true;
    }
  }
  return false;
}

void ModernTransport::adopt(const pci::ConfigSpace& config, pci::Address address, std::uint8_t capability,
                            const pci::Bar* bars) {
  VirtioCapability found = read_capability(config, address, capability);
  if (hal::mutant(hal::Mutant::structure_offset_ignored)) {
    found.offset = 0;
  }
  if (hal::mutant(hal::Mutant::structure_length_of_capability)) {
    found.size = found.length;
  }
  if (found.length < kCapLength || !lies_inside_bar(found, bars)) {
    return;
  }
  const pci::Bar& bar = bars[found.bar];
  const pci::RegisterWindow window =
      window_.config != nullptr
          ? pci::RegisterWindow(*machine_, window_, found.bar, found.offset, found.size)
          : pci::RegisterWindow(*machine_, bar.kind == pci::BarKind::io, bar.address + found.offset, found.size);
  const auto take_first = [&window](pci::RegisterWindow& structure) {
    if (!structure.valid()) {
      structure = window;
    }
  };
  switch (found.type) {
    case VIRTIO_PCI_CAP_COMMON_CFG:
      take_first(common_);
      break;
    case VIRTIO_PCI_CAP_NOTIFY_CFG:
      if (!notify_.valid() && found.length >= kNotifyCapLength && capability <= 0x100 - kNotifyCapLength) {
        take_first(notify_);
        notify_multiplier_ = config.read32(address, at(capability, VIRTIO_PCI_NOTIFY_CAP_MULT));
      }
      break;
    case VIRTIO_PCI_CAP_ISR_CFG:
      take_first(isr_);
      break;
    case VIRTIO_PCI_CAP_DEVICE_CFG:
      take_first(device_);
      break;
    default:
      break;  // unknown types are skipped (4.1.4.1)
  }
}

pci::RegisterWindow ModernTransport::structure(std::uint8_t type) const {
  switch (type) {
    case VIRTIO_PCI_CAP_COMMON_CFG:
      return common_;
    case VIRTIO_PCI_CAP_NOTIFY_CFG:
      return notify_;
    case VIRTIO_PCI_CAP_ISR_CFG:
      return isr_;
    case VIRTIO_PCI_CAP_DEVICE_CFG:
      return device_;
    default:
      return {};
  }
}

std::uint8_t ModernTransport::status() const { return common_.read8(VIRTIO_PCI_COMMON_STATUS); }

void ModernTransport::write_status(std::uint8_t status) const { common_.write8(VIRTIO_PCI_COMMON_STATUS, status); }

std::uint64_t ModernTransport::offered_features() const {
  common_.write32(VIRTIO_PCI_COMMON_DFSELECT, 0);
  const std::uint64_t low = common_.read32(VIRTIO_PCI_COMMON_DF);
  common_.write32(VIRTIO_PCI_COMMON_DFSELECT, 1);
  const std::uint64_t high = common_.read32(VIRTIO_PCI_COMMON_DF);
  return high << 32 | low;
}

bool ModernTransport::accept_features(std::uint64_t features) const {
  common_.write32(VIRTIO_PCI_COMMON_GFSELECT, 0);
  common_.write32(VIRTIO_PCI_COMMON_GF, static_cast<std::uint32_t>(features));
  common_.write32(VIRTIO_PCI_COMMON_GFSELECT, 1);
  common_.write32(VIRTIO_PCI_COMMON_GF, static_cast<std::uint32_t>(features >> 32));
  if (hal::mutant(hal::Mutant::queues_before_features_ok)) {
    return true;
  }
  if (!add_status(VIRTIO_CONFIG_S_FEATURES_OK)) {
    return false;
  }
  const std::uint8_t answer =
      hal::mutant(hal::Mutant::features_ok_not_read_back) ? VIRTIO_CONFIG_S_FEATURES_OK : status();
  return answer != kStatusRemoved && (answer & VIRTIO_CONFIG_S_FEATURES_OK) != 0;
}

std::uint32_t ModernTransport::config_generation() const { return common_.read8(VIRTIO_PCI_COMMON_CFGGENERATION); }

std::uint16_t ModernTransport::queue_count() const { return common_.read16(VIRTIO_PCI_COMMON_NUMQ); }

std::uint16_t ModernTransport::max_queue_size(std::uint16_t queue) const {
  common_.write16(VIRTIO_PCI_COMMON_Q_SELECT, queue);
  return common_.read16(VIRTIO_PCI_COMMON_Q_SIZE);
}

void ModernTransport::write64(std::uint32_t common_register, hal::BusAddress value) const {
  // 64-bit fields take two 32-bit accesses (4.1.3.1).
  common_.write32(common_register, static_cast<std::uint32_t>(hal::raw(value)));
  if (!hal::mutant(hal::Mutant::queue_address_truncated)) {
    common_.write32(common_register + 4, static_cast<std::uint32_t>(hal::raw(value) >> 32));
  }
}

const char* ModernTransport::set_up_queue(std::uint16_t queue, std::uint16_t size, const QueueAddresses& addresses,
                                          std::uint16_t msix_entry) const {
  const unsigned kept = hal::mutant(hal::Mutant::queue_index_cut_short) ? 31 : 0xffff;
  common_.write16(VIRTIO_PCI_COMMON_Q_SELECT, static_cast<std::uint16_t>(queue & kept));
  if (common_.read16(VIRTIO_PCI_COMMON_Q_ENABLE) != 0) {
    return "the queue is already enabled";
  }
  common_.write16(VIRTIO_PCI_COMMON_Q_SIZE, size);
  if (common_.read16(VIRTIO_PCI_COMMON_Q_SIZE) != size) {
    return "the queue size was not accepted";
  }
  common_.write16(VIRTIO_PCI_COMMON_Q_MSIX, msix_entry);
  const bool elsewhere = hal::mutant(hal::Mutant::vector_read_back_elsewhere);
  if (common_.read16(elsewhere ? VIRTIO_PCI_COMMON_MSIX : VIRTIO_PCI_COMMON_Q_MSIX) != msix_entry) {
    return "the queue's vector was refused";  // 4.1.5.1.2.2: a refused mapping reads back as NO_VECTOR
  }
  write64(VIRTIO_PCI_COMMON_Q_DESCLO, addresses.descriptors);
  write64(VIRTIO_PCI_COMMON_Q_AVAILLO, addresses.available);
  write64(VIRTIO_PCI_COMMON_Q_USEDLO, addresses.used);
  common_.write16(VIRTIO_PCI_COMMON_Q_ENABLE, 1);
  return common_.read16(VIRTIO_PCI_COMMON_Q_ENABLE) == 1 ? nullptr : "the queue does not come up";
}

bool ModernTransport::reset_queue(std::uint16_t queue) const {
  if (common_.length() < kCommonResetLength) {
    return false;
  }
  common_.write16(VIRTIO_PCI_COMMON_Q_SELECT, queue);
  common_.write16(VIRTIO_PCI_COMMON_Q_RESET, 1);
  if (hal::mutant(hal::Mutant::queue_reset_not_awaited)) {
    return true;
  }
  // 4.1.4.3.2: not done before queue_reset reads 0; queue_enable is 0 then too.
  const auto reset = [this] { return common_.read16(VIRTIO_PCI_COMMON_Q_RESET); };
  return wait_until(reset, std::uint16_t{0}, std::uint16_t{0xffff}) && common_.read16(VIRTIO_PCI_COMMON_Q_ENABLE) == 0;
}

bool ModernTransport::set_config_vector(std::uint16_t msix_entry) const {
  common_.write16(VIRTIO_PCI_COMMON_MSIX, msix_entry);
  return common_.read16(VIRTIO_PCI_COMMON_MSIX) == msix_entry;
}

bool ModernTransport::doorbell(std::uint16_t queue, Doorbell& doorbell, std::uint64_t features) const {
  common_.write16(VIRTIO_PCI_COMMON_Q_SELECT, queue);
  const std::uint32_t multiplier = hal::mutant(hal::Mutant::doorbell_offset_not_scaled) ? 1 : notify_multiplier_;
  const std::uint64_t offset = std::uint64_t{common_.read16(VIRTIO_PCI_COMMON_Q_NOFF)} * multiplier;
  const bool with_position = (features & feature(VIRTIO_F_NOTIFICATION_DATA)) != 0;
  if (offset + (with_position ? 4 : 2) > notify_.length()) {
    return false;
  }
  const bool chosen_value =
      (features & feature(VIRTIO_F_NOTIF_CONFIG_DATA)) != 0 && common_.length() >= kCommonResetLength;
  const std::uint16_t value = chosen_value ? common_.read16(VIRTIO_PCI_COMMON_Q_NDATA) : queue;
  doorbell = {notify_, static_cast<std::uint32_t>(offset), value, with_position};
  return true;
}

}  // namespace ringside::virtio
