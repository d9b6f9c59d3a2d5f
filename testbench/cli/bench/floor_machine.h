// The smallest machine that the driver runs on: one PCI bus with the floor device, RAM, and no time.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"
#include "testbench/cli/bench/floor_device.h"
#include "testbench/cli/bench/page_memory.h"
#include "testbench/targets/dma_arena.h"

namespace ringside::cli {

class FloorMachine final : public hal::Machine {
 public:
  explicit FloorMachine(std::uint64_t disk_bytes);

  [[nodiscard]] hal::MachineInfo info() override;
  [[nodiscard]] std::uint8_t in8(std::uint16_t port) override;
  [[nodiscard]] std::uint16_t in16(std::uint16_t port) override;
  [[nodiscard]] std::uint32_t in32(std::uint16_t port) override;
  void out8(std::uint16_t port, std::uint8_t value) override;
  void out16(std::uint16_t port, std::uint16_t value) override;
  void out32(std::uint16_t port, std::uint32_t value) override;
  [[nodiscard]] std::uint8_t mmio_read8(std::uint64_t address) override;
  [[nodiscard]] std::uint16_t mmio_read16(std::uint64_t address) override;
  [[nodiscard]] std::uint32_t mmio_read32(std::uint64_t address) override;
  void mmio_write8(std::uint64_t address, std::uint8_t value) override;
  void mmio_write16(std::uint64_t address, std::uint16_t value) override;
  void mmio_write32(std::uint64_t address, std::uint32_t value) override;
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

 private:
  [[nodiscard]] std::uint32_t port_in(std::uint16_t port, unsigned width) const;
  void port_out(std::uint16_t port, unsigned width, std::uint32_t value);

  PageMemory ram_;
  targets::DmaArena arena_;
  FloorDevice device_;
  std::uint32_t config_address_ = 0;
  std::uint64_t now_ = 0;
};

}  // namespace ringside::cli
