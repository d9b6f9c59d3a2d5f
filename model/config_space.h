// The configuration space of one function: bytes, and which of their bits software may write.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "model/pci.h"

namespace ringside::model {

struct FunctionIdentity {
  std::uint16_t vendor;
  std::uint16_t device;
  std::uint8_t revision;
  std::uint8_t prog_if;
  std::uint16_t class_code;  // base class and sub-class
  std::uint8_t header_type;
  std::uint16_t status;
  std::uint16_t subsystem_vendor;
  std::uint16_t subsystem;
  std::uint8_t interrupt_pin;  // 0 for none, 1 for INTA
};

class ConfigSpace {
 public:
  // `bytes` is kConfigBytes or kExtendedConfigBytes.
  explicit ConfigSpace(const FunctionIdentity& identity, std::size_t bytes = kConfigBytes);

  // --- Construction: sets the values that power-on restores.
  void define(unsigned offset, std::uint8_t value, std::uint8_t writable);
  void define16(unsigned offset, std::uint16_t value, std::uint16_t writable = 0);
  void define32(unsigned offset, std::uint32_t value, std::uint32_t writable = 0);
  void make_writable(unsigned first, unsigned last);  // all bits of these bytes
  // Puts a capability at the head of the list. `body` follows the two bytes of id and next pointer.
  void add_capability(unsigned offset, std::uint8_t id, std::span<const std::uint8_t> body);
  // Writing one to these bits clears them (RW1C): status that the function sets.
  void make_clearable(unsigned offset, std::uint8_t bits) { clearable_[offset] = bits; }

  // --- Operation
  [[nodiscard]] std::size_t bytes() const { return size_; }
  void power_on() { bytes_ = power_on_; }
  // `size` is 1, 2 or 4, and the access lies inside the space.
  [[nodiscard]] std::uint32_t read(unsigned offset, unsigned size) const;
  void write(unsigned offset, unsigned size, std::uint32_t value);
  [[nodiscard]] std::uint16_t command() const { return static_cast<std::uint16_t>(read(PCI_COMMAND, 2)); }
  // What software cannot write, the device can.
  void set(unsigned offset, std::uint8_t value) { bytes_[offset] = value; }
  [[nodiscard]] std::uint8_t operator[](unsigned offset) const { return bytes_[offset]; }

 private:
  using Bytes = std::array<std::uint8_t, kExtendedConfigBytes>;

  std::size_t size_;
  Bytes bytes_{};
  Bytes power_on_{};
  Bytes writable_{};
  Bytes clearable_{};
};

}  // namespace ringside::model
