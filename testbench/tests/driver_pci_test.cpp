// The driver's PCI code against configuration spaces that no honest device would show.
#include <gtest/gtest.h>

#include "driver/pci/bar.h"
#include "driver/pci/bus.h"
#include "driver/pci/capability.h"
#include "driver/pci/intx_routing.h"
#include "driver/pci/msix.h"
#include "driver/pci/registers.h"
#include "testbench/tests/memory_machine.h"

namespace ringside::tests {
namespace {

constexpr pci::Address kSlot4{0, 4, 0};

FakeFunction function(std::uint16_t vendor, std::uint16_t device) {
  FakeFunction result;
  result.set(pci::PCI_VENDOR_ID, 2, vendor);
  result.set(pci::PCI_DEVICE_ID, 2, device);
  result.set_writable(pci::PCI_COMMAND, 2, 0x507);
  return result;
}

FakeFunction with_capabilities(std::initializer_list<std::pair<unsigned, unsigned>> chain) {
  FakeFunction result = function(0x1af4, 0x1001);
  result.set(pci::PCI_STATUS, 2, pci::PCI_STATUS_CAP_LIST);
  unsigned pointer = pci::PCI_CAPABILITY_LIST;
  for (const auto& [offset, id] : chain) {
    result.set(pointer, 1, offset);
    if (offset < 0xff) {
      result.set(offset, 1, id);
    }
    pointer = offset + 1;
  }
  return result;
}

unsigned walked(pci::CapabilityWalk& walk) {
  unsigned count = 0;
  for (pci::Capability capability; walk.next(capability);) {
    ++count;
  }
  return count;
}

class DriverPci : public ::testing::Test {
 protected:
  FakeFunction& slot4(FakeFunction made) { return machine.functions[4 << 3] = made; }

  MemoryMachine machine;
  pci::ConfigSpace config{machine};
};

TEST_F(DriverPci, ScanFindsEveryFunctionOfAMultiFunctionDeviceAndNoOther) {
  machine.functions[0] = function(0x8086, 0x1237);
  machine.functions[1 << 3] = function(0x8086, 0x7000);
  machine.functions[1 << 3].set(pci::PCI_HEADER_TYPE, 1, 0x80);
  machine.functions[1 << 3 | 1] = function(0x8086, 0x7010);
  machine.functions[1 << 3 | 3] = function(0x8086, 0x7113);
  machine.functions[4 << 3] = function(0x1af4, 0x1001);
  machine.functions[4 << 3 | 2] = function(0x1234, 0x5678);  // a ghost: function 0 is not multi-function
  machine.functions[5 << 3 | 1] = function(0x1234, 0x5678);  // a ghost: there is no function 0

  pci::Bus bus(machine);
  ASSERT_TRUE(bus.init());
  EXPECT_EQ(bus.count(), 5u);
  ASSERT_EQ(machine.lines.size(), 7u);
  EXPECT_EQ(machine.lines[0], "[PCI] Initializing PCI subsystem...");
  EXPECT_EQ(machine.lines[1], "[PCI] Found 5 PCI device(s)");
  EXPECT_EQ(machine.lines[2], "[PCI]   Bus 0 Device 0 Func 0: Vendor=0x8086 Device=0x1237");
  EXPECT_EQ(machine.lines[6], "[PCI]   Bus 0 Device 4 Func 0: Vendor=0x1AF4 Device=0x1001 [VirtIO]");
}

// Of which few machines fill a second shelf.
TEST_F(DriverPci, AllFunctionsOfAFullBusAreFound) {
  for (unsigned key = 0; key < 256; ++key) {
    machine.functions[key] = function(0x8086, static_cast<std::uint16_t>(0x1000 + key));
    machine.functions[key].set(pci::PCI_HEADER_TYPE, 1, 0x80);
  }
  pci::Bus bus(machine);
  ASSERT_TRUE(bus.init());
  ASSERT_EQ(bus.count(), 256u);
  for (unsigned key = 0; key < 256; ++key) {
    ASSERT_EQ(bus[key].device, 0x1000 + key);
  }
}

TEST_F(DriverPci, WithoutMemoryForTheWholeTableTheLogSaysWhy) {
  machine.functions[0] = function(0x8086, 0x1237);
  for (unsigned key = 0; key < 17; ++key) {
    machine.functions[key << 3] = function(0x8086, 0x1237);
  }
  for (const std::size_t shelves : {0u, 1u}) {
    machine.private_limit = shelves;
    pci::Bus bus(machine);
    EXPECT_FALSE(bus.init());
    EXPECT_EQ(machine.lines.back(), "[PCI] No memory for the device table");
  }
}

TEST_F(DriverPci, AllAccessWidthsReachTheirByteLanes) {
  FakeFunction& device = slot4(function(0x1af4, 0x1001));
  device.set_writable(0x40, 4, 0xffff'ffff);
  config.write8(kSlot4, 0x41, 0x22);
  config.write16(kSlot4, 0x42, 0x4433);
  EXPECT_EQ(config.read32(kSlot4, 0x40), 0x4433'2200u);
  EXPECT_EQ(config.read16(kSlot4, 0x42), 0x4433u);
  EXPECT_EQ(config.read8(kSlot4, 0x43), 0x44u);
}

TEST_F(DriverPci, BarsAreSizedByKindAndRestored) {
  FakeFunction& device = slot4(function(0x1af4, 0x1001));
  device.set(0x10, 4, 0x0000'c001);  // I/O, 128 bytes
  device.set_writable(0x10, 4, 0xffff'ff80);
  device.set_writable(0x14, 4, 0xffff'f000);  // memory, 4 KiB
  device.set(0x20, 4, 0x0000'000c);           // 64-bit, prefetchable, 16 KiB
  device.set_writable(0x20, 4, 0xffff'c000);
  device.set_writable(0x24, 4, 0xffff'ffff);
  device.set(pci::PCI_COMMAND, 2, 7);

  const pci::Bar io = pci::get_bar(config, kSlot4, 0);
  EXPECT_EQ(io.kind, pci::BarKind::io);
  EXPECT_EQ(io.size, 0x80u);
  EXPECT_EQ(io.address, 0xc000u);
  const pci::Bar memory = pci::get_bar(config, kSlot4, 1);
  EXPECT_EQ(memory.kind, pci::BarKind::memory32);
  EXPECT_EQ(memory.size, 0x1000u);
  const pci::Bar wide = pci::get_bar(config, kSlot4, 4);
  EXPECT_EQ(wide.kind, pci::BarKind::memory64);
  EXPECT_TRUE(wide.prefetchable);
  EXPECT_EQ(wide.size, 0x4000u);
  EXPECT_EQ(pci::get_bar(config, kSlot4, 2).kind, pci::BarKind::none);
  EXPECT_EQ(config.read32(kSlot4, 0x10), 0xc001u);
  EXPECT_EQ(config.read16(kSlot4, pci::PCI_COMMAND), 7u) << "decoding is back as it was";
}

// What is written back to a register that has kept its value is an access for nothing; and one that reads all ones may
// be that of a function which is not there, and is in a moment.
TEST_F(DriverPci, ARegisterIsWrittenBackOnlyIfSizingHasChangedIt) {
  FakeFunction& device = slot4(function(0x1af4, 0x1001));
  device.set(0x10, 4, 0xe000'0000);
  device.set_writable(0x10, 4, 0xffff'f000);
  device.set(0x18, 4, 0xffff'ffff);
  device.set_writable(0x18, 4, 0xffff'f000);
  const auto writes_to = [&](std::uint16_t reg) {
    machine.config_writes.clear();
    static_cast<void>(config.probe32(kSlot4, reg));
    return machine.config_writes.size();
  };
  EXPECT_EQ(writes_to(0x10), 2u);
  EXPECT_EQ(config.read32(kSlot4, 0x10), 0xe000'0000u);
  EXPECT_EQ(writes_to(0x14), 1u) << "the function has no such BAR";
  EXPECT_EQ(writes_to(0x18), 0u);
}

TEST_F(DriverPci, ABarWhoseSizeIsNoPowerOfTwoIsNotUsed) {
  FakeFunction& device = slot4(function(0x1af4, 0x1001));
  device.set_writable(0x14, 4, 0xffff'5000);
  EXPECT_EQ(pci::get_bar(config, kSlot4, 1).kind, pci::BarKind::none);
}

// A machine whose n-th read of configuration space finds nobody.
class Flickering final : public MemoryMachine {
 public:
  unsigned absent_at = 0;
  unsigned reads = 0;
  std::uint16_t in16(std::uint16_t port) override {
    const std::uint16_t value = MemoryMachine::in16(port);
    return ++reads == absent_at ? std::uint16_t{0xffff} : value;
  }
  std::uint32_t in32(std::uint16_t port) override {
    const std::uint32_t value = MemoryMachine::in32(port);
    return ++reads == absent_at ? 0xffff'ffff : value;
  }
};

// Whichever read it is: the registers are as before, and what is believed is the truth.
TEST_F(DriverPci, AFunctionThatDoesNotAnswerOnceIsLeftAsItWas) {
  Flickering flickering;
  FakeFunction device = function(0x1af4, 0x1001);
  device.set(0x10, 4, 0x0000'c001);
  device.set_writable(0x10, 4, 0xffff'ff80);
  device.set(0x20, 4, 0xe000'000c);
  device.set_writable(0x20, 4, 0xffff'c000);
  device.set_writable(0x24, 4, 0xffff'ffff);
  device.set(pci::PCI_COMMAND, 2, 7);
  flickering.functions[4 << 3] = device;
  const pci::ConfigSpace space(flickering);
  unsigned refused = 0;
  for (flickering.absent_at = 1;; ++flickering.absent_at) {
    SCOPED_TRACE(flickering.absent_at);
    flickering.reads = 0;
    pci::Bar bars[pci::kBarCount];
    bool decodes = false;
    const bool whole = pci::read_bars(space, kSlot4, pci::kBarCount, bars, decodes);
    EXPECT_EQ(flickering.functions[4 << 3].bytes, device.bytes);
    EXPECT_EQ(bars[0].kind, whole ? pci::BarKind::io : pci::BarKind::none);
    EXPECT_EQ(bars[4].size, whole ? 0x4000u : 0u);
    EXPECT_EQ(bars[4].address, whole ? 0xe000'0000u : 0u);
    if (flickering.reads < flickering.absent_at) {
      EXPECT_TRUE(whole && decodes);
      break;
    }
    refused += whole ? 0 : 1;
  }
  EXPECT_GE(refused, 9u) << "all but that of an upper half's mask, which is all-ones anyway";
}

TEST_F(DriverPci, ABarHoldsItsAddressOrAnother) {
  FakeFunction& device = slot4(function(0x1af4, 0x1001));
  device.set_writable(0x14, 4, 0xffff'f000);
  const pci::Bar fits{pci::BarKind::memory32, false, 0xe000'1000, 0x1000};
  pci::set_bar(config, kSlot4, 1, fits);
  EXPECT_TRUE(pci::holds_bar(config, kSlot4, 1, fits));
  const pci::Bar too_small{pci::BarKind::memory32, false, 0xe000'1020, 0x20};
  pci::set_bar(config, kSlot4, 1, too_small);
  EXPECT_FALSE(pci::holds_bar(config, kSlot4, 1, too_small));
}

TEST_F(DriverPci, AFunctionThatDoesNotAnswerIsNotEnabled) {
  Flickering flickering;
  flickering.functions[4 << 3] = function(0x1af4, 0x1001);
  flickering.absent_at = 1;
  pci::enable_device(pci::ConfigSpace(flickering), kSlot4, pci::PCI_COMMAND_MASTER);
  EXPECT_TRUE(flickering.config_writes.empty());
}

TEST_F(DriverPci, CapabilityWalkFollowsTheChain) {
  slot4(with_capabilities({{0x98, 0x11}, {0x84, 0x09}, {0x40, 0x09}, {0, 0}}));
  pci::CapabilityWalk walk(config, kSlot4);
  EXPECT_EQ(walked(walk), 3u);
  EXPECT_FALSE(walk.malformed());
  EXPECT_EQ(pci::find_capability(config, kSlot4, 0x11), 0x98u);
  EXPECT_EQ(pci::find_capability(config, kSlot4, 0x05), 0u);
}

TEST_F(DriverPci, CapabilityWalkEndsAtALoop) {
  slot4(with_capabilities({{0x40, 0x09}, {0x50, 0x09}, {0x40, 0x09}}));
  pci::CapabilityWalk walk(config, kSlot4);
  EXPECT_EQ(walked(walk), 2u);
  EXPECT_TRUE(walk.malformed());
}

TEST_F(DriverPci, CapabilityWalkDoesNotEnterTheHeader) {
  slot4(with_capabilities({{0x40, 0x09}, {0x10, 0x09}}));
  pci::CapabilityWalk walk(config, kSlot4);
  EXPECT_EQ(walked(walk), 1u);
  EXPECT_TRUE(walk.malformed());
}

TEST_F(DriverPci, CapabilityWalkWithoutTheStatusBitIsEmpty) {
  FakeFunction& device = slot4(with_capabilities({{0x40, 0x09}, {0, 0}}));
  device.set(pci::PCI_STATUS, 2, 0);
  pci::CapabilityWalk walk(config, kSlot4);
  EXPECT_EQ(walked(walk), 0u);
}

TEST_F(DriverPci, AllOnesConfigurationSpaceEndsTheWalk) {
  FakeFunction& device = slot4(FakeFunction{});
  device.bytes.fill(0xff);
  pci::CapabilityWalk walk(config, kSlot4);
  EXPECT_LE(walked(walk), 1u);
}

TEST_F(DriverPci, MsixTableOutsideItsBarIsRefused) {
  FakeFunction& device = slot4(with_capabilities({{0x98, 0x11}, {0, 0}}));
  device.set(0x9a, 2, 0x0001);       // two entries
  device.set(0x9c, 4, 0x0fe0 | 1u);  // BAR 1, the last 32 bytes
  pci::Bar bars[pci::kBarCount];
  bars[1] = {pci::BarKind::memory32, false, 0xe000'0000, 0x1000};
  pci::Msix msix;
  EXPECT_TRUE(msix.init(machine, config, kSlot4, bars));
  EXPECT_EQ(msix.size(), 2u);
  device.set(0x9c, 4, 0x0ff0 | 1u);
  EXPECT_FALSE(msix.init(machine, config, kSlot4, bars));
  device.set(0x9c, 4, 7u);  // reserved BAR number
  EXPECT_FALSE(msix.init(machine, config, kSlot4, bars));
}

TEST_F(DriverPci, IntxIsRoutedThroughThePiixPinOfTheSlot) {
  machine.functions[1 << 3] = function(0x8086, 0x7000);
  machine.functions[1 << 3].set(0x60, 4, 0x8080'8080);
  machine.functions[1 << 3].set_writable(0x60, 4, 0xffff'ffff);
  FakeFunction& device = slot4(function(0x1af4, 0x1001));
  device.set(pci::PCI_INTERRUPT_PIN, 1, 1);
  device.set_writable(pci::PCI_INTERRUPT_LINE, 1, 0xff);
  pci::Bus bus(machine);
  ASSERT_TRUE(bus.init());
  EXPECT_EQ(pci::route_intx(bus, *bus.find(0x1af4, 0x1001)), 11u);
  EXPECT_EQ(machine.functions[1 << 3].bytes[0x63], 11u) << "slot 4, INTA: PIRQD";
  EXPECT_EQ(config.read8(kSlot4, pci::PCI_INTERRUPT_LINE), 11u);
}

}  // namespace
}  // namespace ringside::tests
