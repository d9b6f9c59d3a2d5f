#include "driver/virtio/legacy_transport.h"

#include "driver/hal/mutant.h"
#include "driver/virtio/spec.h"

namespace ringside::virtio {
namespace {

constexpr std::uint64_t kMostPages = std::uint64_t{1} << 32;  // QUEUE_PFN has 32 bits: 16 TiB of bus addresses

constexpr std::uint64_t align_up(std::uint64_t value) {
  return (value + kLegacyAlignment - 1) & ~(kLegacyAlignment - 1);
}

// Where the device will look for the rings, given only where the descriptors are (2.7.2).
bool has_legacy_layout(const QueueAddresses& addresses, std::uint16_t size) {
  constexpr std::uint64_t kDescriptorBytes = 16;
  constexpr std::uint64_t kAvailableWords = 3;  // beside the ring: flags, idx, used_event
  const std::uint64_t descriptors = hal::raw(addresses.descriptors);
  const std::uint64_t available = descriptors + kDescriptorBytes * size;
  const std::uint64_t used = align_up(available + (kAvailableWords + size) * sizeof(std::uint16_t));
  return descriptors % kLegacyAlignment == 0 && hal::raw(addresses.available) == available &&
         hal::raw(addresses.used) == used;
}

}  // namespace

const char* LegacyTransport::init(const pci::Bar* bars) {
  bar_ = bars[0];
  if (hal::mutant(hal::Mutant::io_bar_taken_for_memory)) {
    bar_.kind = pci::BarKind::memory32;
  }
  if (bar_.kind == pci::BarKind::none || bar_.size < VIRTIO_PCI_CONFIG_OFF_MSIX) {
    return "no legacy registers";
  }
  registers_ = pci::RegisterWindow(*machine_, bar_.kind == pci::BarKind::io, bar_.address, VIRTIO_PCI_CONFIG_OFF_MSIX);
  msix_switched(false);
  return nullptr;
}

// 4.1.4.8: the vectors' registers exist only while MSI-X is enabled, and push the device configuration back.
void LegacyTransport::msix_switched(bool enabled) {
  msix_ = enabled;
  const bool moves = enabled && !hal::mutant(hal::Mutant::legacy_config_does_not_move);
  const std::uint32_t start = moves ? VIRTIO_PCI_CONFIG_OFF_MSIX : VIRTIO_PCI_CONFIG_OFF;
  device_ = pci::RegisterWindow(*machine_, bar_.kind == pci::BarKind::io, bar_.address + start,
                                static_cast<std::uint32_t>(bar_.size) - start);
}

std::uint8_t LegacyTransport::status() const { return registers_.read8(VIRTIO_PCI_STATUS); }

void LegacyTransport::write_status(std::uint8_t status) const { registers_.write8(VIRTIO_PCI_STATUS, status); }

std::uint64_t LegacyTransport::offered_features() const { return registers_.read32(VIRTIO_PCI_HOST_FEATURES); }

bool LegacyTransport::accept_features(std::uint64_t features) const {
  registers_.write32(VIRTIO_PCI_GUEST_FEATURES, static_cast<std::uint32_t>(features));
  return features <= 0xffff'ffff;  // nobody asks a legacy device: there is no FEATURES_OK
}

std::uint32_t LegacyTransport::config_generation() const {
  constexpr std::uint32_t kBytes = 64;  // more than the device configuration of any block device before 1.0
  constexpr std::uint32_t kFnvPrime = 16'777'619;
  std::uint32_t hash = 2'166'136'261;
  for (std::uint32_t offset = 0; offset < kBytes && offset + 4 <= device_.length(); offset += 4) {
    hash = (hash ^ device_.read32(offset)) * kFnvPrime;
  }
  return hash;
}

// No register tells: the first queue of size 0 is past the end.
std::uint16_t LegacyTransport::queue_count() const {
  constexpr std::uint16_t kMost = 1024;
  std::uint16_t count = 0;
  while (count < kMost && max_queue_size(count) != 0) {
    ++count;
  }
  return count;
}

std::uint16_t LegacyTransport::max_queue_size(std::uint16_t queue) const {
  registers_.write16(VIRTIO_PCI_QUEUE_SEL, queue);
  return registers_.read16(VIRTIO_PCI_QUEUE_NUM);
}

const char* LegacyTransport::set_up_queue(std::uint16_t queue, std::uint16_t size, const QueueAddresses& addresses,
                                          std::uint16_t msix_entry) const {
  if (max_queue_size(queue) != size) {
    return "the size of a legacy queue is the device's";
  }
  if (registers_.read32(VIRTIO_PCI_QUEUE_PFN) != 0) {
    return "the queue is already enabled";
  }
  const std::uint64_t mistake = hal::mutant(hal::Mutant::legacy_page_number_wrong) ? 1 : 0;
  const std::uint64_t page = hal::raw(addresses.descriptors) / kLegacyAlignment + mistake;
  if (page == 0 || page >= kMostPages || !has_legacy_layout(addresses, size)) {
    return "the queue lies where a legacy device cannot find it";
  }
  if (msix_) {
    registers_.write16(VIRTIO_MSI_QUEUE_VECTOR, msix_entry);
    if (registers_.read16(VIRTIO_MSI_QUEUE_VECTOR) != msix_entry) {
      return "the queue's vector was refused";
    }
  }
  registers_.write32(VIRTIO_PCI_QUEUE_PFN, static_cast<std::uint32_t>(page));
  return registers_.read32(VIRTIO_PCI_QUEUE_PFN) == page ? nullptr : "the queue does not come up";
}

bool LegacyTransport::doorbell(std::uint16_t queue, Doorbell& doorbell, std::uint64_t) const {
  doorbell = {registers_, VIRTIO_PCI_QUEUE_NOTIFY, queue, false};
  return true;
}

bool LegacyTransport::set_config_vector(std::uint16_t msix_entry) const {
  if (!msix_) {
    return msix_entry == VIRTIO_MSI_NO_VECTOR;
  }
  registers_.write16(VIRTIO_MSI_CONFIG_VECTOR, msix_entry);
  return registers_.read16(VIRTIO_MSI_CONFIG_VECTOR) == msix_entry;
}

std::uint8_t LegacyTransport::read_isr() const { return registers_.read8(VIRTIO_PCI_ISR); }

}  // namespace ringside::virtio
