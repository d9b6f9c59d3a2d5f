// A machine for a driver and a device that lies: the hardware interface, cold and hot, with nothing behind it but that
// device and an ISA bridge that routes its pin. Whoever asks for too much, waits for ever or never stops asking is
// found.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "driver/hal/machine.h"
#include "driver/hal/memory.h"
#include "testbench/fuzz/dma_memory.h"
#include "testbench/fuzz/lies.h"
#include "testbench/fuzz/lying_disk.h"

namespace ringside::fuzz {

class LyingMachine final : public hal::Machine, public hal::Observer {
 public:
  LyingMachine(const LyingShape& shape, Lies& lies, Reached& reached)
      : lies_(lies), disk_(shape, memory_, lies, reached) {}

  [[nodiscard]] const DmaMemory& memory() const { return memory_; }
  // The device tells the truth from now on.
  void calm() { lies_.stop(); }
  // Out of its slot and back again.
  void replug() { disk_.power_on(); }
  // Without what the device let pass by a lie.
  [[nodiscard]] std::uint64_t driver_time() const { return time_ - lost_time_; }
  // What comes may take so many accesses again.
  void begin_phase() { steps_ = 0; }

  [[nodiscard]] hal::MachineInfo info() override;
  [[nodiscard]] std::uint8_t in8(std::uint16_t port) override { return static_cast<std::uint8_t>(read_port(port, 1)); }
  [[nodiscard]] std::uint16_t in16(std::uint16_t port) override {
    return static_cast<std::uint16_t>(read_port(port, 2));
  }
  [[nodiscard]] std::uint32_t in32(std::uint16_t port) override { return read_port(port, 4); }
  void out8(std::uint16_t port, std::uint8_t value) override { write_port(port, 1, value); }
  void out16(std::uint16_t port, std::uint16_t value) override { write_port(port, 2, value); }
  void out32(std::uint16_t port, std::uint32_t value) override { write_port(port, 4, value); }
  [[nodiscard]] std::uint8_t mmio_read8(std::uint64_t address) override {
    return static_cast<std::uint8_t>(read_memory(address, 1));
  }
  [[nodiscard]] std::uint16_t mmio_read16(std::uint64_t address) override {
    return static_cast<std::uint16_t>(read_memory(address, 2));
  }
  [[nodiscard]] std::uint32_t mmio_read32(std::uint64_t address) override { return read_memory(address, 4); }
  void mmio_write8(std::uint64_t address, std::uint8_t value) override { write_memory(address, 1, value); }
  void mmio_write16(std::uint64_t address, std::uint16_t value) override { write_memory(address, 2, value); }
  void mmio_write32(std::uint64_t address, std::uint32_t value) override { write_memory(address, 4, value); }
  [[nodiscard]] hal::DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t alignment) override;
  void free_dma_buffer(const hal::DmaBuffer& buffer) override;
  [[nodiscard]] hal::BusAddress map(void* cpu, std::size_t size, hal::DmaDirection direction) override;
  void unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) override;
  [[nodiscard]] hal::BusAddress virt_to_phys(const void* cpu) override;
  [[nodiscard]] void* alloc_private(std::size_t size, std::size_t alignment) override;
  [[nodiscard]] hal::MsiMessage msi_message(unsigned vector) override;
  [[nodiscard]] std::uint64_t interrupts(unsigned vector) override;
  [[nodiscard]] bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) override;
  void acknowledge(unsigned vector) override;
  [[nodiscard]] std::uint64_t now() override;
  void relax(std::uint64_t deadline) override;
  void log(const char* text, std::size_t length) override;

  [[nodiscard]] std::uint64_t load(const void* address, unsigned size) override;
  void store(void* address, unsigned size, std::uint64_t value) override;
  void fence(hal::Fence fence) override { hal::hardware_fence(fence); }

 private:
  struct Release {
    std::align_val_t alignment;
    void operator()(std::uint8_t* memory) const { ::operator delete[](memory, alignment); }
  };

  void step();
  void rest();
  void sleep_until(std::uint64_t deadline);
  [[nodiscard]] std::uint64_t count(unsigned vector) const;
  [[nodiscard]] std::uint32_t read_port(std::uint16_t port, unsigned width);
  void write_port(std::uint16_t port, unsigned width, std::uint32_t value);
  [[nodiscard]] std::uint32_t read_memory(std::uint64_t address, unsigned width);
  void write_memory(std::uint64_t address, unsigned width, std::uint32_t value);
  [[nodiscard]] std::uint32_t read_bridge(unsigned offset, unsigned width) const;

  Lies& lies_;
  DmaMemory memory_;
  LyingDisk disk_;
  std::vector<std::unique_ptr<std::uint8_t[], Release>> private_;
  std::size_t private_bytes_ = 0;
  std::uint32_t config_address_ = 0;
  std::array<std::uint8_t, 4> routes_{0x80, 0x80, 0x80, 0x80};
  std::uint64_t time_ = 0;
  std::uint64_t lost_time_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace ringside::fuzz
