// For tests of the model: a disk's configuration space wherever the disk sits, on the root bus or behind a root port.
#pragma once

#include <cstdint>

#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {

class DiskPlace {
 public:
  DiskPlace(hal::Machine& machine, bool behind_port)
      : machine_(machine), config_(machine), disk_(behind_port ? Function{0, 0, kBus} : kDisk) {
    if (behind_port) {
      open_port();
    }
  }

  [[nodiscard]] bool express() const { return disk_.bus != 0; }
  [[nodiscard]] unsigned bytes() const { return express() ? 4096 : 256; }

  [[nodiscard]] std::uint32_t read(unsigned offset) {
    return express() ? machine_.mmio_read32(ecam(offset)) : config_.read32(disk_, offset);
  }
  void write(unsigned offset, std::uint32_t value) {
    if (express()) {
      machine_.mmio_write32(ecam(offset), value);
    } else {
      config_.write32(disk_, offset, value);
    }
  }
  void write8(unsigned offset, std::uint8_t value) { config_.write8(disk_, offset, value); }
  void write16(unsigned offset, std::uint16_t value) { config_.write16(disk_, offset, value); }

  // The bits that change under all-ones and all-zeroes; everything is put back.
  [[nodiscard]] std::uint32_t writable(unsigned offset) {
    constexpr unsigned kDeviceControl = 0x48;  // of an endpoint: all-ones would reset the function
    if (express() && offset == kDeviceControl) {
      return 0;
    }
    const std::uint32_t before = read(offset);
    write(offset, 0xffff'ffff);
    const std::uint32_t ones = read(offset);
    write(offset, 0);
    const std::uint32_t changed = ones ^ read(offset);
    write(offset, before);
    return changed;
  }

 private:
  static constexpr unsigned kBus = 1;
  static constexpr std::uint64_t kEcam = 0xb000'0000;
  static constexpr Function kMemoryController{0, 0};
  static constexpr Function kPort{2, 0};

  [[nodiscard]] std::uint64_t ecam(unsigned offset) const {
    return kEcam + (std::uint64_t{disk_.bus} << 20 | disk_.device << 15 | disk_.function << 12 | offset);
  }
  // ECAM, bus numbers, and windows that are wide enough for every BAR of the tests.
  void open_port() {
    config_.write32(kMemoryController, 0x64, 0);
    config_.write32(kMemoryController, 0x60, static_cast<std::uint32_t>(kEcam) | 1);
    config_.write32(kPort, 0x18, kBus << 16 | kBus << 8);
    config_.write16(kPort, 0x1c, 0xc0c0);
    config_.write32(kPort, 0x20, 0xe1f0'e000);
    config_.write16(kPort, 0x04, 7);
  }

  hal::Machine& machine_;
  Config config_;
  Function disk_;
};

}  // namespace ringside::tests::model_tests
