// A machine for unit tests of the driver: DMA memory from the heap at bus addresses that differ from pointers,
// configuration space as bytes with write masks, behind bridges too, and nothing else. What a test does not expect
// fails it.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/hal/machine.h"

namespace ringside::tests {

inline constexpr std::uint64_t kBusOffset = 0x4000'0000;

struct FakeFunction {
  std::array<std::uint8_t, 256> bytes{};
  std::array<std::uint8_t, 256> writable{};
  unsigned segment = 0;  // a bridge: the segment behind it, whatever number its bus gets

  void set(unsigned offset, unsigned width, std::uint64_t value) {
    for (unsigned i = 0; i < width; ++i) {
      bytes[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
  }
  void set_writable(unsigned offset, unsigned width, std::uint64_t mask) {
    for (unsigned i = 0; i < width; ++i) {
      writable[offset + i] = static_cast<std::uint8_t>(mask >> (8 * i));
    }
  }
};

class MemoryMachine : public hal::Machine {
 public:
  std::map<unsigned, FakeFunction> functions;  // by segment<<8 | device<<3 | function; segment 0 is the root bus
  hal::MachineInfo windows{{0xc000, 0x4000}, {0xe000'0000, 0x1000'0000}, 8};
  std::size_t private_limit = ~std::size_t{0};               // blocks of private memory that it has
  std::vector<std::pair<unsigned, unsigned>> config_writes;  // key and offset, in order
  std::vector<std::string> lines;
  std::uint64_t time = 0;
  std::size_t mapped = 0;
  std::map<void*, std::vector<std::uint8_t>> buffers;

  hal::MachineInfo info() override { return windows; }

  std::uint8_t in8(std::uint16_t port) override { return static_cast<std::uint8_t>(config_read(port, 1)); }
  std::uint16_t in16(std::uint16_t port) override { return static_cast<std::uint16_t>(config_read(port, 2)); }
  std::uint32_t in32(std::uint16_t port) override { return config_read(port, 4); }
  void out8(std::uint16_t port, std::uint8_t value) override { config_write(port, 1, value); }
  void out16(std::uint16_t port, std::uint16_t value) override { config_write(port, 2, value); }
  void out32(std::uint16_t port, std::uint32_t value) override { config_write(port, 4, value); }

  std::uint8_t mmio_read8(std::uint64_t) override { return 0xff; }
  std::uint16_t mmio_read16(std::uint64_t) override { return 0xffff; }
  std::uint32_t mmio_read32(std::uint64_t) override { return 0xffff'ffff; }
  void mmio_write8(std::uint64_t, std::uint8_t) override {}
  void mmio_write16(std::uint64_t, std::uint16_t) override {}
  void mmio_write32(std::uint64_t, std::uint32_t) override {}

  hal::DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t alignment) override {
    std::vector<std::uint8_t> memory(size + alignment);
    const auto start = (reinterpret_cast<std::uintptr_t>(memory.data()) + alignment - 1) & ~(alignment - 1);
    void* const cpu = reinterpret_cast<void*>(start);
    buffers[cpu] = std::move(memory);
    return {cpu, virt_to_phys(cpu), size};
  }
  void free_dma_buffer(const hal::DmaBuffer& buffer) override { ASSERT_EQ(buffers.erase(buffer.cpu), 1u); }
  hal::BusAddress map(void* cpu, std::size_t, hal::DmaDirection) override {
    ++mapped;
    return virt_to_phys(cpu);
  }
  void unmap(hal::BusAddress, std::size_t, hal::DmaDirection) override { --mapped; }
  hal::BusAddress virt_to_phys(const void* cpu) override {
    return hal::BusAddress{reinterpret_cast<std::uintptr_t>(cpu) + kBusOffset};
  }
  void* alloc_private(std::size_t size, std::size_t) override {
    if (private_.size() == private_limit) {
      return nullptr;
    }
    private_.push_back(std::make_unique<std::uint8_t[]>(size));
    return private_.back().get();
  }
  hal::MsiMessage msi_message(unsigned vector) override { return {0xfee0'0000, vector}; }
  std::uint64_t interrupts(unsigned) override { return 0; }
  bool wait(unsigned, std::uint64_t, std::uint64_t deadline) override {
    time = deadline;
    return false;
  }
  void acknowledge(unsigned) override {}
  std::uint64_t now() override { return time; }
  void relax(std::uint64_t deadline) override { time = deadline; }
  void log(const char* text, std::size_t length) override { lines.emplace_back(text, length); }

  ~MemoryMachine() = default;

 private:
  FakeFunction* selected() {
    const int segment = (address_ >> 31) == 0 ? -1 : segment_of((address_ >> 16) & 0xff);
    const auto found = functions.find(static_cast<unsigned>(segment) << 8 | ((address_ >> 8) & 0xff));
    return segment < 0 || found == functions.end() ? nullptr : &found->second;
  }
  // Follows the bridges whose numbers hold the bus; -1 where none does.
  int segment_of(unsigned bus) {
    unsigned segment = 0;
    unsigned here = 0;
    while (here != bus) {
      const FakeFunction* const bridge = bridge_to(bus, segment);
      if (bridge == nullptr || bridge->bytes[0x19] <= here) {
        return -1;
      }
      segment = bridge->segment;
      here = bridge->bytes[0x19];
    }
    return static_cast<int>(segment);
  }
  const FakeFunction* bridge_to(unsigned bus, unsigned segment) {
    for (const auto& [key, function] : functions) {
      if (key >> 8 == segment && function.segment != 0 && function.bytes[0x19] <= bus && bus <= function.bytes[0x1a]) {
        return &function;
      }
    }
    return nullptr;
  }
  std::uint32_t config_read(std::uint16_t port, unsigned width) {
    FakeFunction* const function = selected();
    if (port < 0xcfc || port > 0xcff || function == nullptr) {
      return 0xffff'ffff;
    }
    std::uint32_t value = 0;
    std::memcpy(&value, &function->bytes[(address_ & 0xfc) + (port & 3u)], width);
    return value;
  }
  void config_write(std::uint16_t port, unsigned width, std::uint32_t value) {
    if (port == 0xcf8 && width == 4) {
      address_ = value;
      return;
    }
    FakeFunction* const function = selected();
    if (function != nullptr && port >= 0xcfc) {
      const auto segment = static_cast<unsigned>(segment_of((address_ >> 16) & 0xff));
      config_writes.emplace_back(segment << 8 | ((address_ >> 8) & 0xff), (address_ & 0xfc) + (port & 3u));
    }
    for (unsigned i = 0; function != nullptr && port >= 0xcfc && i < width; ++i) {
      const unsigned offset = (address_ & 0xfc) + (port & 3u) + i;
      const auto byte = static_cast<std::uint8_t>(value >> (8 * i));
      const std::uint8_t mask = function->writable[offset];
      function->bytes[offset] = static_cast<std::uint8_t>((function->bytes[offset] & ~mask) | (byte & mask));
    }
  }

  std::uint32_t address_ = 0;
  std::vector<std::unique_ptr<std::uint8_t[]>> private_;
};

}  // namespace ringside::tests
