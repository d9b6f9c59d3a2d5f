// What each action does at the hardware interface, on a machine that does nothing by itself.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "testbench/faults/faulty_machine.h"
#include "testbench/faults/injector.h"
#include "testbench/trace/dma_buffers.h"
#include "testbench/trace/memory_log.h"
#include "testbench/trace/recorder.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::faults {
namespace {

constexpr std::uint64_t kBar = 0xfe00'0000;
constexpr std::uint64_t kStatus = kBar + trace::VIRTIO_PCI_COMMON_STATUS;
constexpr std::uint32_t kBarSize = 0x4000;
constexpr unsigned kBarIndex = 4;
constexpr unsigned kBarOffset = trace::PCI_BASE_ADDRESS_0 + 4 * kBarIndex;
constexpr std::uint64_t kDoorbell = kBar + 0x3000;
constexpr unsigned kCapability = 0x40;
constexpr unsigned kNotifyCapability = 0x60;
constexpr std::uint16_t kFunction = 4 << 3;
constexpr unsigned kVector = 0;

// One virtio block function with common and notify structures in BAR 4, RAM for buffers, one interrupt vector.
class FakeMachine final : public hal::Machine {
 public:
  FakeMachine() {
    put(0, 0x1042'1af4);
    put(kBarOffset, 0);
    put(trace::PCI_CAPABILITY_LIST, kCapability);
    put_capability(kCapability, trace::Structure::common, 0, kNotifyCapability);
    put_capability(kNotifyCapability, trace::Structure::notify, 0x3000, 0);
  }

  std::map<std::uint64_t, std::uint32_t> registers;
  std::uint16_t command = 7;
  std::uint64_t count = 0;
  std::vector<std::uint64_t> coming;  // counts that the next waits will see
  alignas(64) std::array<std::uint8_t, 0x10000> ram{};
  std::size_t allocated = 0;

  hal::MachineInfo info() override { return {}; }
  std::uint8_t in8(std::uint16_t port) override {
    return static_cast<std::uint8_t>(in32(trace::PCI_CONFIG_DATA) >> 8 * (port & 3));
  }
  std::uint16_t in16(std::uint16_t) override { return (latch_ & 0xfc) == 4 ? command : std::uint16_t{0}; }
  std::uint32_t in32(std::uint16_t port) override {
    return port == trace::PCI_CONFIG_DATA && selected() ? config_[latch_ >> 2 & 63] : 0xffff'ffff;
  }
  void out8(std::uint16_t, std::uint8_t) override {}
  void out16(std::uint16_t port, std::uint16_t value) override {
    if (port == trace::PCI_CONFIG_DATA && selected() && (latch_ & 0xfc) == 4) {
      command = value;
    }
  }
  void out32(std::uint16_t port, std::uint32_t value) override {
    if (port == trace::PCI_CONFIG_ADDRESS) {
      latch_ = value;
    } else if (port == trace::PCI_CONFIG_DATA && selected() && (latch_ & 0xfc) == kBarOffset) {
      put(kBarOffset, value & ~(kBarSize - 1));
    }
  }
  std::uint8_t mmio_read8(std::uint64_t address) override { return static_cast<std::uint8_t>(registers[address]); }
  std::uint16_t mmio_read16(std::uint64_t address) override { return static_cast<std::uint16_t>(registers[address]); }
  std::uint32_t mmio_read32(std::uint64_t address) override { return registers[address]; }
  void mmio_write8(std::uint64_t address, std::uint8_t value) override { registers[address] = value; }
  void mmio_write16(std::uint64_t address, std::uint16_t value) override { registers[address] = value; }
  void mmio_write32(std::uint64_t address, std::uint32_t value) override { registers[address] = value; }
  hal::DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t) override {
    const hal::DmaBuffer buffer{ram.data() + allocated, hal::BusAddress{allocated}, size};
    allocated += (size + 63) / 64 * 64;
    return buffer;
  }
  void free_dma_buffer(const hal::DmaBuffer&) override {}
  hal::BusAddress map(void*, std::size_t, hal::DmaDirection) override { return hal::kInvalidBusAddress; }
  void unmap(hal::BusAddress, std::size_t, hal::DmaDirection) override {}
  hal::BusAddress virt_to_phys(const void*) override { return hal::kInvalidBusAddress; }
  void* alloc_private(std::size_t, std::size_t) override { return nullptr; }
  hal::MsiMessage msi_message(unsigned) override { return {}; }
  std::uint64_t interrupts(unsigned) override { return count; }
  bool wait(unsigned, std::uint64_t seen, std::uint64_t) override {
    if (count == seen && !coming.empty()) {
      count = coming.front();
      coming.erase(coming.begin());
    }
    return count != seen;
  }
  void acknowledge(unsigned) override {}
  std::uint64_t now() override { return 42; }
  void relax(std::uint64_t) override {}
  void log(const char*, std::size_t) override {}

 private:
  void put(unsigned offset, std::uint32_t value) { config_[offset / 4] = value; }
  void put_capability(unsigned at, trace::Structure type, std::uint32_t offset, std::uint32_t next) {
    put(at, static_cast<std::uint32_t>(type) << 24 | 16u << 16 | next << 8 | trace::PCI_CAP_ID_VNDR);
    put(at + trace::kCapBar, kBarIndex);
    put(at + trace::kCapOffset, offset);
    put(at + trace::kCapLength, 0x1000);
  }
  [[nodiscard]] bool selected() const { return latch_ >> 8 == (0x80'0000u | kFunction); }

  std::array<std::uint32_t, 64> config_{};
  std::uint32_t latch_ = 0;
};

struct Fired final : FaultListener {
  void fired(std::size_t fault) override { faults.push_back(fault); }
  void impossible(std::size_t, const char* why) override { why_not = why; }
  std::vector<std::size_t> faults;
  std::string why_not;
};

class FaultMachine : public testing::Test {
 protected:
  FaultMachine() {
    machine.listen(fired);
    for (unsigned offset = 0; offset < 0x100; offset += 4) {
      static_cast<void>(config_read(offset));
    }
    config_write(kBarOffset, 0xffff'ffff);
    static_cast<void>(config_read(kBarOffset));
    config_write(kBarOffset, static_cast<std::uint32_t>(kBar));
  }

  std::uint32_t config_read(unsigned offset) {
    machine.out32(trace::PCI_CONFIG_ADDRESS, 0x8000'0000u | kFunction << 8 | offset);
    return machine.in32(trace::PCI_CONFIG_DATA);
  }
  void config_write(unsigned offset, std::uint32_t value) {
    machine.out32(trace::PCI_CONFIG_ADDRESS, 0x8000'0000u | kFunction << 8 | offset);
    machine.out32(trace::PCI_CONFIG_DATA, value);
  }
  // As it comes from a tap: first the record, then the write.
  void ring(std::uint16_t queue) {
    machine.see(trace::driver_record(trace::Kind::doorbell, 0, queue));
    machine.mmio_write16(kDoorbell, queue);
  }
  void arm(Action action, std::uint32_t value = 0) {
    Fault fault;
    fault.action = action;
    fault.value = value;
    machine.arm(next_++, fault);
  }

  FakeMachine inner;
  FaultyMachine machine{inner};
  Fired fired;

 private:
  std::size_t next_ = 0;
};

TEST_F(FaultMachine, PassesEverythingOnUntilAFaultIsArmed) {
  machine.mmio_write8(kStatus, 3);
  EXPECT_EQ(inner.registers[kStatus], 3u);
  EXPECT_EQ(machine.mmio_read8(kStatus), 3u);
  EXPECT_EQ(config_read(0), 0x1042'1af4u);
  inner.count = 5;
  EXPECT_EQ(machine.interrupts(kVector), 5u);
}

TEST_F(FaultMachine, RemovedFunctionReadsAllOnesAndLosesWrites) {
  inner.registers[kStatus] = 7;
  arm(Action::removed);
  EXPECT_EQ(fired.faults, std::vector<std::size_t>{0});
  EXPECT_EQ(config_read(0), 0xffff'ffffu);
  EXPECT_EQ(machine.mmio_read8(kStatus), 0xffu);
  EXPECT_EQ(machine.mmio_read32(kBar), 0xffff'ffffu);
  machine.mmio_write8(kStatus, 0);
  EXPECT_EQ(inner.registers[kStatus], 7u);
  EXPECT_EQ(inner.command, 0x400u) << "its bus mastering goes with it, and nobody drives its line";
}

TEST_F(FaultMachine, RemovalKeepsTheDriversConfigurationAddress) {
  machine.out32(trace::PCI_CONFIG_ADDRESS, 0x8000'0000u | kFunction << 8 | 0x10);
  arm(Action::removed);
  inner.command = 0x55;
  inner.out16(trace::PCI_CONFIG_DATA, 9);
  EXPECT_EQ(inner.command, 0x55u) << "the latch no longer points at COMMAND";
}

TEST_F(FaultMachine, LostInterruptHidesOneAndOnlyOne) {
  arm(Action::lost_interrupt);
  inner.coming = {1, 2};
  EXPECT_TRUE(machine.wait(kVector, 0, 100)) << "the second one ends the wait";
  EXPECT_EQ(machine.interrupts(kVector), 1u);
  inner.coming = {3};
  EXPECT_TRUE(machine.wait(kVector, 1, 100));
  EXPECT_EQ(machine.interrupts(kVector), 2u);
  EXPECT_EQ(fired.faults.size(), 1u);
}

TEST_F(FaultMachine, LostInterruptLetsTheWaitEndAtItsDeadline) {
  arm(Action::lost_interrupt);
  inner.coming = {1};
  EXPECT_FALSE(machine.wait(kVector, 0, 100));
  EXPECT_EQ(machine.interrupts(kVector), 0u);
}

TEST_F(FaultMachine, SpuriousInterruptEndsOneWait) {
  arm(Action::spurious_interrupt);
  EXPECT_TRUE(machine.wait(kVector, 0, 100));
  EXPECT_EQ(machine.interrupts(kVector), 1u);
  EXPECT_FALSE(machine.wait(kVector, 1, 100));
  inner.coming = {1};
  EXPECT_TRUE(machine.wait(kVector, 1, 100));
  EXPECT_EQ(machine.interrupts(kVector), 2u);
}

TEST_F(FaultMachine, StatusReadsAllOnesOnce) {
  inner.registers[kStatus] = 7;
  arm(Action::status_all_ones);
  EXPECT_EQ(machine.mmio_read8(kStatus), 0xffu);
  EXPECT_EQ(machine.mmio_read8(kStatus), 7u);
}

TEST_F(FaultMachine, NeedsResetShowsUntilTheResetAndIsAnnounced) {
  inner.registers[kStatus] = 7;
  arm(Action::needs_reset);
  EXPECT_TRUE(machine.wait(kVector, 0, 100));
  EXPECT_TRUE(fired.faults.empty()) << "nobody has seen it yet";
  EXPECT_EQ(machine.mmio_read8(kStatus), 0x47u);
  EXPECT_EQ(machine.mmio_read8(kStatus), 0x47u);
  EXPECT_EQ(fired.faults.size(), 1u);
  ring(0);
  EXPECT_EQ(inner.registers.count(kDoorbell), 0u) << "nothing more is done";
  machine.mmio_write8(kStatus, 0);
  EXPECT_EQ(machine.mmio_read8(kStatus), 0u);
  ring(0);
  EXPECT_EQ(inner.registers.count(kDoorbell), 1u);
}

TEST_F(FaultMachine, LostDoorbellOfItsQueueIsLostOnce) {
  inner.registers[kDoorbell] = 99;
  arm(Action::lost_doorbell);
  ring(1);
  EXPECT_EQ(inner.registers[kDoorbell], 1u) << "another queue";
  ring(0);
  EXPECT_EQ(inner.registers[kDoorbell], 1u);
  ring(0);
  EXPECT_EQ(inner.registers[kDoorbell], 0u);
}

// --- What is wrong lies over the truth, and ends.

TEST_F(FaultMachine, RegistersReadAllOnesSoManyTimes) {
  inner.registers[kBar + trace::VIRTIO_PCI_COMMON_NUMQ] = 1;
  arm(Action::register_all_ones, 2);
  EXPECT_EQ(machine.mmio_read16(kBar + trace::VIRTIO_PCI_COMMON_NUMQ), 0xffffu);
  EXPECT_EQ(machine.mmio_read16(kBar + trace::VIRTIO_PCI_COMMON_NUMQ), 0xffffu);
  EXPECT_EQ(machine.mmio_read16(kBar + trace::VIRTIO_PCI_COMMON_NUMQ), 1u);
  EXPECT_EQ(fired.faults.size(), 1u) << "it is one fault";
}

TEST_F(FaultMachine, QueuesHaveAnotherSizeUntilTheFaultsAreOver) {
  const std::uint64_t size = kBar + trace::VIRTIO_PCI_COMMON_Q_SIZE;
  inner.registers[size] = 128;
  arm(Action::queue_size, 100);
  EXPECT_EQ(machine.mmio_read16(size), 100u);
  EXPECT_EQ(machine.mmio_read16(size), 100u);
  inner.registers[size] = 0;
  EXPECT_EQ(machine.mmio_read16(size), 0u) << "a queue that is not there";
  inner.registers[size] = 128;
  machine.disarm();
  EXPECT_EQ(machine.mmio_read16(size), 128u);
}

TEST_F(FaultMachine, ResetTakesSoManyLooks) {
  arm(Action::reset_stuck, 2);
  machine.mmio_write8(kStatus, 0);
  EXPECT_NE(machine.mmio_read8(kStatus), 0u);
  EXPECT_NE(machine.mmio_read8(kStatus), 0u);
  EXPECT_EQ(machine.mmio_read8(kStatus), 0u);
}

TEST_F(FaultMachine, GenerationIsAnotherAtEachLook) {
  const std::uint64_t generation = kBar + trace::VIRTIO_PCI_COMMON_CFGGENERATION;
  arm(Action::generation_races, 2);
  const std::uint8_t first = machine.mmio_read8(generation);
  EXPECT_NE(machine.mmio_read8(generation), first);
  EXPECT_EQ(machine.mmio_read8(generation), 0u);
}

TEST_F(FaultMachine, FeaturesAreRefusedBelowTheDriver) {
  arm(Action::features_refused, 1);
  machine.mmio_write8(kStatus, 3);
  EXPECT_EQ(inner.registers[kStatus], 3u);
  machine.mmio_write8(kStatus, 11);
  EXPECT_EQ(machine.mmio_read8(kStatus), 3u);
  machine.mmio_write8(kStatus, 11);
  EXPECT_EQ(machine.mmio_read8(kStatus), 11u);
}

TEST_F(FaultMachine, FeatureBitChangesInItsWord) {
  arm(Action::feature_bit_changes, 33);
  EXPECT_EQ(machine.mmio_read32(kBar + trace::VIRTIO_PCI_COMMON_DF), 0u);
  machine.mmio_write32(kBar + trace::VIRTIO_PCI_COMMON_DFSELECT, 1);
  EXPECT_EQ(machine.mmio_read32(kBar + trace::VIRTIO_PCI_COMMON_DF), 2u);
  EXPECT_EQ(machine.mmio_read32(kBar + trace::VIRTIO_PCI_COMMON_DF), 0u);
}

TEST_F(FaultMachine, ConfigurationSpaceIsSilentSoManyTimes) {
  arm(Action::config_all_ones, 1);
  EXPECT_EQ(config_read(0), 0xffff'ffffu);
  EXPECT_EQ(config_read(0), 0x1042'1af4u);
}

TEST_F(FaultMachine, CapabilitiesLoopUntilTheFaultsAreOver) {
  arm(Action::capability_loop);
  EXPECT_EQ(config_read(kNotifyCapability) >> 8 & 0xff, kCapability);
  machine.disarm();
  EXPECT_EQ(config_read(kNotifyCapability) >> 8 & 0xff, 0u);
}

TEST_F(FaultMachine, CapabilitiesLieOutsideTheirBar) {
  arm(Action::capability_outside_bar);
  EXPECT_EQ(config_read(kNotifyCapability + trace::kCapOffset), 0x7f00'3000u);
}

TEST_F(FaultMachine, BarsAreSizedAsTheFaultSays) {
  arm(Action::bar_size, 30);
  EXPECT_EQ(config_read(kBarOffset), kBar) << "where it lies is not its size";
  config_write(kBarOffset, 0xffff'ffff);
  EXPECT_EQ(config_read(kBarOffset), 0xc000'0000u);
  config_write(kBarOffset, static_cast<std::uint32_t>(kBar));
  EXPECT_EQ(config_read(kBarOffset), kBar);
}

TEST_F(FaultMachine, BusMasteringIsSwitchedOffAndNothingElse) {
  arm(Action::bus_master_off);
  EXPECT_EQ(inner.command, 3u);
}

TEST_F(FaultMachine, StormIsSoManyInterrupts) {
  arm(Action::interrupt_storm, 3);
  for (std::uint64_t seen = 0; seen < 3; ++seen) {
    EXPECT_TRUE(machine.wait(kVector, seen, 100));
  }
  EXPECT_FALSE(machine.wait(kVector, 3, 100));
}

TEST_F(FaultMachine, WhatTheFunctionCannotDoSaysSo) {
  arm(Action::function_reset);
  EXPECT_NE(fired.why_not.find("FLR"), std::string::npos);
  arm(Action::self_reset);
  EXPECT_NE(fired.why_not.find("device_status"), std::string::npos);
  machine.mmio_write8(kStatus, 7);
  arm(Action::self_reset);
  EXPECT_EQ(inner.registers[kStatus], 0u);
}

// A queue of 4 in RAM, as the tap would have numbered it.
class FaultRings : public FaultMachine {
 protected:
  static constexpr std::uint16_t kSize = 4;

  FaultRings() : guard(trace::DmaBuffers::guard_for(16)) {
    rings = machine.alloc_dma_buffer(0x400 + 2 * guard, 16);
    trace::Record record = trace::driver_record(trace::Kind::queue_enabled);
    record.value = kSize;
    record.offset = trace::packed_address(trace::kRegionDma + 1, 0);
    record.length = trace::packed_address(trace::kRegionDma + 1, 0x100);
    record.aux = trace::packed_address(trace::kRegionDma + 1, 0x200);
    machine.see(record);
  }

  template <class T>
  T* at(std::size_t offset) {
    return reinterpret_cast<T*>(static_cast<std::uint8_t*>(rings.cpu) + guard + offset);
  }
  std::uint64_t bus_at(std::size_t offset) { return hal::raw(rings.bus) + guard + offset; }
  std::uint16_t* used_index() { return at<std::uint16_t>(0x202); }
  std::uint32_t* used_element(unsigned slot) { return at<std::uint32_t>(0x204 + 8 * slot); }
  void use(std::uint32_t id) {
    used_element(*used_index() % kSize)[0] = id;
    ++*used_index();
  }
  void describe(unsigned index, trace::Descriptor descriptor) { at<trace::Descriptor>(0)[index] = descriptor; }
  void look(std::uint16_t queue = 0) {
    machine.before_look(0, queue);
    machine.after_look();
  }

  std::size_t guard;
  hal::DmaBuffer rings;
};

TEST_F(FaultRings, NewestUsedElementIsChangedOnceItIsThere) {
  arm(Action::used_id, 9);
  look();
  EXPECT_TRUE(fired.faults.empty()) << "nothing has been used";
  use(1);
  use(2);
  look(1);
  EXPECT_TRUE(fired.faults.empty()) << "another queue";
  look();
  EXPECT_EQ(fired.faults.size(), 1u);
  EXPECT_EQ(used_element(0)[0], 1u);
  EXPECT_EQ(used_element(1)[0], 9u);
}

// Between the change and the driver's load there is nothing that takes time: QEMU goes on meanwhile.
TEST_F(FaultRings, WhatALookShowsIsToldAfterIt) {
  arm(Action::used_index, 5);
  machine.before_look(0, 0);
  EXPECT_TRUE(fired.faults.empty());
  machine.after_look();
  EXPECT_EQ(fired.faults.size(), 1u);
  look();
  EXPECT_EQ(fired.faults.size(), 1u) << "once";
}

TEST_F(FaultRings, ElementsThatTheDriverHasSeenAreLeftAlone) {
  use(1);
  trace::Record seen = trace::driver_record(trace::Kind::used_seen);
  seen.value = 1;
  machine.see(seen);
  arm(Action::used_length, 9);
  look();
  EXPECT_TRUE(fired.faults.empty());
}

// A packed ring of 4 in the same place, with the driver at its start.
class PackedFaultRings : public FaultRings {
 protected:
  PackedFaultRings() {
    trace::Record features = trace::driver_record(trace::Kind::features);
    features.flags = 1;
    features.value = std::uint64_t{1} << trace::VIRTIO_F_RING_PACKED;
    machine.see(features);
    trace::Record enabled = trace::driver_record(trace::Kind::queue_enabled);
    enabled.value = kSize;
    enabled.offset = trace::packed_address(trace::kRegionDma + 1, 0);
    enabled.length = trace::packed_address(trace::kRegionDma + 1, 0x100);
    enabled.aux = trace::packed_address(trace::kRegionDma + 1, 0x200);
    machine.see(enabled);
  }
  trace::PackedDescriptor* descriptor(unsigned place) { return at<trace::PackedDescriptor>(16 * place); }
  void use(unsigned place, std::uint16_t id) {
    *descriptor(place) = {0, 1, id, std::uint16_t{trace::VIRTQ_DESC_F_AVAIL | trace::VIRTQ_DESC_F_USED}};
  }
};

TEST_F(PackedFaultRings, TheUsedDescriptorThatTheDriverSeesNextIsChanged) {
  arm(Action::used_id, 9);
  arm(Action::used_length, 77);
  descriptor(0)->flags = trace::VIRTQ_DESC_F_AVAIL;
  look();
  EXPECT_TRUE(fired.faults.empty()) << "available, not used";
  use(0, 3);
  look();
  EXPECT_EQ(fired.faults.size(), 2u);
  EXPECT_EQ(descriptor(0)->id, 9);
  EXPECT_EQ(descriptor(0)->length, 77u);
  EXPECT_EQ(descriptor(0)->flags, trace::VIRTQ_DESC_F_AVAIL | trace::VIRTQ_DESC_F_USED);
}

TEST_F(PackedFaultRings, WhatCannotBeSaysSo) {
  use(0, 3);
  arm(Action::used_index, 1);
  look();
  EXPECT_NE(fired.why_not.find("used-index"), std::string::npos);
  arm(Action::status_byte, 1);
  look();
  EXPECT_NE(fired.why_not.find("status-byte"), std::string::npos);
  EXPECT_TRUE(fired.faults.empty());
}

TEST_F(FaultRings, UsedIndexJumpsAndWraps) {
  *used_index() = 0xfffe;
  arm(Action::used_index, 5);
  look();
  EXPECT_EQ(*used_index(), 3u);
}

TEST_F(FaultRings, StatusByteIsTheLastWritableOneOfTheChain) {
  describe(2, {bus_at(0x300), 16, trace::VIRTQ_DESC_F_NEXT, 3});
  describe(3, {bus_at(0x310), 32, trace::VIRTQ_DESC_F_WRITE, 0});
  use(2);
  arm(Action::status_byte, 0x55);
  look();
  EXPECT_EQ(*at<std::uint8_t>(0x310 + 31), 0x55u);
  EXPECT_EQ(*at<std::uint8_t>(0x310 + 30), 0u);
}

TEST_F(FaultRings, StatusByteIsFoundThroughAnIndirectTable) {
  describe(1, {bus_at(0x340), 16, trace::VIRTQ_DESC_F_INDIRECT, 0});
  *at<trace::Descriptor>(0x340) = {bus_at(0x380), 1, trace::VIRTQ_DESC_F_WRITE, 0};
  use(1);
  arm(Action::status_byte, 7);
  look();
  EXPECT_EQ(*at<std::uint8_t>(0x380), 7u);
}

TEST_F(FaultRings, ChainsThatMakeNoSenseAreLeftAlone) {
  const trace::Descriptor bad[] = {
      {bus_at(0x300), 1, trace::VIRTQ_DESC_F_NEXT | trace::VIRTQ_DESC_F_WRITE, 0},  // a loop
      {bus_at(0x300), 1, trace::VIRTQ_DESC_F_NEXT, 99},                             // outside the table
      {~std::uint64_t{0} - 8, 64, trace::VIRTQ_DESC_F_INDIRECT, 0},                 // a table outside RAM
      {~std::uint64_t{0} - 8, 64, trace::VIRTQ_DESC_F_WRITE, 0},                    // data outside RAM
      {bus_at(0x0), 16, trace::VIRTQ_DESC_F_INDIRECT, 0},                           // a table that is itself
  };
  for (const trace::Descriptor& descriptor : bad) {
    describe(0, descriptor);
    use(0);
    arm(Action::status_byte, 7);
    look();
  }
  use(77);  // no descriptor at all
  look();
  EXPECT_TRUE(fired.faults.empty());
}

TEST_F(FaultRings, RingsThatWereFreedAreForgotten) {
  use(1);
  machine.free_dma_buffer(rings);
  arm(Action::used_index, 5);
  look();
  EXPECT_TRUE(fired.faults.empty());
}

TEST(FaultInjector, CountsTheTapsRecordsAndTellsWhatFired) {
  const Plan plan = parse_plan(
      "[[fault]]\non = \"wait\"\nnth = 2\naction = \"spurious-interrupt\"\n"
      "[[fault]]\non = \"doorbell\"\nqueue = 1\naction = \"lost-interrupt\"\nname = \"other\"\n",
      "plan.toml");
  FakeMachine inner;
  FaultyMachine machine(inner);
  trace::MemoryLog log;
  Injector injector(plan, machine, log);
  const trace::Record wait = trace::driver_record(trace::Kind::wait, 0, 0);
  trace::Record device_side = wait;
  device_side.tap = trace::Tap::device;

  injector.append(trace::driver_record(trace::Kind::doorbell, 0, 0));
  injector.append(wait);
  injector.append(device_side);
  EXPECT_FALSE(machine.wait(kVector, 0, 100)) << "one wait was not enough";
  injector.append(wait);
  EXPECT_TRUE(machine.wait(kVector, 0, 100));

  EXPECT_TRUE(injector.any_fired());
  ASSERT_EQ(log.records().size(), 5u);
  EXPECT_EQ(log.records()[4].kind, trace::Kind::dev_fault);
  EXPECT_EQ(log.records()[4].tap, trace::Tap::bench);
  EXPECT_EQ(log.records()[4].value, 1u);
  EXPECT_EQ(log.records()[4].time, 42u);
  const std::vector<FaultCount> counts = injector.counts();
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts[0].fired, 1u);
  EXPECT_EQ(counts[1].name, "other");
  EXPECT_EQ(counts[1].planned, 1u);
  EXPECT_EQ(counts[1].fired, 0u);
}

}  // namespace
}  // namespace ringside::faults
