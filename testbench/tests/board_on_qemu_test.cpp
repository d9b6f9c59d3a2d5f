// The model's boards against QEMU's, live: the same accesses of a CPU, the same readings. Configuration space of every
// function that a machine can have, what of it can be written, and how accesses find their way through bridges.
#include <fmt/core.h>

#include <ostream>
#include <string>
#include <vector>

#include "testbench/targets/qemu_target.h"
#include "testbench/tests/model_bench.h"
#include "testbench/tests/qemu_fixture.h"

namespace ringside::targets {
namespace {

using tests::model_tests::Config;
using tests::model_tests::Function;

constexpr std::uint64_t kEcam = 0xb000'0000;

// What a look at the machine found, in words: a difference is then readable as it is.
using Readings = std::vector<std::string>;
using Look = void (*)(hal::Machine& machine, Readings& readings);

struct Machine {
  const char* name;
  const char* type;
  std::vector<std::string> devices;
};

std::ostream& operator<<(std::ostream& out, const Machine& machine) { return out << machine.name; }

RunSettings settings_of(const Machine& machine) {
  RunSettings settings;
  settings.machine = machine.type;
  settings.devices = machine.devices;
  settings.tracing = Tracing::off;
  return settings;
}

// A program is a plain function: what it needs beside its context lies here.
struct Looking {
  Look look = nullptr;
  Readings readings;
};
Looking looking;

Readings look_at(Target& target, const RunSettings& settings, Look look) {
  looking = {look, {}};
  trace::MemoryLog log;
  const scenarios::Scenario scenario{
      "look", "", [](scenarios::Context& context) { looking.look(context.machine(), looking.readings); }};
  const RunResult result = target.run(scenario, settings, log);
  EXPECT_EQ(result.outcome, Outcome::held) << result.reason;
  return looking.readings;
}

class BoardOnQemuTest : public QemuTest, public testing::WithParamInterface<Machine> {
 protected:
  // With the departures of the QEMU that is here.
  void expect_equal(const Machine& machine, Look look) {
    const RunSettings settings = settings_of(machine);
    const auto qemu = make_qemu_target(TargetSpec::parse("qemu"), settings);
    const auto model = make_model_target(TargetSpec::parse("model,quirks=" + qemu->quirks_of()), settings);
    const Readings expected = look_at(*qemu, settings, look);
    EXPECT_FALSE(expected.empty());
    EXPECT_EQ(look_at(*model, settings, look), expected);
  }
};

// --- Configuration space

void read_function(hal::Machine& machine, Function at, Readings& readings) {
  Config config(machine);
  const auto id = config.read32(at, 0);
  if (id == 0xffff'ffff) {
    return;
  }
  const bool has_ecam = machine.info().ecam_window.size != 0;
  const std::uint64_t base = kEcam + (std::uint64_t{at.bus} << 20 | at.device << 15 | at.function << 12);
  for (unsigned offset = 0; offset < (has_ecam ? 4096u : 256u); offset += 4) {
    const std::uint32_t value = has_ecam ? machine.mmio_read32(base + offset) : config.read32(at, offset);
    if (value != 0) {
      readings.push_back(fmt::format("{:02x}:{:02x}.{} {:03x}: {:08x}", at.bus, at.device, at.function, offset, value));
    }
  }
}

void open_ecam(hal::Machine& machine) {
  if (machine.info().ecam_window.size != 0) {
    Config config(machine);
    config.write32({0, 0}, 0x64, 0);
    config.write32({0, 0}, 0x60, kEcam | 1);
  }
}

void read_root_bus(hal::Machine& machine, Readings& readings) {
  open_ecam(machine);
  for (unsigned device = 0; device < 32; ++device) {
    for (unsigned function = 0; function < 8; ++function) {
      read_function(machine, {device, function}, readings);
    }
  }
}

TEST_P(BoardOnQemuTest, EveryByteOfConfigurationSpace) { expect_equal(GetParam(), read_root_bus); }

bool is_bridge(Config& config, Function at) {
  return config.read32(at, 0) != 0xffff'ffff && (config.read8(at, 0x0e) & 0x7f) == 1;
}

// Byte by byte, and put back at once. Slot control is left out: it switches the power of the slot.
void read_write_masks(hal::Machine& machine, Function at, Readings& readings) {
  Config config(machine);
  for (unsigned offset = 0; offset < 256; ++offset) {
    if (offset >= 0x6c && offset < 0x70) {
      continue;
    }
    const std::uint8_t before = config.read8(at, offset);
    config.write8(at, offset, 0xff);
    const std::uint8_t ones = config.read8(at, offset);
    config.write8(at, offset, 0x00);
    const std::uint8_t zeroes = config.read8(at, offset);
    config.write8(at, offset, before);
    readings.push_back(fmt::format("{:02x}.{} {:02x}: {:02x} {:02x}", at.device, at.function, offset, ones, zeroes));
  }
}

void read_bridge_masks(hal::Machine& machine, Readings& readings) {
  Config config(machine);
  readings.emplace_back("masks");
  for (unsigned device = 0; device < 32; ++device) {
    for (unsigned function = 0; function < 8; ++function) {
      if (is_bridge(config, {device, function})) {
        read_write_masks(machine, {device, function}, readings);
      }
    }
  }
}

// --- Ways through the board

constexpr std::uint32_t kWindow = 0xe010'0000;
constexpr unsigned kStatus = 0x14;  // of a virtio disk's common structure

class Ways {
 public:
  Ways(hal::Machine& machine, Readings& readings) : config_(machine), machine_(machine), readings_(readings) {}

  void note(const char* what, std::uint32_t value) { readings_.push_back(fmt::format("{}: {:x}", what, value)); }
  void note_status(const char* what, std::uint64_t bar) { note(what, machine_.mmio_read8(bar + kStatus)); }
  void set_status(std::uint64_t bar, std::uint8_t status) { machine_.mmio_write8(bar + kStatus, status); }

  void set_bar(Function disk, std::uint64_t address) {
    config_.write32(disk, 0x20, static_cast<std::uint32_t>(address));
    config_.write32(disk, 0x24, static_cast<std::uint32_t>(address >> 32));
  }
  void enable(Function function, bool on) { config_.write16(function, 0x04, on ? 6 : 0); }
  void open_window(Function bridge) {
    config_.write32(bridge, 0x18, 0x0001'0100);
    config_.write32(bridge, 0x20, kWindow | kWindow >> 16);
    config_.write32(bridge, 0x24, 0x0001'fff1);
  }
  [[nodiscard]] Config& config() { return config_; }

 private:
  Config config_;
  hal::Machine& machine_;
  Readings& readings_;
};

// The bridge that a disk is behind, and the disk; the disk on the root bus has slot 4.
struct Behind {
  Function bridge;
  Function disk;
};
Behind behind(Config& config) {
  const Function port{2, 0};
  return is_bridge(config, port) ? Behind{port, {0, 0, 1}} : Behind{{5, 0}, {4, 0, 1}};
}

void find_ways(hal::Machine& machine, Readings& readings) {
  Ways ways(machine, readings);
  Config& config = ways.config();
  const Function root_disk{4, 0};
  const auto [bridge, disk] = behind(config);
  ways.note("no bus number yet", config.read32(disk, 0));
  ways.open_window(bridge);
  ways.note("behind the bridge", config.read32(disk, 0));
  ways.note("another device there", config.read32({9, 0, 1}, 0));
  ways.note("beyond its buses", config.read32({disk.device, 0, 2}, 0));

  ways.set_bar(disk, kWindow);
  ways.enable(disk, true);
  ways.note_status("the bridge is off", kWindow);
  ways.enable(bridge, true);
  ways.set_status(kWindow, 1);
  ways.note_status("the bridge is on", kWindow);
  ways.note_status("nobody in the window", kWindow + 0x8'0000);
  ways.set_bar(disk, kWindow + 0x10'0000);
  ways.note_status("beside the window", kWindow + 0x10'0000);
  ways.set_bar(disk, kWindow);
  ways.enable(disk, false);
  ways.note_status("memory space is off", kWindow);
  ways.enable(disk, true);

  // Both claim the same addresses: who was mapped last answers.
  ways.set_bar(root_disk, kWindow);
  ways.enable(root_disk, true);
  ways.note_status("the disk on the root bus came last", kWindow);
  config.write32(bridge, 0x20, kWindow | kWindow >> 16);
  ways.note_status("the window came last", kWindow);
  ways.enable(root_disk, true);
  ways.set_bar(root_disk, kWindow);
  ways.note_status("nothing has changed", kWindow);
  ways.enable(root_disk, false);
  ways.enable(root_disk, true);
  ways.note_status("the disk again", kWindow);

  constexpr std::uint64_t kHigh = 0x8'0000'0000;
  ways.set_bar(root_disk, kHigh);
  ways.set_status(kHigh, 3);
  ways.note_status("above 4 GiB", kHigh);
  ways.note_status("the other no longer hidden", kWindow);
  config.write32(bridge, 0x28, 0x8);
  config.write32(bridge, 0x2c, 0x8);
  config.write32(bridge, 0x24, 0x0010'0011);
  ways.set_bar(disk, kHigh + 0x10'0000);
  ways.set_status(kHigh + 0x10'0000, 1);
  ways.note_status("above 4 GiB through the prefetchable window", kHigh + 0x10'0000);

  ways.note("a port that nobody has", machine.in32(0xd000));
  ways.note("memory that nobody has", machine.mmio_read32(0xf000'0000));
  ways.note("CONFIG_ADDRESS as written", machine.in32(0xcf8) & 0xff00'0000);
}

class BridgeOnQemuTest : public BoardOnQemuTest {};

TEST_P(BridgeOnQemuTest, WhatCanBeWritten) { expect_equal(GetParam(), read_bridge_masks); }

TEST_P(BridgeOnQemuTest, AccessesFindTheirWay) {
  Machine machine = GetParam();
  machine.devices.resize(1);
  machine.devices.emplace_back("addr=04.0,disable-legacy=on");
  expect_equal(machine, find_ways);
}

std::string name_of(const testing::TestParamInfo<Machine>& instance) { return instance.param.name; }

INSTANTIATE_TEST_SUITE_P(Plain, BoardOnQemuTest, testing::Values(Machine{"pc", "pc", {}}, Machine{"q35", "q35", {}}),
                         name_of);

const auto kBridged = testing::Values(Machine{"pc_with_bridge", "pc", {"bus=bridge0,addr=04.0,disable-legacy=on"}},
                                      Machine{"q35_with_bridge", "q35", {"bus=bridge0,addr=04.0,disable-legacy=on"}},
                                      Machine{"q35_with_port", "q35", {"bus=port0"}},
                                      Machine{"q35_with_ports", "q35", {"bus=port0", "bus=port2"}});
INSTANTIATE_TEST_SUITE_P(Bridged, BoardOnQemuTest, kBridged, name_of);
INSTANTIATE_TEST_SUITE_P(Bridged, BridgeOnQemuTest, kBridged, name_of);

}  // namespace
}  // namespace ringside::targets
