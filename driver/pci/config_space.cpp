#include "driver/pci/config_space.h"

namespace ringside::pci {
namespace {

constexpr std::uint16_t CONFIG_ADDRESS = 0xcf8;
constexpr std::uint16_t CONFIG_DATA = 0xcfc;
constexpr std::uint32_t kEnable = 0x8000'0000;

constexpr unsigned kMostBuses = 256;
constexpr std::uint64_t kEcamBytesPerBus = 1u << 20;

// The data port's byte lanes: the low offset bits select among its four ports.
constexpr std::uint16_t data_port(std::uint16_t offset) {
  return static_cast<std::uint16_t>(CONFIG_DATA + (offset & 3u));
}

}  // namespace

unsigned ConfigSpace::last_bus() const {
  const std::uint64_t buses = is_ecam() ? ecam_.size / kEcamBytesPerBus : kMostBuses;
  return static_cast<unsigned>(buses < kMostBuses ? buses : kMostBuses) - 1;
}

void ConfigSpace::select(Address address, std::uint16_t offset) const {
  const std::uint32_t location = std::uint32_t{address.bus} << 16 | std::uint32_t{address.device} << 11 |
                                 std::uint32_t{address.function} << 8 | (offset & 0xfcu);
  machine_->out32(CONFIG_ADDRESS, kEnable | location);
}

std::uint64_t ConfigSpace::location(Address address, std::uint16_t offset) const {
  return ecam_.base + (std::uint64_t{address.bus} << 20 | std::uint64_t{address.device} << 15 |
                       std::uint64_t{address.function} << 12 | offset);
}

std::uint8_t ConfigSpace::read8(Address address, std::uint16_t offset) const {
  if (!reaches(address, offset)) {
    return 0xff;
  }
  if (is_ecam()) {
    return machine_->mmio_read8(location(address, offset));
  }
  select(address, offset);
  return machine_->in8(data_port(offset));
}

std::uint16_t ConfigSpace::read16(Address address, std::uint16_t offset) const {
  if (!reaches(address, offset)) {
    return 0xffff;
  }
  if (is_ecam()) {
    return machine_->mmio_read16(location(address, offset));
  }
  select(address, offset);
  return machine_->in16(data_port(offset));
}

std::uint32_t ConfigSpace::read32(Address address, std::uint16_t offset) const {
  if (!reaches(address, offset)) {
    return 0xffff'ffff;
  }
  if (is_ecam()) {
    return machine_->mmio_read32(location(address, offset));
  }
  select(address, offset);
  return machine_->in32(data_port(offset));
}

void ConfigSpace::write8(Address address, std::uint16_t offset, std::uint8_t value) const {
  if (!reaches(address, offset)) {
    return;
  }
  if (is_ecam()) {
    machine_->mmio_write8(location(address, offset), value);
    return;
  }
  select(address, offset);
  machine_->out8(data_port(offset), value);
}

void ConfigSpace::write16(Address address, std::uint16_t offset, std::uint16_t value) const {
  if (!reaches(address, offset)) {
    return;
  }
  if (is_ecam()) {
    machine_->mmio_write16(location(address, offset), value);
    return;
  }
  select(address, offset);
  machine_->out16(data_port(offset), value);
}

void ConfigSpace::write32(Address address, std::uint16_t offset, std::uint32_t value) const {
  if (!reaches(address, offset)) {
    return;
  }
  if (is_ecam()) {
    machine_->mmio_write32(location(address, offset), value);
    return;
  }
  select(address, offset);
  machine_->out32(data_port(offset), value);
}

Probed ConfigSpace::probe32(Address address, std::uint16_t offset) const {
  constexpr std::uint32_t kAllOnes = 0xffff'ffff;
  if (!reaches(address, offset)) {
    return {kAllOnes, kAllOnes};
  }
  if (!is_ecam()) {
    select(address, offset);  // once: the address port keeps it
  }
  const std::uint64_t place = location(address, offset);
  const auto read = [&] { return is_ecam() ? machine_->mmio_read32(place) : machine_->in32(data_port(offset)); };
  const auto write = [&](std::uint32_t value) {
    is_ecam() ? machine_->mmio_write32(place, value) : machine_->out32(data_port(offset), value);
  };
  const std::uint32_t value = read();
  if (value == kAllOnes) {
    return {value, value};
  }
  write(kAllOnes);
  const std::uint32_t mask = read();
  if (mask != value) {
    write(value);
  }
  return {value, mask};
}

}  // namespace ringside::pci
