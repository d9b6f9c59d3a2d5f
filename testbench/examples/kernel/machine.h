// The hardware interface on a bare PC whose memory is mapped one to one: all that a kernel has to give the driver. It
// polls: a kernel with interrupts counts them in its handlers and lets wait() sleep.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/hal/machine.h"

namespace example {

using ringside::hal::BusAddress;
using ringside::hal::DmaBuffer;
using ringside::hal::DmaDirection;
using ringside::hal::MachineInfo;
using ringside::hal::MsiMessage;

class BarePc final : public ringside::hal::Machine {
 public:
  BarePc();

  MachineInfo info() override;
  std::uint8_t in8(std::uint16_t port) override;
  std::uint16_t in16(std::uint16_t port) override;
  std::uint32_t in32(std::uint16_t port) override;
  void out8(std::uint16_t port, std::uint8_t value) override;
  void out16(std::uint16_t port, std::uint16_t value) override;
  void out32(std::uint16_t port, std::uint32_t value) override;
  std::uint8_t mmio_read8(std::uint64_t address) override;
  std::uint16_t mmio_read16(std::uint64_t address) override;
  std::uint32_t mmio_read32(std::uint64_t address) override;
  void mmio_write8(std::uint64_t address, std::uint8_t value) override;
  void mmio_write16(std::uint64_t address, std::uint16_t value) override;
  void mmio_write32(std::uint64_t address, std::uint32_t value) override;
  DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t alignment) override;
  void free_dma_buffer(const DmaBuffer& buffer) override;
  BusAddress map(void* cpu, std::size_t size, DmaDirection direction) override;
  void unmap(BusAddress bus, std::size_t size, DmaDirection direction) override;
  BusAddress virt_to_phys(const void* cpu) override;
  void* alloc_private(std::size_t size, std::size_t alignment) override;
  MsiMessage msi_message(unsigned vector) override;
  std::uint64_t interrupts(unsigned vector) override;
  bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) override;
  void acknowledge(unsigned vector) override;
  std::uint64_t now() override;
  void relax(std::uint64_t deadline) override;
  void log(const char* text, std::size_t length) override;

 private:
  std::uint64_t start_;  // time-stamp counter at power-on
  std::uint64_t ticks_per_microsecond_;
};

}  // namespace example
