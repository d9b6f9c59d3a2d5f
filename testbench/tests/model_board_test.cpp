// The model's boards by the book, without a QEMU's departures: what is not there answers nothing, bridges pass on only
// what they are told to, and disks come and go.
#include <stdexcept>

#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

targets::RunSettings machine(const std::string& type, const std::vector<std::string>& devices) {
  targets::RunSettings settings;
  settings.machine = type;
  settings.devices = devices;
  settings.tracing = targets::Tracing::off;
  return settings;
}

constexpr Function kBridge{5, 0};
constexpr Function kBehind{4, 0, 1};
const targets::RunSettings kOnBridge = machine("pc", {"bus=bridge0,addr=04.0"});

// Bus numbers, a window over the BARs, and the BARs of a disk behind the bridge.
void open_bridge(Config& config, std::uint16_t command, Function disk = kBehind) {
  config.write32(kBridge, 0x18, 0x0001'0100);
  config.write32(kBridge, 0x20, 0xe000'e000);
  config.write16(kBridge, 0x04, command);
  config.write32(disk, 0x14, static_cast<std::uint32_t>(kMsixBar));
  config.write32(disk, 0x20, static_cast<std::uint32_t>(kCommon));
  config.write16(disk, 0x04, 6);
}

TEST(ModelBoard, WhatIsNotThereReadsAllOnes) {
  run_on_model(
      [](scenarios::Context& context) {
        hal::Machine& pc = context.machine();
        Config config(pc);
        config.write32({0, 0}, 0x64, 0);
        config.write32({0, 0}, 0x60, 0xb000'0001);
        EXPECT_EQ(pc.mmio_read32(0xb000'0000), 0x29c0'8086u);
        EXPECT_EQ(pc.mmio_read32(0xb000'0000 + (9u << 15)), 0xffff'ffffu) << "no such function";
        EXPECT_EQ(pc.mmio_read32(0xb000'0000 + (9u << 20)), 0xffff'ffffu) << "no such bus";
        EXPECT_EQ(pc.mmio_read32(0xb000'0100), 0xffff'ffffu) << "a conventional function has 256 bytes";
        EXPECT_EQ(config.read32({1, 0}, 0), 0xffff'ffffu) << "the other machine's chipset";
        EXPECT_EQ(pc.mmio_read32(0xf000'0000), 0xffff'ffffu);
        EXPECT_EQ(pc.in32(0xd000), 0xffff'ffffu);
        config.write32({0, 0}, 0x60, 0);
        EXPECT_EQ(pc.mmio_read32(0xb000'0000), 0xffff'ffffu) << "ECAM is closed again";
      },
      machine("q35", {}));
}

TEST(ModelBoard, EcamLiesWhereTheChipsetSays) {
  run_on_model(
      [](scenarios::Context& context) {
        hal::Machine& pc = context.machine();
        Config config(pc);
        config.write32({0, 0}, 0x60, 0xc400'0005);  // 64 MiB, 64 buses
        EXPECT_EQ(pc.mmio_read32(0xc400'0000), 0x29c0'8086u);
        EXPECT_EQ(pc.mmio_read16(0xc400'0002), 0x29c0u);
        pc.mmio_write8(0xc400'0000 + (4u << 15) + 0x3c, 0x77);
        EXPECT_EQ(config.read8(kDisk, 0x3c), 0x77);
        EXPECT_EQ(pc.mmio_read32(0xc000'0000), 0xffff'ffffu) << "below it";
      },
      machine("q35", {}));
}

TEST(ModelBoard, ABridgeThatIsNoMasterHoldsBackDma) {
  run_on_model(
      [](scenarios::Context& context) {
        RawDisk disk(context.machine());
        open_bridge(disk.config, 2);
        disk.bring_up();
        disk.submit_read(1);
        disk.settle();
        EXPECT_EQ(disk.used_index(), 0);
      },
      kOnBridge);
  run_on_model(
      [](scenarios::Context& context) {
        RawDisk disk(context.machine());
        open_bridge(disk.config, 6);
        disk.bring_up();
        disk.submit_read(1);
        disk.settle();
        EXPECT_EQ(disk.used_index(), 1);
      },
      kOnBridge);
}

TEST(ModelBoard, SecondaryBusResetResetsWhatIsBehind) {
  run_on_model(
      [](scenarios::Context& context) {
        RawDisk disk(context.machine());
        open_bridge(disk.config, 6);
        disk.bring_up();
        disk.config.write16(kBridge, 0x3e, 0x0040);
        EXPECT_EQ(disk.config.read32(kBehind, 0), 0xffff'ffffu) << "held in reset";
        disk.config.write16(kBridge, 0x3e, 0);
        EXPECT_EQ(disk.config.read16(kBehind, 0x04), 0);
        EXPECT_EQ(disk.config.read32(kBehind, 0x20), 0x0cu);
        open_bridge(disk.config, 6);
        EXPECT_EQ(disk.status(), 0);
      },
      kOnBridge);
}

// One request, on INTx.
void interrupt_by(RawDisk& disk) {
  disk.bring_up();
  disk.submit_read(1);
  disk.settle();
}

TEST(ModelBoard, Q35RoutesSlotsToInputsOfTheirOwn) {
  run_on_model(
      [](scenarios::Context& context) {
        hal::Machine& pc = context.machine();
        RawDisk disk(pc);
        interrupt_by(disk);
        EXPECT_EQ(pc.interrupts(hal::line_vector(20)), 1u) << "PIRQE, as slot 4 is wired";
        EXPECT_EQ(pc.interrupts(hal::line_vector(11)), 0u);
        EXPECT_EQ(pc.mmio_read8(kIsr), 1);
        pc.acknowledge(hal::line_vector(20));
        disk.config.write8({0x1f, 0}, 0x68, 11);
        interrupt_by(disk);
        EXPECT_EQ(pc.interrupts(hal::line_vector(20)), 2u);
        EXPECT_EQ(pc.interrupts(hal::line_vector(11)), 1u) << "and the ISA line it is routed to";
      },
      machine("q35", {}));
}

TEST(ModelBoard, Q35RoutesItsOwnDevicesAsTheirRegistersSay) {
  run_on_model(
      [](scenarios::Context& context) {
        hal::Machine& pc = context.machine();
        constexpr Function kOwn{26, 0};
        constexpr std::uint64_t kChipset = 0xfed1'c000;
        RawDisk disk(pc);
        disk.config.write32(kOwn, 0x20, static_cast<std::uint32_t>(kCommon));
        disk.config.write16(kOwn, 0x04, 6);
        interrupt_by(disk);
        EXPECT_EQ(pc.interrupts(hal::line_vector(16)), 1u) << "PIRQA at power-on";
        EXPECT_EQ(pc.mmio_read8(kIsr), 1);
        disk.config.write32({0x1f, 0}, 0xf0, kChipset | 1);
        EXPECT_EQ(pc.mmio_read16(kChipset + 0x314c), 0x3210);
        pc.mmio_write8(kChipset + 0x314c, 0x17);
        interrupt_by(disk);
        EXPECT_EQ(pc.interrupts(hal::line_vector(23)), 1u);
        disk.config.write32({0x1f, 0}, 0xf0, kChipset);
        EXPECT_EQ(pc.mmio_read32(kChipset + 0x314c), 0xffff'ffffu) << "closed";
      },
      machine("q35", {"addr=1a.0"}));
}

// Which of the lines 8 to 11, one for each PIRQ of the PIIX3, a disk behind the bridge raises.
std::vector<unsigned> lines_raised_by(hal::Machine& pc, Function behind) {
  RawDisk disk(pc);
  for (std::uint8_t pirq = 0; pirq < 4; ++pirq) {
    disk.config.write8({1, 0}, 0x60u + pirq, static_cast<std::uint8_t>(8 + pirq));
  }
  open_bridge(disk.config, 6, behind);
  interrupt_by(disk);
  std::vector<unsigned> raised;
  for (std::uint8_t line = 8; line < 12; ++line) {
    if (pc.interrupts(hal::line_vector(line)) != 0) {
      raised.push_back(line);
    }
  }
  return raised;
}

// The bridge sits in slot 5, whose pin A is PIRQA.
TEST(ModelBoard, ABridgeTurnsThePinsByDevice) {
  run_on_model(
      [](scenarios::Context& context) {
        EXPECT_EQ(lines_raised_by(context.machine(), {4, 0, 1}), std::vector<unsigned>{8});
      },
      machine("pc", {"bus=bridge0,addr=04.0"}));
  run_on_model(
      [](scenarios::Context& context) {
        EXPECT_EQ(lines_raised_by(context.machine(), {6, 0, 1}), std::vector<unsigned>{10}) << "pin C of the bridge";
      },
      machine("pc", {"bus=bridge0,addr=06.0"}));
}

TEST(ModelBoard, ASharedLineIsHighWhileAnyDiskDrivesIt) {
  run_on_model(
      [](scenarios::Context& context) {
        hal::Machine& pc = context.machine();
        constexpr unsigned kLine = hal::line_vector(11);
        constexpr Function kOther{8, 0};  // four slots on: the same PIRQ
        RawDisk disk(pc);
        disk.config.write8({1, 0}, 0x63, 11);
        interrupt_by(disk);
        // The other disk takes over the addresses, so that it is driven in the same way.
        disk.config.write16(kDisk, 0x04, 4);
        disk.config.write32(kOther, 0x20, static_cast<std::uint32_t>(kCommon));
        disk.config.write16(kOther, 0x04, 6);
        interrupt_by(disk);
        EXPECT_EQ(pc.interrupts(kLine), 1u) << "masked since the first";
        EXPECT_EQ(pc.mmio_read8(kIsr), 1) << "the other disk lets go";
        pc.acknowledge(kLine);
        EXPECT_EQ(pc.interrupts(kLine), 2u) << "the first one still drives it";
        disk.config.write16(kOther, 0x04, 4);
        disk.config.write16(kDisk, 0x04, 6);
        EXPECT_EQ(pc.mmio_read8(kIsr), 1);
        pc.acknowledge(kLine);
        EXPECT_EQ(pc.interrupts(kLine), 2u) << "nobody drives it any more";
      },
      machine("pc", {"", "addr=08.0"}));
}

TEST(ModelBoard, APulledDiskIsGoneAndComesBackNew) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& pc = context.machine();
    RawDisk disk(pc);
    disk.config.write8({1, 0}, 0x63, 11);
    interrupt_by(disk);
    disk.submit_read(2);
    EXPECT_EQ(context.bench().ask(scenarios::Ask::unplug, 0), 1u);
    EXPECT_EQ(disk.config.read32(kDisk, 0), 0xffff'ffffu);
    EXPECT_EQ(disk.status(), 0xff);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1) << "what was in flight does no DMA";
    pc.acknowledge(hal::line_vector(11));
    EXPECT_EQ(pc.interrupts(hal::line_vector(11)), 1u) << "it no longer drives its line";
    EXPECT_EQ(context.bench().ask(scenarios::Ask::plug, 0), 1u);
    EXPECT_EQ(disk.config.read16(kDisk, 0x04), 0);
    EXPECT_EQ(disk.config.read32(kDisk, 0x20), 0x0cu);
    disk.assign_resources();
    disk.bring_up();
    disk.submit_read(3);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
  });
}

TEST(ModelBoard, APulledDiskNoLongerHidesAnother) {
  run_on_model(
      [](scenarios::Context& context) {
        RawDisk disk(context.machine());
        constexpr Function kOther{6, 0};
        disk.config.write16(kDisk, 0x04, 0);
        disk.config.write32(kOther, 0x20, static_cast<std::uint32_t>(kCommon));
        disk.config.write16(kOther, 0x04, 2);
        disk.set_status(1);
        disk.config.write16(kDisk, 0x04, 2);
        EXPECT_EQ(disk.status(), 0) << "of the one that was mapped last";
        EXPECT_EQ(context.bench().ask(scenarios::Ask::unplug, 0), 1u);
        EXPECT_EQ(disk.status(), 1);
      },
      machine("pc", {"", ""}));
}

TEST(ModelBoard, APowerCycleForgetsTheMachineBefore) {
  const auto log_of = [] {
    for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
      if (std::string(scenario.name) == "enumerate") {
        return run_on_model(scenario.run, "model", targets::Tracing::events);
      }
    }
    throw std::runtime_error("no scenario enumerate");
  };
  const auto before = log_of();
  run_on_model(
      [](scenarios::Context& context) {
        Config config(context.machine());
        config.write32({2, 0}, 0x18, 0x0001'0100);
        config.write32({0, 0}, 0x60, 0xb000'0001);
        EXPECT_NE(config.read32({0, 0, 1}, 0), 0xffff'ffffu);
      },
      machine("q35", {"bus=port0", "addr=04.0"}));
  run_on_model([](scenarios::Context& context) {
    EXPECT_EQ(context.machine().in32(0xcf8), 0u);
    EXPECT_EQ(context.machine().mmio_read32(0xb000'0000), 0xffff'ffffu);
  });
  const auto after = log_of();
  ASSERT_EQ(before.size(), after.size());
  EXPECT_EQ(std::memcmp(before.data(), after.data(), before.size() * sizeof before[0]), 0);
}

}  // namespace
}  // namespace ringside::tests::model_tests
