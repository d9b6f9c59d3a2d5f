// A run of device registers behind a BAR, in port or memory space. One function per access width, so that a wrong
// width has to be written out to happen.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"

namespace ringside::pci {

class RegisterWindow {
 public:
  RegisterWindow() = default;
  // [base, base + length) lies inside one assigned BAR: the caller has checked it.
  RegisterWindow(hal::Machine& machine, bool io, std::uint64_t base, std::uint32_t length)
      : machine_(&machine), base_(base), length_(length), io_(io) {}

  [[nodiscard]] bool valid() const { return machine_ != nullptr; }
  [[nodiscard]] std::uint32_t length() const { return length_; }

  [[nodiscard]] std::uint8_t read8(std::uint32_t offset) const {
    return io_ ? machine_->in8(port(offset)) : machine_->mmio_read8(base_ + offset);
  }
  [[nodiscard]] std::uint16_t read16(std::uint32_t offset) const {
    return io_ ? machine_->in16(port(offset)) : machine_->mmio_read16(base_ + offset);
  }
  [[nodiscard]] std::uint32_t read32(std::uint32_t offset) const {
    return io_ ? machine_->in32(port(offset)) : machine_->mmio_read32(base_ + offset);
  }
  void write8(std::uint32_t offset, std::uint8_t value) const {
    io_ ? machine_->out8(port(offset), value) : machine_->mmio_write8(base_ + offset, value);
  }
  void write16(std::uint32_t offset, std::uint16_t value) const {
    io_ ? machine_->out16(port(offset), value) : machine_->mmio_write16(base_ + offset, value);
  }
  void write32(std::uint32_t offset, std::uint32_t value) const {
    io_ ? machine_->out32(port(offset), value) : machine_->mmio_write32(base_ + offset, value);
  }

 private:
  [[nodiscard]] std::uint16_t port(std::uint32_t offset) const { return static_cast<std::uint16_t>(base_ + offset); }

  hal::Machine* machine_ = nullptr;
  std::uint64_t base_ = 0;
  std::uint32_t length_ = 0;
  bool io_ = false;
};

}  // namespace ringside::pci
