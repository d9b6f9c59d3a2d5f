// Configuration access: by mechanism #1 (PCI Local Bus 3.0, 3.2.2.3.2), an address port and a data port, or through
// memory (ECAM, PCI Express Base 4.0, 7.2.2), which alone reaches the extended configuration space.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"

namespace ringside::pci {

// `automatic`: by ECAM where the machine has it.
enum class ConfigAccess : std::uint8_t { automatic, cam, ecam };

struct Address {
  std::uint8_t bus = 0;
  std::uint8_t device = 0;    // 0 .. 31
  std::uint8_t function = 0;  // 0 .. 7
};

// What a register holds, and what it reads after all ones were written to it.
struct Probed {
  std::uint32_t value = 0;
  std::uint32_t mask = 0;
};

// Reads of what is not there are all-ones, writes to it are lost: that is PCI, not an error here, and holds for what
// the mechanism does not reach. 16- and 32-bit offsets are naturally aligned.
class ConfigSpace {
 public:
  explicit ConfigSpace(hal::Machine& machine) : machine_(&machine) {}

  // From now on through memory: 1 MiB of `window` for each bus.
  void use_ecam(const hal::Window& window) { ecam_ = window; }
  [[nodiscard]] bool is_ecam() const { return ecam_.size != 0; }

  [[nodiscard]] unsigned last_bus() const;
  [[nodiscard]] std::uint16_t size() const { return is_ecam() ? 0x1000 : 0x100; }  // bytes per function

  [[nodiscard]] std::uint8_t read8(Address address, std::uint16_t offset) const;
  [[nodiscard]] std::uint16_t read16(Address address, std::uint16_t offset) const;
  [[nodiscard]] std::uint32_t read32(Address address, std::uint16_t offset) const;
  void write8(Address address, std::uint16_t offset, std::uint8_t value) const;
  void write16(Address address, std::uint16_t offset, std::uint16_t value) const;
  void write32(Address address, std::uint16_t offset, std::uint32_t value) const;
  // Writes all ones to a 32-bit register, and what it held again if that has changed it: one without any bit that can
  // be written, as where a function lacks a BAR, has kept its value.
  [[nodiscard]] Probed probe32(Address address, std::uint16_t offset) const;

 private:
  [[nodiscard]] bool reaches(Address address, std::uint16_t offset) const {
    return offset < size() && address.bus <= last_bus();
  }
  void select(Address address, std::uint16_t offset) const;
  [[nodiscard]] std::uint64_t location(Address address, std::uint16_t offset) const;

  hal::Machine* machine_;
  hal::Window ecam_;
};

}  // namespace ringside::pci
