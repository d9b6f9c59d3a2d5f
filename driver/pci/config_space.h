// Configuration access by mechanism #1 (PCI Local Bus 3.0, 3.2.2.3.2): an address port and a data port.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"

namespace ringside::pci {

struct Address {
  std::uint8_t bus = 0;
  std::uint8_t device = 0;    // 0 .. 31
  std::uint8_t function = 0;  // 0 .. 7
};

// Reads of what is not there are all-ones, writes to it are lost: that is PCI, not an error here. 16- and 32-bit
// offsets are naturally aligned.
class ConfigSpace {
 public:
  explicit ConfigSpace(hal::Machine& machine) : machine_(&machine) {}

  [[nodiscard]] std::uint8_t read8(Address address, std::uint8_t offset) const;
  [[nodiscard]] std::uint16_t read16(Address address, std::uint8_t offset) const;
  [[nodiscard]] std::uint32_t read32(Address address, std::uint8_t offset) const;
  void write8(Address address, std::uint8_t offset, std::uint8_t value) const;
  void write16(Address address, std::uint8_t offset, std::uint16_t value) const;
  void write32(Address address, std::uint8_t offset, std::uint32_t value) const;

 private:
  void select(Address address, std::uint8_t offset) const;

  hal::Machine* machine_;
};

}  // namespace ringside::pci
