#include "driver/pci/capability.h"

#include "driver/hal/mutant.h"
#include "driver/pci/registers.h"

namespace ringside::pci {
namespace {

constexpr std::uint8_t kFirst = 0x40;  // below it lies the header

}  // namespace

CapabilityWalk::CapabilityWalk(const ConfigSpace& config, Address address) : config_(&config), address_(address) {
  if ((config.read16(address, PCI_STATUS) & PCI_STATUS_CAP_LIST) != 0) {
    pointer_ = config.read8(address, PCI_CAPABILITY_LIST);
  }
}

bool CapabilityWalk::next(Capability& capability) {
  const std::uint8_t offset = pointer_ & 0xfcu;  // the low bits are reserved: software masks them (PCI 3.0, 6.7)
  if (offset == 0) {
    return false;
  }
  const std::uint64_t bit = std::uint64_t{1} << (offset / 4);
  if (offset < kFirst || ((visited_ & bit) != 0 && !hal::mutant(hal::Mutant::capability_loop_followed))) {
    malformed_ = true;
    return false;
  }
  visited_ |= bit;
  const std::uint16_t header = config_->read16(address_, offset);
  capability = {static_cast<std::uint8_t>(header), offset};
  pointer_ = static_cast<std::uint8_t>(header >> 8);
  return true;
}

bool ExtendedCapabilityWalk::next(ExtendedCapability& capability) {
  constexpr std::uint16_t kFirstExtended = 0x100;
  const std::uint16_t offset = pointer_ & 0xffcu;  // the low bits are reserved
  if (offset == 0) {
    return false;
  }
  std::uint64_t& word = visited_[offset / 256];
  const std::uint64_t bit = std::uint64_t{1} << (offset / 4 % 64);
  if (offset < kFirstExtended || (word & bit) != 0) {
    malformed_ = true;
    return false;
  }
  word |= bit;
  const std::uint32_t header = config_->read32(address_, offset);
  if (header == 0 || header == 0xffff'ffff) {
    return false;  // an empty list (7.6.3), or nobody there
  }
  capability = {static_cast<std::uint16_t>(header), offset};
  pointer_ = static_cast<std::uint16_t>(header >> 20);
  return true;
}

std::uint8_t find_capability(const ConfigSpace& config, Address address, std::uint8_t id) {
  CapabilityWalk walk(config, address);
  for (Capability capability; walk.next(capability);) {
    if (capability.id == id) {
      return capability.offset;
    }
  }
  return 0;
}

}  // namespace ringside::pci
