#include "driver/pci/config_space.h"

namespace ringside::pci {
namespace {

constexpr std::uint16_t CONFIG_ADDRESS = 0xcf8;
constexpr std::uint16_t CONFIG_DATA = 0xcfc;
constexpr std::uint32_t kEnable = 0x8000'0000;

// The data port's byte lanes: the low offset bits select among its four ports.
constexpr std::uint16_t data_port(std::uint8_t offset) {
  return static_cast<std::uint16_t>(CONFIG_DATA + (offset & 3u));
}

}  // namespace

void ConfigSpace::select(Address address, std::uint8_t offset) const {
  const std::uint32_t location = std::uint32_t{address.bus} << 16 | std::uint32_t{address.device} << 11 |
                                 std::uint32_t{address.function} << 8 | (offset & 0xfcu);
  machine_->out32(CONFIG_ADDRESS, kEnable | location);
}

std::uint8_t ConfigSpace::read8(Address address, std::uint8_t offset) const {
  select(address, offset);
  return machine_->in8(data_port(offset));
}

std::uint16_t ConfigSpace::read16(Address address, std::uint8_t offset) const {
  select(address, offset);
  return machine_->in16(data_port(offset));
}

std::uint32_t ConfigSpace::read32(Address address, std::uint8_t offset) const {
  select(address, offset);
  return machine_->in32(data_port(offset));
}

void ConfigSpace::write8(Address address, std::uint8_t offset, std::uint8_t value) const {
  select(address, offset);
  machine_->out8(data_port(offset), value);
}

void ConfigSpace::write16(Address address, std::uint8_t offset, std::uint16_t value) const {
  select(address, offset);
  machine_->out16(data_port(offset), value);
}

void ConfigSpace::write32(Address address, std::uint8_t offset, std::uint32_t value) const {
  select(address, offset);
  machine_->out32(data_port(offset), value);
}

}  // namespace ringside::pci
