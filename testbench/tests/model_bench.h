// For tests of the model: a program that runs on it as a driver would, at the level of registers and rings, so that it
// can also do what no driver should.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "driver/hal/machine.h"
#include "testbench/targets/model_target.h"
#include "testbench/trace/memory_log.h"

namespace ringside::tests::model_tests {

// Where the tests put the BARs.
inline constexpr std::uint16_t kLegacyPorts = 0xc000;
inline constexpr std::uint64_t kMsixBar = 0xe001'0000;
inline constexpr std::uint64_t kMsixPba = kMsixBar + 0x800;
inline constexpr std::uint64_t kCommon = 0xe000'0000;
inline constexpr std::uint64_t kIsr = kCommon + 0x1000;
inline constexpr std::uint64_t kDeviceConfig = kCommon + 0x2000;
inline constexpr std::uint64_t kNotify = kCommon + 0x3000;

inline constexpr std::uint64_t kOfferedFeatures = 0x101'3000'6e54;
inline constexpr std::uint8_t kNeedsReset = 0x40;

struct Function {
  unsigned device;
  unsigned function;
  unsigned bus = 0;
};
inline constexpr Function kDisk{4, 0};

using Program = void (*)(scenarios::Context& context);

// Runs a program on a freshly powered-on model. Returns the log.
inline std::vector<trace::Record> run_on_model(Program program, const targets::RunSettings& settings,
                                               const std::string& spec = "model") {
  const auto target = targets::make_model_target(targets::TargetSpec::parse(spec), settings);
  trace::MemoryLog log;
  const scenarios::Scenario scenario{"test", "", program};
  const targets::RunResult result = target->run(scenario, settings, log);
  EXPECT_EQ(result.outcome, targets::Outcome::held) << result.reason;
  return log.take();
}

inline std::vector<trace::Record> run_on_model(Program program, const std::string& spec = "model",
                                               targets::Tracing tracing = targets::Tracing::off) {
  targets::RunSettings settings;
  settings.tracing = tracing;
  return run_on_model(program, settings, spec);
}
// With a disk of these properties, as --device takes them.
inline void run_on_model_with(const std::string& device, Program program, const std::string& spec = "model") {
  targets::RunSettings settings;
  settings.tracing = targets::Tracing::off;
  settings.devices = {device};
  run_on_model(program, settings, spec);
}

// Configuration space through 0xCF8 and 0xCFC.
class Config {
 public:
  explicit Config(hal::Machine& machine) : machine_(machine) {}

  std::uint32_t read32(Function at, unsigned offset) {
    select(at, offset);
    return machine_.in32(0xcfc);
  }
  std::uint16_t read16(Function at, unsigned offset) {
    select(at, offset);
    return machine_.in16(static_cast<std::uint16_t>(0xcfc + offset % 4));
  }
  std::uint8_t read8(Function at, unsigned offset) {
    select(at, offset);
    return machine_.in8(static_cast<std::uint16_t>(0xcfc + offset % 4));
  }
  void write32(Function at, unsigned offset, std::uint32_t value) {
    select(at, offset);
    machine_.out32(0xcfc, value);
  }
  void write16(Function at, unsigned offset, std::uint16_t value) {
    select(at, offset);
    machine_.out16(static_cast<std::uint16_t>(0xcfc + offset % 4), value);
  }
  void write8(Function at, unsigned offset, std::uint8_t value) {
    select(at, offset);
    machine_.out8(static_cast<std::uint16_t>(0xcfc + offset % 4), value);
  }

 private:
  void select(Function at, unsigned offset) {
    machine_.out32(0xcf8, 0x8000'0000u | at.bus << 16 | at.device << 11 | at.function << 8 | (offset & 0xfcu));
  }
  hal::Machine& machine_;
};

// The disk, driven by hand: one queue of 16, one request at a time unless the test does otherwise.
class RawDisk {
 public:
  static constexpr std::uint16_t kQueueSize = 16;
  static constexpr std::uint16_t kNext = 1;
  static constexpr std::uint16_t kWrite = 2;
  static constexpr std::uint16_t kIndirect = 4;
  static constexpr std::uint8_t kUntouched = 0xee;

  explicit RawDisk(hal::Machine& machine)
      : config(machine), machine_(machine), memory_(machine.alloc_dma_buffer(64u << 10, 4096)) {
    assign_resources();
  }

  // What firmware does: BARs and the command register.
  void assign_resources() {
    config.write32(kDisk, 0x10, kLegacyPorts);
    config.write32(kDisk, 0x14, static_cast<std::uint32_t>(kMsixBar));
    config.write32(kDisk, 0x20, static_cast<std::uint32_t>(kCommon));
    config.write32(kDisk, 0x24, 0);
    set_command(7);  // I/O, memory, bus master
  }

  void set_command(std::uint16_t command) { config.write16(kDisk, 0x04, command); }

  // Reset and negotiation up to FEATURES_OK; returns the status then shown.
  std::uint8_t negotiate(std::uint64_t features = kOfferedFeatures) {
    set_status(0);
    set_status(1);
    set_status(3);
    for (std::uint32_t half = 0; half < 2; ++half) {
      machine_.mmio_write32(kCommon + 0x08, half);
      machine_.mmio_write32(kCommon + 0x0c, static_cast<std::uint32_t>(features >> 32 * half));
    }
    set_status(0x0b);
    return status();
  }

  // Clears the rings and enables queue 0 over them.
  void enable_queue() {
    std::memset(memory_.cpu, 0, memory_.size);
    available_ = 0;
    machine_.mmio_write16(kCommon + 0x16, 0);
    machine_.mmio_write16(kCommon + 0x18, kQueueSize);
    const std::uint64_t parts[] = {bus(kDescriptors), bus(kAvailable), bus(kUsed)};
    for (unsigned i = 0; i < 3; ++i) {
      machine_.mmio_write32(kCommon + 0x20 + 8 * i, static_cast<std::uint32_t>(parts[i]));
      machine_.mmio_write32(kCommon + 0x24 + 8 * i, static_cast<std::uint32_t>(parts[i] >> 32));
    }
    machine_.mmio_write16(kCommon + 0x1c, 1);
  }

  // All of it: without EVENT_IDX, so that every completion interrupts.
  void bring_up(std::uint64_t features = kOfferedFeatures & ~(1ull << 29)) {
    EXPECT_EQ(negotiate(features), 0x0b);
    enable_queue();
    set_status(0x0f);
    EXPECT_EQ(status(), 0x0f);
  }

  // Vector 0 of the table to the machine's vector `vector`, unmasked; queue 0 uses it; MSI-X on.
  void use_msix(unsigned vector) {
    const hal::MsiMessage message = machine_.msi_message(vector);
    machine_.mmio_write32(kMsixBar + 0, static_cast<std::uint32_t>(message.address));
    machine_.mmio_write32(kMsixBar + 4, static_cast<std::uint32_t>(message.address >> 32));
    machine_.mmio_write32(kMsixBar + 8, message.data);
    mask_vector(false);
    config.write16(kDisk, 0x9a, 0x8000);
    machine_.mmio_write16(kCommon + 0x16, 0);
    machine_.mmio_write16(kCommon + 0x1a, 0);
  }
  void mask_vector(bool masked) { machine_.mmio_write32(kMsixBar + 12, masked ? 1 : 0); }

  void set_status(std::uint8_t value) { machine_.mmio_write8(kCommon + 0x14, value); }
  std::uint8_t status() { return machine_.mmio_read8(kCommon + 0x14); }

  void set_descriptor(unsigned index, std::uint64_t address, std::uint32_t length, std::uint16_t flags,
                      std::uint16_t next) {
    std::uint8_t* const at = cpu(kDescriptors) + 16 * index;
    std::memcpy(at, &address, 8);
    std::memcpy(at + 8, &length, 4);
    std::memcpy(at + 12, &flags, 2);
    std::memcpy(at + 14, &next, 2);
  }
  void set_header(std::uint32_t type, std::uint64_t sector) {
    std::uint8_t* const at = cpu(kHeader);
    std::memset(at, 0, 16);
    std::memcpy(at, &type, 4);
    std::memcpy(at + 8, &sector, 8);
    *cpu(kStatus) = kUntouched;
  }
  // Publishes one more available entry and rings the doorbell.
  void kick(std::uint16_t head) {
    std::memcpy(cpu(kAvailable) + 4 + 2 * (available_ % kQueueSize), &head, 2);
    publish(static_cast<std::uint16_t>(available_ + 1));
  }
  void publish(std::uint16_t index) {
    available_ = index;
    std::memcpy(cpu(kAvailable) + 2, &index, 2);
    ring_doorbell();
  }
  void ring_doorbell() { machine_.mmio_write16(kNotify, 0); }

  // header, one data segment, status: descriptors 0, 1, 2.
  void submit(std::uint32_t type, std::uint64_t sector, std::uint32_t bytes, bool device_writes) {
    set_header(type, sector);
    set_descriptor(0, bus(kHeader), 16, kNext, 1);
    set_descriptor(1, bus(kData), bytes, static_cast<std::uint16_t>(kNext | (device_writes ? kWrite : 0)), 2);
    set_descriptor(2, bus(kStatus), 1, kWrite, 0);
    kick(0);
  }
  void submit_read(std::uint64_t sector, std::uint32_t bytes = 512) { submit(0, sector, bytes, true); }

  // Lets a millisecond pass: all that the device will do, it has done by then.
  void settle() {
    const std::uint64_t end = machine_.now() + hal::kMillisecond;
    while (machine_.now() < end) {
      machine_.relax(end);
    }
  }

  std::uint16_t used_index() { return word(kUsed + 2); }
  std::uint32_t used_length(unsigned slot) {
    std::uint32_t length = 0;
    std::memcpy(&length, cpu(kUsed) + 4 + 8 * slot + 4, 4);
    return length;
  }
  std::uint8_t request_status() { return *cpu(kStatus); }
  std::uint16_t word(std::size_t offset) {
    std::uint16_t value = 0;
    std::memcpy(&value, cpu(offset), 2);
    return value;
  }

  std::uint8_t* cpu(std::size_t offset) { return static_cast<std::uint8_t*>(memory_.cpu) + offset; }
  std::uint64_t bus(std::size_t offset) { return hal::raw(memory_.bus) + offset; }

  // The layout of the memory.
  static constexpr std::size_t kDescriptors = 0x0000;
  static constexpr std::size_t kAvailable = 0x1000;
  static constexpr std::size_t kUsed = 0x2000;
  static constexpr std::size_t kHeader = 0x3000;
  static constexpr std::size_t kStatus = 0x3100;
  static constexpr std::size_t kTable = 0x4000;
  static constexpr std::size_t kData = 0x8000;

  Config config;

 private:
  hal::Machine& machine_;
  hal::DmaBuffer memory_;
  std::uint16_t available_ = 0;
};

}  // namespace ringside::tests::model_tests
