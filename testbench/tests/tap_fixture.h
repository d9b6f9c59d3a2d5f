// A virtio-blk function played by the test behind a tap, and a driver played by the test in front of it.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <vector>

#include "driver/hal/memory.h"
#include "testbench/tests/memory_machine.h"
#include "testbench/trace/driver_tap.h"
#include "testbench/trace/memory_log.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::tests {

// Registers are a bag of bytes: what is written reads back.
class RegisterMachine : public MemoryMachine {
 public:
  std::map<std::uint64_t, std::uint8_t> registers;
  std::map<unsigned, std::uint64_t> counters;
  std::map<unsigned, std::uint32_t> port_words;  // what ports read that are not those of configuration space
  std::uint64_t bus_base = kBusOffset;
  std::uint64_t translation = 0;  // what map() adds to an address
  bool wakes = true;              // whether wait() sees the counter move

  std::uint16_t in16(std::uint16_t port) override {
    const auto word = port_words.find(port);
    return word == port_words.end() ? MemoryMachine::in16(port) : static_cast<std::uint16_t>(word->second);
  }
  std::uint32_t in32(std::uint16_t port) override {
    const auto word = port_words.find(port);
    return word == port_words.end() ? MemoryMachine::in32(port) : word->second;
  }
  hal::BusAddress virt_to_phys(const void* cpu) override {
    return hal::BusAddress{reinterpret_cast<std::uintptr_t>(cpu) + bus_base};
  }
  hal::BusAddress map(void* cpu, std::size_t size, hal::DmaDirection direction) override {
    return MemoryMachine::map(cpu, size, direction) + translation;
  }

  std::uint8_t mmio_read8(std::uint64_t address) override { return registers[address]; }
  std::uint16_t mmio_read16(std::uint64_t address) override {
    return static_cast<std::uint16_t>(registers[address] | registers[address + 1] << 8);
  }
  std::uint32_t mmio_read32(std::uint64_t address) override {
    return mmio_read16(address) | std::uint32_t{mmio_read16(address + 2)} << 16;
  }
  void mmio_write8(std::uint64_t address, std::uint8_t value) override { registers[address] = value; }
  void mmio_write16(std::uint64_t address, std::uint16_t value) override {
    mmio_write8(address, static_cast<std::uint8_t>(value));
    mmio_write8(address + 1, static_cast<std::uint8_t>(value >> 8));
  }
  void mmio_write32(std::uint64_t address, std::uint32_t value) override {
    mmio_write16(address, static_cast<std::uint16_t>(value));
    mmio_write16(address + 2, static_cast<std::uint16_t>(value >> 16));
  }
  std::uint64_t interrupts(unsigned vector) override { return counters[vector]; }
  bool wait(unsigned vector, std::uint64_t, std::uint64_t deadline) override {
    if (wakes) {
      ++counters[vector];
    } else {
      time = deadline;
    }
    return wakes;
  }
  std::uint64_t now() override { return ++time; }
};

struct Spun {};

class RecordingHooks final : public trace::TapHooks {
 public:
  unsigned looks = 0;
  unsigned resets = 0;
  std::uint8_t unit = 0;  // of the last one
  std::uint16_t queue = 0;
  void before_look(std::uint8_t of_unit, std::uint16_t of_queue) override {
    ++looks;
    unit = of_unit;
    queue = of_queue;
  }
  void before_reset(std::uint8_t) override { ++resets; }
  void on_spin(const void*) override { throw Spun{}; }
};

class TapTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kFunction = 4 << 3;
  static constexpr std::uint64_t kBar4 = 0xe000'4000;
  static constexpr std::uint64_t kBar1 = 0xe000'0000;
  static constexpr std::uint64_t kCommon = kBar4;
  static constexpr std::uint64_t kIsr = kBar4 + 0x1000;
  static constexpr std::uint64_t kDevice = kBar4 + 0x2000;
  static constexpr std::uint64_t kNotify = kBar4 + 0x3000;
  static constexpr std::uint16_t kSize = 8;

  TapTest() {
    FakeFunction& function = machine.functions[kFunction];
    function.set(0x00, 4, 0x1001'1af4);
    function.set(0x14, 4, 0);
    function.set_writable(0x14, 4, 0xffff'f000);
    function.set(0x20, 8, 0xc);
    function.set_writable(0x20, 8, 0xffff'ffff'ffff'c000);
    function.set(0x34, 1, 0x98);
    function.set(0x98, 4, 0x0001'8411);  // MSI-X, two entries
    function.set(0x9c, 4, 1);            // table in BAR1
    function.set(0xa0, 4, 0x801);
    add_capability(0x84, 0x70, 5, 0, 0);
    add_capability(0x70, 0x60, 2, 0x3000, 0x1000);
    function.set(0x80, 4, 4);
    add_capability(0x60, 0x50, 4, 0x2000, 0x1000);
    add_capability(0x50, 0x40, 3, 0x1000, 0x1000);
    add_capability(0x40, 0x00, 1, 0x0, 0x1000);
  }

  void add_capability(unsigned at, unsigned next, unsigned type, std::uint32_t offset, std::uint32_t length) {
    FakeFunction& function = machine.functions[kFunction];
    function.set(at, 4, 0x10'0000u | std::uint64_t{type} << 24 | next << 8 | 9);
    function.set(at + 4, 4, 4);
    function.set(at + 8, 4, offset);
    function.set(at + 12, 4, length);
  }

  // --- The driver's steps

  std::uint32_t config_read(unsigned offset) {
    tap.out32(0xcf8, 0x8000'0000 | kFunction << 8 | (offset & 0xfc));
    return tap.in32(0xcfc);
  }
  void config_write(unsigned offset, std::uint32_t value) {
    tap.out32(0xcf8, 0x8000'0000 | kFunction << 8 | (offset & 0xfc));
    tap.out32(0xcfc, value);
  }
  void enumerate() {
    for (const unsigned offset : {0x00u, 0x34u}) {
      (void)config_read(offset);
    }
    for (const unsigned bar : {0x14u, 0x20u, 0x24u}) {
      config_write(bar, 0xffff'ffff);
      (void)config_read(bar);
    }
    config_write(0x14, kBar1);
    config_write(0x20, kBar4);
    config_write(0x24, 0);
    for (unsigned offset = 0x40; offset < 0xa4; offset += 4) {
      (void)config_read(offset);
    }
  }
  void start_queue() {
    descriptors = tap.alloc_dma_buffer(16 * kSize, 16);
    avail = tap.alloc_dma_buffer(trace::avail_bytes(kSize), 2);
    used = tap.alloc_dma_buffer(trace::used_bytes(kSize), 4);
    data = tap.alloc_dma_buffer(8192, 512);
    tap.mmio_write16(kCommon + 0x16, 0);
    tap.mmio_write16(kCommon + 0x18, kSize);
    write_address(0x20, hal::raw(descriptors.bus));
    write_address(0x28, hal::raw(avail.bus));
    write_address(0x30, hal::raw(used.bus));
    tap.mmio_write16(kCommon + 0x1c, 1);
    log.clear();
  }
  void write_address(unsigned offset, std::uint64_t address) {
    tap.mmio_write32(kCommon + offset, static_cast<std::uint32_t>(address));
    tap.mmio_write32(kCommon + offset + 4, static_cast<std::uint32_t>(address >> 32));
  }
  // Memory of the request that the tests send: header at 0, range or payload at 64, status at 4096.
  [[nodiscard]] std::uint8_t* bytes(std::size_t offset) const { return static_cast<std::uint8_t*>(data.cpu) + offset; }

  void describe(std::uint16_t index, std::uint64_t address, std::uint32_t length, std::uint16_t flags,
                std::uint16_t next = 0) const {
    const trace::Descriptor descriptor{address, length, flags, next};
    std::memcpy(static_cast<std::uint8_t*>(descriptors.cpu) + 16 * index, &descriptor, 16);
  }
  void write_header(std::uint32_t type, std::uint64_t sector) const {
    const trace::BlockHeader header{type, 0, sector};
    std::memcpy(data.cpu, &header, sizeof header);
  }
  // A read of 512 bytes in descriptors 0, 1 and 2.
  void describe_read(std::uint64_t sector) const {
    write_header(trace::VIRTIO_BLK_T_IN, sector);
    describe(0, hal::raw(data.bus), 16, 1, 1);
    describe(1, hal::raw(data.bus) + 512, 512, 3, 2);
    describe(2, hal::raw(data.bus) + 4096, 1, 2);
  }
  void publish(std::uint16_t head) {
    auto* const ring = static_cast<std::uint16_t*>(avail.cpu);
    memory.store(ring + 2 + avail_index % kSize, head);
    ++avail_index;
    memory.store(ring + 1, avail_index);
  }
  std::uint16_t look() { return memory.load(static_cast<const std::uint16_t*>(used.cpu) + 1); }

  // --- The device's
  void use(std::uint32_t id, std::uint32_t length) {
    auto* const ring = static_cast<std::uint8_t*>(used.cpu);
    std::memcpy(ring + 4 + 8 * (used_index % kSize), &id, 4);
    std::memcpy(ring + 8 + 8 * (used_index % kSize), &length, 4);
    set_used_index(++used_index);
  }
  void set_used_index(std::uint16_t index) const { std::memcpy(static_cast<std::uint8_t*>(used.cpu) + 2, &index, 2); }

  // --- The log
  [[nodiscard]] std::vector<trace::Record> all(trace::Kind kind) const {
    std::vector<trace::Record> found;
    for (const trace::Record& record : log.records()) {
      if (record.kind == kind) {
        found.push_back(record);
      }
    }
    return found;
  }

  RegisterMachine machine;
  RecordingHooks hooks;
  trace::MemoryLog log;
  trace::DriverTap tap{machine, log, hooks, trace::TapOptions{.spin_limit = 1000}};
  hal::Observed memory{tap};
  hal::DmaBuffer descriptors, avail, used, data;
  std::uint16_t avail_index = 0;
  std::uint16_t used_index = 0;
};

}  // namespace ringside::tests
