// A machine in front of another, which does what that one does; whoever needs a different one overrides that.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/hal/machine.h"

namespace ringside::scenarios {

class ForwardingMachine : public hal::Machine {
 public:
  explicit ForwardingMachine(hal::Machine& inner) : inner_(inner) {}
  ~ForwardingMachine() = default;

  hal::MachineInfo info() override { return inner_.info(); }
  std::uint8_t in8(std::uint16_t port) override { return inner_.in8(port); }
  std::uint16_t in16(std::uint16_t port) override { return inner_.in16(port); }
  std::uint32_t in32(std::uint16_t port) override { return inner_.in32(port); }
  void out8(std::uint16_t port, std::uint8_t value) override { inner_.out8(port, value); }
  void out16(std::uint16_t port, std::uint16_t value) override { inner_.out16(port, value); }
  void out32(std::uint16_t port, std::uint32_t value) override { inner_.out32(port, value); }
  std::uint8_t mmio_read8(std::uint64_t address) override { return inner_.mmio_read8(address); }
  std::uint16_t mmio_read16(std::uint64_t address) override { return inner_.mmio_read16(address); }
  std::uint32_t mmio_read32(std::uint64_t address) override { return inner_.mmio_read32(address); }
  void mmio_write8(std::uint64_t address, std::uint8_t value) override { inner_.mmio_write8(address, value); }
  void mmio_write16(std::uint64_t address, std::uint16_t value) override { inner_.mmio_write16(address, value); }
  void mmio_write32(std::uint64_t address, std::uint32_t value) override { inner_.mmio_write32(address, value); }
  hal::DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t alignment) override {
    return inner_.alloc_dma_buffer(size, alignment);
  }
  void free_dma_buffer(const hal::DmaBuffer& buffer) override { inner_.free_dma_buffer(buffer); }
  hal::BusAddress map(void* cpu, std::size_t size, hal::DmaDirection direction) override {
    return inner_.map(cpu, size, direction);
  }
  void unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) override {
    inner_.unmap(bus, size, direction);
  }
  hal::BusAddress virt_to_phys(const void* cpu) override { return inner_.virt_to_phys(cpu); }
  void* alloc_private(std::size_t size, std::size_t alignment) override {
    return inner_.alloc_private(size, alignment);
  }
  hal::MsiMessage msi_message(unsigned vector) override { return inner_.msi_message(vector); }
  std::uint64_t interrupts(unsigned vector) override { return inner_.interrupts(vector); }
  bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) override {
    return inner_.wait(vector, seen, deadline);
  }
  void acknowledge(unsigned vector) override { inner_.acknowledge(vector); }
  std::uint64_t now() override { return inner_.now(); }
  void relax(std::uint64_t deadline) override { inner_.relax(deadline); }
  void log(const char* text, std::size_t length) override { inner_.log(text, length); }

 protected:
  hal::Machine& inner_;
};

}  // namespace ringside::scenarios
