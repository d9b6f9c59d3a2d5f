// A run of device registers: behind a BAR, in port or memory space, or reached through a window in configuration space
// (VIRTIO 1.2, 4.1.4.9). One function per access width, so that a wrong width has to be written out to happen.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"
#include "driver/pci/config_space.h"

namespace ringside::pci {

// A capability by which a function gives access to its BARs without their being mapped. Each access moves it, so only
// one thread may use it.
struct ConfigWindow {
  const ConfigSpace* config = nullptr;
  Address address;
  // Offsets in configuration space.
  std::uint16_t bar = 0;
  std::uint16_t offset = 0;
  std::uint16_t length = 0;
  std::uint16_t data = 0;
};

class RegisterWindow {
 public:
  // Leads nowhere: reads all-ones, swallows writes.
  RegisterWindow() = default;
  // [base, base + length) lies inside one assigned BAR: the caller has checked it.
  RegisterWindow(hal::Machine& machine, bool io, std::uint64_t base, std::uint32_t length)
      : machine_(&machine), base_(base), length_(length), path_(io ? Path::io : Path::memory) {}
  // [offset, offset + length) of BAR `bar`, assigned or not. `window` outlives this.
  RegisterWindow(hal::Machine& machine, const ConfigWindow& window, std::uint8_t bar, std::uint32_t offset,
                 std::uint32_t length)
      : machine_(&machine), window_(&window), base_(offset), length_(length), path_(Path::config), bar_(bar) {}

  [[nodiscard]] bool valid() const { return machine_ != nullptr; }
  [[nodiscard]] std::uint32_t length() const { return length_; }

  [[nodiscard]] std::uint8_t read8(std::uint32_t offset) const {
    switch (path_) {
      case Path::none:
        break;
      case Path::memory:
        return machine_->mmio_read8(base_ + offset);
      case Path::io:
        return machine_->in8(port(offset));
      case Path::config:
        return window_->config->read8(window_->address, aim(offset, 1));
    }
    return 0xff;
  }
  [[nodiscard]] std::uint16_t read16(std::uint32_t offset) const {
    switch (path_) {
      case Path::none:
        break;
      case Path::memory:
        return machine_->mmio_read16(base_ + offset);
      case Path::io:
        return machine_->in16(port(offset));
      case Path::config:
        return window_->config->read16(window_->address, aim(offset, 2));
    }
    return 0xffff;
  }
  [[nodiscard]] std::uint32_t read32(std::uint32_t offset) const {
    switch (path_) {
      case Path::none:
        break;
      case Path::memory:
        return machine_->mmio_read32(base_ + offset);
      case Path::io:
        return machine_->in32(port(offset));
      case Path::config:
        return window_->config->read32(window_->address, aim(offset, 4));
    }
    return 0xffff'ffff;
  }
  void write8(std::uint32_t offset, std::uint8_t value) const {
    switch (path_) {
      case Path::none:
        break;
      case Path::memory:
        return machine_->mmio_write8(base_ + offset, value);
      case Path::io:
        return machine_->out8(port(offset), value);
      case Path::config:
        return window_->config->write8(window_->address, aim(offset, 1), value);
    }
  }
  void write16(std::uint32_t offset, std::uint16_t value) const {
    switch (path_) {
      case Path::none:
        break;
      case Path::memory:
        return machine_->mmio_write16(base_ + offset, value);
      case Path::io:
        return machine_->out16(port(offset), value);
      case Path::config:
        return window_->config->write16(window_->address, aim(offset, 2), value);
    }
  }
  void write32(std::uint32_t offset, std::uint32_t value) const {
    switch (path_) {
      case Path::none:
        break;
      case Path::memory:
        return machine_->mmio_write32(base_ + offset, value);
      case Path::io:
        return machine_->out32(port(offset), value);
      case Path::config:
        return window_->config->write32(window_->address, aim(offset, 4), value);
    }
  }

 private:
  enum class Path : std::uint8_t { none, memory, io, config };

  [[nodiscard]] std::uint16_t port(std::uint32_t offset) const { return static_cast<std::uint16_t>(base_ + offset); }

  // Points the window at the register; the access itself follows, to the data field that this returns.
  [[nodiscard]] std::uint16_t aim(std::uint32_t offset, std::uint32_t width) const {
    const ConfigWindow& window = *window_;
    window.config->write8(window.address, window.bar, bar_);
    window.config->write32(window.address, window.offset, static_cast<std::uint32_t>(base_) + offset);
    window.config->write32(window.address, window.length, width);
    return window.data;
  }

  hal::Machine* machine_ = nullptr;
  const ConfigWindow* window_ = nullptr;
  std::uint64_t base_ = 0;
  std::uint32_t length_ = 0;
  Path path_ = Path::none;
  std::uint8_t bar_ = 0;
};

}  // namespace ringside::pci
