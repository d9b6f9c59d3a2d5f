// Configuration space through memory, power states, function-level reset and the extended capability list.
#include <gtest/gtest.h>

#include <vector>

#include "driver/pci/bus.h"
#include "driver/pci/capability.h"
#include "driver/pci/ecam.h"
#include "driver/pci/express.h"
#include "driver/pci/msix.h"
#include "driver/pci/power.h"
#include "driver/pci/registers.h"
#include "testbench/tests/memory_machine.h"

namespace ringside::tests {
namespace {

constexpr std::uint64_t kEcam = 0xb000'0000;
constexpr pci::Address kSlot4{0, 4, 0};

FakeFunction function(std::uint16_t vendor, std::uint16_t device) {
  FakeFunction result;
  result.set(pci::PCI_VENDOR_ID, 2, vendor);
  result.set(pci::PCI_DEVICE_ID, 2, device);
  result.set_writable(pci::PCI_COMMAND, 2, 0x507);
  return result;
}

FakeFunction q35_host() {
  FakeFunction result = function(0x8086, 0x29c0);
  result.set_writable(0x60, 8, ~std::uint64_t{0});
  return result;
}

// Memory that remembers, and shows what was there.
class EcamMachine final : public MemoryMachine {
 public:
  std::uint32_t mmio_read32(std::uint64_t address) override { return memory[address]; }
  std::uint16_t mmio_read16(std::uint64_t address) override { return static_cast<std::uint16_t>(memory[address]); }
  void mmio_write32(std::uint64_t address, std::uint32_t value) override { memory[address] = value; }
  std::map<std::uint64_t, std::uint32_t> memory;
};

class DriverExpress : public ::testing::Test {
 protected:
  DriverExpress() { machine.windows.ecam_window = {kEcam, 256u << 20}; }
  FakeFunction& slot4() { return machine.functions[4 << 3]; }
  void with_express(std::uint32_t capabilities) {
    slot4() = function(0x1af4, 0x1042);
    slot4().set(pci::PCI_STATUS, 2, pci::PCI_STATUS_CAP_LIST);
    slot4().set(pci::PCI_CAPABILITY_LIST, 1, 0x40);
    slot4().set(0x40, 4, 0x0002'0010);
    slot4().set(0x44, 4, capabilities);
    slot4().set_writable(0x48, 2, 0xffff);
    slot4().set(pci::PCI_COMMAND, 2, 7);
  }

  EcamMachine machine;
  pci::ConfigSpace config{machine};
};

TEST_F(DriverExpress, EcamIsSwitchedOnWhereTheMachineWantsIt) {
  machine.functions[0] = q35_host();
  const hal::Window window = pci::enable_ecam(machine);
  EXPECT_EQ(window.base, kEcam);
  EXPECT_EQ(window.size, 256u << 20);
  EXPECT_EQ(config.read32({}, 0x60), 0xb000'0001u);
}

TEST_F(DriverExpress, EcamOfFirmwareStays) {
  machine.functions[0] = q35_host();
  machine.functions[0].set(0x60, 4, 0xe000'0005);  // 64 MiB
  const hal::Window window = pci::enable_ecam(machine);
  EXPECT_EQ(window.base, 0xe000'0000u);
  EXPECT_EQ(window.size, 64u << 20);
}

TEST_F(DriverExpress, ASmallerWindowTakesFewerBuses) {
  machine.functions[0] = q35_host();
  machine.windows.ecam_window = {kEcam, 100u << 20};
  const hal::Window window = pci::enable_ecam(machine);
  EXPECT_EQ(window.size, 64u << 20);
  config.use_ecam(window);
  EXPECT_EQ(config.last_bus(), 63u);
  EXPECT_EQ(config.read32({64, 0, 0}, 0), 0xffff'ffffu) << "beyond the window there is nobody";
}

TEST_F(DriverExpress, ThereIsNoEcamOnAnotherChipsetOrWithoutAWindow) {
  machine.functions[0] = function(0x8086, 0x1237);
  EXPECT_EQ(pci::enable_ecam(machine).size, 0u);
  machine.functions[0] = q35_host();
  machine.windows.ecam_window = {};
  EXPECT_EQ(pci::enable_ecam(machine).size, 0u);
  pci::Bus bus(machine);
  EXPECT_FALSE(bus.init(pci::ConfigAccess::ecam));
  EXPECT_TRUE(bus.init(pci::ConfigAccess::automatic));
}

TEST_F(DriverExpress, EcamAddressesAreBusDeviceFunctionOffset) {
  config.use_ecam({kEcam, 256u << 20});
  machine.memory[kEcam + (3u << 20 | 5u << 15 | 2u << 12 | 0x104u)] = 0x1234'5678;
  EXPECT_EQ(config.read32({3, 5, 2}, 0x104), 0x1234'5678u);
  config.write32({3, 5, 2}, 0xffc, 9);
  EXPECT_EQ(machine.memory[kEcam + (3u << 20 | 5u << 15 | 2u << 12 | 0xffcu)], 9u);
}

TEST_F(DriverExpress, ThePortsDoNotReachExtendedSpace) {
  slot4() = function(0x1af4, 0x1042);
  EXPECT_EQ(config.read32(kSlot4, 0x100), 0xffff'ffffu);
  config.write32(kSlot4, 0x104, 0x7);
  EXPECT_EQ(config.read16(kSlot4, pci::PCI_COMMAND), 0u) << "not taken for the register at 0x04";
}

TEST_F(DriverExpress, ExtendedWalkEndsAtALoop) {
  config.use_ecam({kEcam, 256u << 20});
  const std::uint64_t base = kEcam + (4u << 15);
  machine.memory[base + 0x100] = 0x1401'000f;
  machine.memory[base + 0x140] = 0x1001'0001;
  pci::ExtendedCapabilityWalk walk(config, kSlot4);
  pci::ExtendedCapability capability;
  ASSERT_TRUE(walk.next(capability));
  EXPECT_EQ(capability.id, 0x0f);
  ASSERT_TRUE(walk.next(capability));
  EXPECT_EQ(capability.offset, 0x140);
  EXPECT_FALSE(walk.next(capability));
  EXPECT_TRUE(walk.malformed());
}

TEST_F(DriverExpress, ExtendedWalkDoesNotLeaveItsSpaceAndIsEmptyWhereNothingIs) {
  config.use_ecam({kEcam, 256u << 20});
  const std::uint64_t base = kEcam + (4u << 15);
  pci::ExtendedCapability capability;
  pci::ExtendedCapabilityWalk none(config, kSlot4);
  EXPECT_FALSE(none.next(capability));
  EXPECT_FALSE(none.malformed());
  machine.memory[base + 0x100] = 0x0401'000f;
  pci::ExtendedCapabilityWalk into_header(config, kSlot4);
  EXPECT_TRUE(into_header.next(capability));
  EXPECT_FALSE(into_header.next(capability));
  EXPECT_TRUE(into_header.malformed());
}

TEST_F(DriverExpress, AFunctionAsleepIsWokenAndGivenTime) {
  slot4() = function(0x1af4, 0x1042);
  slot4().set(pci::PCI_STATUS, 2, pci::PCI_STATUS_CAP_LIST);
  slot4().set(pci::PCI_CAPABILITY_LIST, 1, 0x40);
  slot4().set(0x40, 4, 0x0003'0001);
  slot4().set(0x44, 2, 0x0103);  // D3hot, PME enabled
  slot4().set_writable(0x44, 2, 0x0103);
  pci::wake(machine, config, kSlot4);
  EXPECT_EQ(config.read16(kSlot4, 0x44), 0x0100) << "D0, and the other bits as they were";
  EXPECT_GE(machine.time, 10 * hal::kMillisecond);
  const std::uint64_t woken = machine.time;
  pci::wake(machine, config, kSlot4);
  EXPECT_EQ(machine.time, woken) << "awake, it is left alone";
}

TEST_F(DriverExpress, ResetStopsTheMasterThenWaits) {
  with_express(1u << 28);
  EXPECT_EQ(pci::reset_function(machine, config, kSlot4), pci::FunctionReset::done);
  EXPECT_EQ(config.read16(kSlot4, pci::PCI_COMMAND) & pci::PCI_COMMAND_MASTER, 0);
  EXPECT_EQ(config.read16(kSlot4, 0x48), 0x8000);
  EXPECT_GE(machine.time, 100 * hal::kMillisecond);
}

TEST_F(DriverExpress, ResetGoesAheadThoughTransactionsNeverCome) {
  with_express(1u << 28);
  slot4().set(0x4a, 2, 0x0020);  // Transactions Pending, for ever
  EXPECT_EQ(pci::reset_function(machine, config, kSlot4), pci::FunctionReset::done);
  EXPECT_GE(machine.time, 200 * hal::kMillisecond);
}

TEST_F(DriverExpress, ResetNeedsTheCapability) {
  with_express(0);
  EXPECT_EQ(pci::reset_function(machine, config, kSlot4), pci::FunctionReset::unsupported);
  EXPECT_EQ(config.read16(kSlot4, pci::PCI_COMMAND), 7) << "and is not begun without it";
}

TEST_F(DriverExpress, PendingBitsAreReadOnlyFromInsideTheirBar) {
  slot4() = function(0x1af4, 0x1042);
  slot4().set(pci::PCI_STATUS, 2, pci::PCI_STATUS_CAP_LIST);
  slot4().set(pci::PCI_CAPABILITY_LIST, 1, 0x98);
  slot4().set(0x98, 1, pci::PCI_CAP_ID_MSIX);
  slot4().set(0x9a, 2, 0x0047);      // 72 entries
  slot4().set(0x9c, 4, 0x0000 | 1);  // the table at the start of BAR 1
  slot4().set(0xa0, 4, 0x0800 | 1);  // the pending bits behind it
  pci::Bar bars[pci::kBarCount];
  bars[1] = {pci::BarKind::memory32, false, 0xe000'0000, 0x1000};
  pci::Msix msix;
  ASSERT_TRUE(msix.init(machine, config, kSlot4, bars));
  machine.memory[0xe000'0808] = 0x80;
  EXPECT_TRUE(msix.is_pending(71));
  EXPECT_FALSE(msix.is_pending(70));
  msix.mask_entry(3, true);
  EXPECT_EQ(machine.memory[0xe000'003c], 1u);
  slot4().set(0xa0, 4, 0x0ff8 | 1);  // 8 of 16 bytes
  ASSERT_TRUE(msix.init(machine, config, kSlot4, bars));
  EXPECT_FALSE(msix.is_pending(71));
}

}  // namespace
}  // namespace ringside::tests
