// Bus numbers, windows and addresses on machines with bridges, where no firmware ran or only some of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "driver/pci/bus.h"
#include "driver/pci/intx_routing.h"
#include "driver/pci/registers.h"
#include "driver/pci/resources.h"
#include "testbench/tests/memory_machine.h"

namespace ringside::tests {
namespace {

FakeFunction function(std::uint16_t vendor, std::uint16_t device) {
  FakeFunction result;
  result.set(pci::PCI_VENDOR_ID, 2, vendor);
  result.set(pci::PCI_DEVICE_ID, 2, device);
  result.set_writable(pci::PCI_COMMAND, 2, 0x507);
  result.set_writable(pci::PCI_INTERRUPT_LINE, 1, 0xff);
  return result;
}

FakeFunction bridge(unsigned segment) {
  FakeFunction result = function(0x1b36, 0x0001);
  result.segment = segment;
  result.set(pci::PCI_HEADER_TYPE, 1, pci::PCI_HEADER_TYPE_BRIDGE);
  result.set_writable(pci::PCI_PRIMARY_BUS, 4, 0xffff'ffff);
  result.set_writable(pci::PCI_IO_BASE, 2, 0xf0f0);
  result.set_writable(pci::PCI_MEMORY_BASE, 4, 0xfff0'fff0);
  result.set(pci::PCI_PREF_MEMORY_BASE, 4, 0x0001'0001);
  result.set_writable(pci::PCI_PREF_MEMORY_BASE, 4, 0xfff0'fff0);
  result.set_writable(pci::PCI_PREF_BASE_UPPER32, 4, 0xffff'ffff);
  result.set_writable(pci::PCI_PREF_LIMIT_UPPER32, 4, 0xffff'ffff);
  return result;
}

// The BARs of a transitional virtio-blk.
FakeFunction disk() {
  FakeFunction result = function(0x1af4, 0x1001);
  result.set(0x10, 4, 1);
  result.set_writable(0x10, 4, 0xffff'ff80);
  result.set_writable(0x14, 4, 0xffff'f000);
  result.set(0x20, 4, 0x0000'000c);
  result.set_writable(0x20, 4, 0xffff'c000);
  result.set_writable(0x24, 4, 0xffff'ffff);
  result.set(pci::PCI_INTERRUPT_PIN, 1, 1);
  return result;
}

// Somebody has switched its decoding on.
FakeFunction in_use(FakeFunction function) {
  function.set(pci::PCI_COMMAND, 2, pci::PCI_COMMAND_IO | pci::PCI_COMMAND_MEMORY);
  return function;
}

constexpr unsigned at(unsigned segment, unsigned device, unsigned number = 0) {
  return segment << 8 | device << 3 | number;
}

class DriverBridges : public ::testing::Test {
 protected:
  // As a fresh open does.
  pci::Bus& scan() {
    buses.push_back(std::make_unique<pci::Bus>(machine));
    EXPECT_TRUE(buses.back()->init());
    pci::assign_resources(*buses.back());
    return *buses.back();
  }
  unsigned byte(unsigned key, unsigned offset) { return machine.functions[key].bytes[offset]; }
  std::uint32_t word(unsigned key, unsigned offset) {
    std::uint32_t value = 0;
    std::memcpy(&value, &machine.functions[key].bytes[offset], 4);
    return value;
  }

  MemoryMachine machine;
  std::vector<std::unique_ptr<pci::Bus>> buses;
};

// Two bridges beside each other, and one behind the first: the numbers behind a bridge follow each other.
TEST_F(DriverBridges, NumbersAreGivenDepthFirst) {
  machine.functions[at(0, 2)] = bridge(1);
  machine.functions[at(0, 3)] = bridge(2);
  machine.functions[at(1, 0)] = bridge(3);
  machine.functions[at(3, 0)] = disk();
  const pci::Bus& bus = scan();
  ASSERT_EQ(bus.count(), 4u);
  EXPECT_EQ(word(at(0, 2), pci::PCI_PRIMARY_BUS), 0x0002'0100u);
  EXPECT_EQ(word(at(1, 0), pci::PCI_PRIMARY_BUS), 0x0002'0201u);
  EXPECT_EQ(word(at(0, 3), pci::PCI_PRIMARY_BUS), 0x0003'0300u);
  const pci::DeviceInfo* const found = bus.find(0x1af4, 0x1001);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->address.bus, 2u);
  EXPECT_EQ(bus[found->parent].secondary, 2u);
}

TEST_F(DriverBridges, NumbersOfFirmwareStay) {
  machine.functions[at(0, 2)] = bridge(1);
  machine.functions[at(0, 2)].set(pci::PCI_PRIMARY_BUS, 4, 0x0007'0500);
  machine.functions[at(0, 3)] = bridge(2);
  machine.functions[at(1, 1)] = disk();
  const pci::Bus& bus = scan();
  EXPECT_EQ(word(at(0, 2), pci::PCI_PRIMARY_BUS), 0x0007'0500u);
  EXPECT_EQ(word(at(0, 3), pci::PCI_PRIMARY_BUS), 0x0008'0800u) << "beyond all that firmware used";
  EXPECT_EQ(bus.find(0x1af4, 0x1001)->address.bus, 5u);
}

TEST_F(DriverBridges, TwoBridgesWithOneNumberAreToldApart) {
  for (const unsigned device : {2u, 3u}) {
    machine.functions[at(0, device)] = bridge(device);
    machine.functions[at(0, device)].set(pci::PCI_PRIMARY_BUS, 4, 0x0001'0100);
    machine.functions[at(device, 0)] = disk();
  }
  const pci::Bus& bus = scan();
  EXPECT_EQ(bus.count(), 4u);
  EXPECT_EQ(byte(at(0, 2), pci::PCI_SECONDARY_BUS), 1u);
  EXPECT_EQ(byte(at(0, 3), pci::PCI_SECONDARY_BUS), 2u);
}

// A chain deeper than any machine: the scan ends, and says what it left out.
TEST_F(DriverBridges, AnEndlessChainOfBridgesEnds) {
  for (unsigned segment = 0; segment < 40; ++segment) {
    machine.functions[at(segment, 0)] = bridge(segment + 1);
  }
  const pci::Bus& bus = scan();
  EXPECT_EQ(bus.count(), 16u);
  EXPECT_NE(std::find(machine.lines.begin(), machine.lines.end(), "[PCI] No bus number for a bridge"),
            machine.lines.end());
}

TEST_F(DriverBridges, BehindARootPortThereIsOneDevice) {
  machine.functions[at(0, 2)] = bridge(1);
  FakeFunction& port = machine.functions[at(0, 2)];
  port.set(pci::PCI_STATUS, 2, pci::PCI_STATUS_CAP_LIST);
  port.set(pci::PCI_CAPABILITY_LIST, 1, 0x40);
  port.set(0x40, 4, 0x0042'0010);  // PCI Express, a root port
  machine.functions[at(1, 0)] = disk();
  machine.functions[at(1, 1)] = disk();  // the same one, which answers under every number
  EXPECT_EQ(scan().count(), 2u);
}

TEST_F(DriverBridges, WindowsHoldWhatLiesBehindThem) {
  machine.functions[at(0, 5)] = bridge(1);
  machine.functions[at(1, 0)] = bridge(2);
  machine.functions[at(1, 1)] = disk();
  machine.functions[at(2, 0)] = disk();
  const pci::Bus& bus = scan();
  const pci::DeviceInfo& outer = bus[0];
  for (unsigned i = 0; i < bus.count(); ++i) {
    EXPECT_EQ(bus[i].problem, nullptr);
    for (const pci::Bar& bar : bus[i].bars) {
      if (bar.kind == pci::BarKind::none || bus[i].parent == pci::kNoBridge) {
        continue;
      }
      const auto space = bar.kind == pci::BarKind::io ? 0u : bar.prefetchable ? 2u : 1u;
      const pci::BridgeWindow& window = bus[bus[i].parent].windows[space];
      EXPECT_GE(bar.address, window.base);
      EXPECT_LE(bar.address + bar.size, window.base + window.size);
      EXPECT_EQ(bar.address % bar.size, 0u);
    }
  }
  EXPECT_EQ(outer.windows[0].size, 0x2000u) << "4 KiB for each bus";
  EXPECT_EQ(outer.windows[1].size, 0x20'0000u) << "1 MiB for each bus";
  EXPECT_EQ(byte(at(0, 5), pci::PCI_IO_BASE), 0xc0u);
  EXPECT_EQ(byte(at(0, 5), pci::PCI_IO_BASE + 1u), 0xd0u);
  EXPECT_EQ(word(at(0, 5), pci::PCI_MEMORY_BASE), 0xe010'e000u);
  EXPECT_EQ(word(at(0, 5), pci::PCI_PREF_MEMORY_BASE) & 0xfff0'fff0u, 0xe030'e020u);
  EXPECT_EQ(byte(at(0, 5), pci::PCI_COMMAND), 7u);
}

TEST_F(DriverBridges, PrefetchableWindowsLieAbove4GiBWhereTheMachineHasRoom) {
  machine.windows.high_window = {0x80'0000'0000, 0x1'0000'0000};
  machine.functions[at(0, 4)] = disk();
  machine.functions[at(0, 5)] = bridge(1);
  machine.functions[at(1, 0)] = disk();
  const pci::Bus& bus = scan();
  EXPECT_EQ(bus[0].bars[4].address, 0x80'0000'0000u);
  EXPECT_EQ(bus[0].bars[1].address, 0xe000'0000u);
  EXPECT_EQ(bus[1].windows[2].base, 0x80'0010'0000u) << "the window's granularity";
  EXPECT_EQ(word(at(0, 5), pci::PCI_PREF_BASE_UPPER32), 0x80u);
  EXPECT_EQ(bus[2].bars[4].address, 0x80'0010'0000u);
  EXPECT_EQ(word(at(1, 0), 0x24), 0x80u);
}

TEST_F(DriverBridges, AWindowIsAlignedForTheLargestBarBehindIt) {
  machine.functions[at(0, 4)] = disk();
  machine.functions[at(0, 5)] = bridge(1);
  machine.functions[at(1, 0)] = disk();
  machine.functions[at(1, 1)] = disk();
  machine.functions[at(1, 1)].set_writable(0x14, 4, 0xff80'0000);  // 8 MiB
  const pci::Bus& bus = scan();
  EXPECT_EQ(bus[1].windows[1].base, 0xe080'0000u);
  EXPECT_EQ(bus[1].windows[1].size, 0x100'0000u);
  EXPECT_EQ(bus[3].bars[1].address, 0xe100'0000u);
}

TEST_F(DriverBridges, AnEmptyBridgePassesNothingOn) {
  machine.functions[at(0, 5)] = bridge(1);
  scan();
  EXPECT_GT(byte(at(0, 5), pci::PCI_IO_BASE), byte(at(0, 5), pci::PCI_IO_BASE + 1u));
  EXPECT_EQ(word(at(0, 5), pci::PCI_MEMORY_BASE), 0x0000'fff0u);
  EXPECT_EQ(word(at(0, 5), pci::PCI_PREF_MEMORY_BASE) & 0xfff0'fff0u, 0x0000'fff0u);
  EXPECT_EQ(byte(at(0, 5), pci::PCI_COMMAND), 0u);
}

// What was assigned stays, whoever comes or forgets: a disk in use must not move.
TEST_F(DriverBridges, AssignmentIsIdempotentAndAvoidsWhatIsThere) {
  machine.functions[at(0, 4)] = disk();
  machine.functions[at(0, 5)] = bridge(1);
  machine.functions[at(1, 2)] = disk();
  scan();
  const auto before = machine.functions;
  machine.config_writes.clear();
  scan();
  for (const unsigned reg : {pci::PCI_PRIMARY_BUS, pci::PCI_IO_BASE, pci::PCI_MEMORY_BASE, pci::PCI_PREF_MEMORY_BASE}) {
    EXPECT_EQ(std::count(machine.config_writes.begin(), machine.config_writes.end(), std::pair(at(0, 5), reg)), 0)
        << "what lies behind may be in use";
  }
  for (const auto& [key, function] : before) {
    EXPECT_EQ(machine.functions[key].bytes, function.bytes) << key;
  }
  machine.functions[at(0, 3)] = disk();
  machine.functions[at(1, 2)] = disk();  // taken out and put back
  const pci::Bus& bus = scan();
  EXPECT_EQ(machine.functions[at(0, 4)].bytes, before.at(at(0, 4)).bytes);
  EXPECT_EQ(machine.functions[at(1, 2)].bytes, before.at(at(1, 2)).bytes) << "into the bridge's old windows";
  for (unsigned i = 0; i < bus.count(); ++i) {
    EXPECT_EQ(bus[i].problem, nullptr);
  }
  EXPECT_NE(word(at(0, 3), 0x14), word(at(0, 4), 0x14));
}

TEST_F(DriverBridges, OverlappingAddressesInUseAreRefused) {
  machine.functions[at(0, 4)] = in_use(disk());
  machine.functions[at(0, 6)] = in_use(disk());
  machine.functions[at(0, 4)].set(0x14, 4, 0xfebc'0000);
  machine.functions[at(0, 6)].set(0x20, 4, 0xfebc'000c);
  const pci::Bus& bus = scan();
  EXPECT_STREQ(bus[0].problem, "its BARs overlap another function's");
  EXPECT_STREQ(bus[1].problem, "its BARs overlap another function's");
}

TEST_F(DriverBridges, AddressesInUseThatTheBridgeDoesNotPassOnAreRefused) {
  machine.functions[at(0, 5)] = bridge(1);
  machine.functions[at(1, 0)] = in_use(disk());
  machine.functions[at(1, 0)].set(0x14, 4, 0xfebc'0000);
  EXPECT_STREQ(scan()[1].problem, "its BARs lie where its bridge passes nothing on");
}

TEST_F(DriverBridges, AddressesThatNobodyUsesMakeWay) {
  machine.functions[at(0, 4)] = in_use(disk());
  machine.functions[at(0, 6)] = disk();
  machine.functions[at(0, 4)].set(0x14, 4, 0xfebc'0000);
  machine.functions[at(0, 6)].set(0x20, 4, 0xfebc'000c);
  machine.functions[at(0, 5)] = bridge(1);
  machine.functions[at(1, 0)] = disk();
  machine.functions[at(1, 0)].set(0x14, 4, 0xfebd'0000);  // where the bridge passes nothing on
  const pci::Bus& bus = scan();
  for (unsigned i = 0; i < bus.count(); ++i) {
    EXPECT_EQ(bus[i].problem, nullptr) << i;
  }
  EXPECT_EQ(word(at(0, 4), 0x14), 0xfebc'0000u) << "what is in use stays";
  EXPECT_NE(word(at(0, 6), 0x20), 0xfebc'000cu);
  EXPECT_NE(word(at(1, 0), 0x14), 0xfebd'0000u);
}

// Two BARs of one function, laid over each other when it said another size.
TEST_F(DriverBridges, ABarLeavesAnotherOfItsOwnFunction) {
  machine.functions[at(0, 4)] = disk();
  machine.functions[at(0, 4)].set(0x14, 4, 0xe000'0000);
  machine.functions[at(0, 4)].set(0x20, 4, 0xe000'000c);
  EXPECT_EQ(scan()[0].problem, nullptr);
  EXPECT_NE(word(at(0, 4), 0x14), word(at(0, 4), 0x20) & ~0xfu);
}

// It says that it has 32 bytes, and has 4 KiB: of the address that it gets it keeps the upper bits.
TEST_F(DriverBridges, ABarThatDoesNotKeepItsAddressIsRefusedAndForgotten) {
  class Understating final : public MemoryMachine {
   public:
    bool understates = true;
    std::uint32_t in32(std::uint16_t port) override {
      const std::uint32_t value = MemoryMachine::in32(port);
      return understates && value == 0xffff'f000 ? 0xffff'ffe0 : value;
    }
  };
  Understating liar;
  liar.functions[at(0, 4)] = disk();
  liar.functions[at(0, 4)].set_writable(0x18, 4, 0xffff'f000);
  pci::Bus bus(liar);
  ASSERT_TRUE(bus.init());
  pci::assign_resources(bus);
  EXPECT_STREQ(bus[0].problem, "its BARs do not keep their addresses");
  EXPECT_TRUE(bus[0].bars[1].address == 0 || bus[0].bars[2].address == 0);
  liar.understates = false;
  pci::Bus again(liar);
  ASSERT_TRUE(again.init());
  pci::assign_resources(again);
  EXPECT_EQ(again[0].problem, nullptr);
  EXPECT_NE(again[0].bars[1].address, again[0].bars[2].address);
}

TEST_F(DriverBridges, ABarThatFitsNoWindowIsRefusedAndOthersStillGetTheirs) {
  machine.functions[at(0, 4)] = disk();
  machine.functions[at(0, 4)].set_writable(0x14, 4, 0x8000'0000);  // 2 GiB
  machine.functions[at(0, 6)] = disk();
  const pci::Bus& bus = scan();
  EXPECT_STREQ(bus[0].problem, "no address space for its BARs");
  EXPECT_EQ(bus[1].problem, nullptr);
}

TEST_F(DriverBridges, BridgesHaveTwoBarsAndNoMore) {
  machine.functions[at(0, 5)] = bridge(1);
  machine.functions[at(0, 5)].set(0x14, 4, 4);  // 64-bit, and where its upper half would be lie the bus numbers
  machine.functions[at(0, 5)].set_writable(0x14, 4, 0xffff'ff00);
  machine.functions[at(1, 0)] = disk();
  const pci::Bus& bus = scan();
  EXPECT_EQ(byte(at(0, 5), pci::PCI_SECONDARY_BUS), 1u);
  EXPECT_EQ(word(at(0, 5), 0x14), 4u);
  EXPECT_EQ(bus[0].bars[1].kind, pci::BarKind::none);
}

TEST_F(DriverBridges, IntxPinsTurnAtEveryBridge) {
  machine.functions[at(0, 31)] = function(0x8086, 0x2918);
  for (const unsigned reg : {0x60u, 0x68u}) {
    machine.functions[at(0, 31)].set(reg, 4, 0x8080'8080);
    machine.functions[at(0, 31)].set_writable(reg, 4, 0xffff'ffff);
  }
  machine.functions[at(0, 2)] = bridge(1);
  machine.functions[at(1, 3)] = bridge(2);
  machine.functions[at(2, 2)] = disk();
  const pci::Bus& bus = scan();
  // INTA of device 2 is INTC at device 3, that is INTB (3 + 2) at device 2, which reaches PIRQ E + (2 + 1) = H.
  EXPECT_EQ(pci::route_intx(bus, *bus.find(0x1af4, 0x1001)), 11u);
  EXPECT_EQ(byte(at(0, 31), 0x6b), 11u);
  EXPECT_EQ(byte(at(0, 31), 0x6a), 0x80u);
  EXPECT_EQ(byte(at(2, 2), pci::PCI_INTERRUPT_LINE), 11u);
}

}  // namespace
}  // namespace ringside::tests
