// Ways to a device besides BARs of one modern function: several devices, the memory-mapped configuration space, the
// window in configuration space, the legacy interface, translated addresses.
#include <gtest/gtest.h>

#include "testbench/tests/tap_fixture.h"

namespace ringside::tests {
namespace {

using trace::Kind;
using trace::Record;
using trace::Structure;

class TapAccessTest : public TapTest {
 protected:
  static constexpr std::uint32_t kSecond = 5 << 3 | 1;

  void add_second(std::uint64_t bar4) {
    machine.functions[kSecond] = machine.functions[kFunction];
    select(kSecond);
    for (unsigned offset = 0; offset < 0xa4; offset += 4) {
      (void)read_config(kSecond, offset);
    }
    write_config(kSecond, 0x20, static_cast<std::uint32_t>(bar4));
    write_config(kSecond, 0x24, 0);
  }
  void select(std::uint32_t function, unsigned offset = 0) {
    tap.out32(0xcf8, 0x8000'0000 | function << 8 | (offset & 0xfc));
  }
  std::uint32_t read_config(std::uint32_t function, unsigned offset) {
    select(function, offset);
    return tap.in32(0xcfc);
  }
  void write_config(std::uint32_t function, unsigned offset, std::uint32_t value) {
    select(function, offset);
    tap.out32(0xcfc, value);
  }
};

// --- Several devices

TEST_F(TapAccessTest, EachDeviceHasItsUnitInTheOrderOfDiscovery) {
  enumerate();
  add_second(0xe001'0000);
  log.clear();
  (void)tap.mmio_read8(kCommon + 0x14);
  (void)tap.mmio_read8(0xe001'0014);
  const auto status = all(Kind::device_status);
  ASSERT_EQ(status.size(), 2u);
  EXPECT_EQ(status[0].unit, 0);
  EXPECT_EQ(status[1].unit, 1);
}

TEST_F(TapAccessTest, QueuesOfSeveralDevicesAreKeptApart) {
  enumerate();
  add_second(0xe001'0000);
  start_queue();
  const hal::DmaBuffer first_used = used;
  const hal::DmaBuffer rings = tap.alloc_dma_buffer(4096, 4096);
  const std::uint64_t base = 0xe001'0000;
  tap.mmio_write16(base + 0x16, 3);
  tap.mmio_write16(base + 0x18, kSize);
  for (unsigned ring = 0; ring < 3; ++ring) {
    tap.mmio_write32(base + 0x20 + 8 * ring, static_cast<std::uint32_t>(hal::raw(rings.bus) + 1024 * ring));
    tap.mmio_write32(base + 0x24 + 8 * ring, static_cast<std::uint32_t>(hal::raw(rings.bus) >> 32));
  }
  tap.mmio_write16(base + 0x1c, 1);
  log.clear();
  used = {static_cast<std::uint8_t*>(rings.cpu) + 2048, rings.bus, 1024};
  (void)look();
  EXPECT_EQ(hooks.unit, 1);
  EXPECT_EQ(hooks.queue, 3);
  ASSERT_EQ(all(Kind::used_seen).size(), 1u);
  EXPECT_EQ(all(Kind::used_seen)[0].unit, 1);
  EXPECT_EQ(all(Kind::used_seen)[0].queue, 3);
  used = first_used;
  (void)look();
  EXPECT_EQ(hooks.unit, 0);
  tap.mmio_write8(base + 0x14, 0);
  log.clear();
  (void)look();
  EXPECT_EQ(all(Kind::used_seen).size(), 0u) << "nothing new, as before";
  EXPECT_EQ(hooks.looks, 3u) << "a reset of the other device leaves this queue live";
}

// --- ECAM

TEST_F(TapAccessTest, MemoryMappedConfigurationSpaceGivesTheSameRecords) {
  machine.functions[0].set(0, 4, 0x29c0'8086);
  machine.functions[0].set_writable(0x60, 8, ~std::uint64_t{0});
  (void)read_config(0, 0);
  write_config(0, 0x64, 0);
  write_config(0, 0x60, 0xb000'0001);
  log.clear();
  machine.registers[0xb000'0000 + (kFunction << 12) + 0x104] = 0x17;
  (void)tap.mmio_read32(0xb000'0000 + (kFunction << 12) + 0x104);
  tap.mmio_write16(0xb010'0000 + (kFunction << 12) + 4, 7);
  const auto reads = all(Kind::config_read);
  const auto writes = all(Kind::config_write);
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].region, kFunction);
  EXPECT_EQ(reads[0].offset, 0x104u);
  EXPECT_EQ(reads[0].value, 0x17u);
  ASSERT_EQ(writes.size(), 1u);
  EXPECT_EQ(writes[0].region, 1u << 8 | kFunction);
  EXPECT_EQ(writes[0].width, 2);
  write_config(0, 0x60, 0xb000'0000);
  log.clear();
  (void)tap.mmio_read32(0xb000'0000);
  EXPECT_TRUE(all(Kind::config_read).empty()) << "switched off again";
}

// --- The window in configuration space

class WindowTest : public TapAccessTest {
 protected:
  WindowTest() {
    machine.functions[kFunction].set_writable(0x88, 1, 0xff);
    machine.functions[kFunction].set_writable(0x8c, 4, 0xffff'ffff);
    machine.functions[kFunction].set_writable(0x90, 4, 0xffff'ffff);
    machine.functions[kFunction].set_writable(0x94, 4, 0xffff'ffff);
    enumerate();
  }
  void point(std::uint32_t offset, std::uint32_t length) {
    write_config(kFunction, 0x88, 4);
    write_config(kFunction, 0x8c, offset);
    write_config(kFunction, 0x90, length);
    log.clear();
  }
};

TEST_F(WindowTest, ItsAccessesAreThoseOfTheStructureToo) {
  point(0x14, 1);
  machine.functions[kFunction].set(0x94, 4, 0xb);
  (void)read_config(kFunction, 0x94);
  const auto status = all(Kind::device_status);
  ASSERT_EQ(status.size(), 1u);
  EXPECT_EQ(status[0].value, 0xbu);
  ASSERT_EQ(all(Kind::config_read).size(), 1u);
  EXPECT_EQ(all(Kind::config_read)[0].flags, 1);
  point(0x3004, 2);
  write_config(kFunction, 0x94, 1);
  ASSERT_EQ(all(Kind::doorbell).size(), 1u);
  EXPECT_EQ(all(Kind::doorbell)[0].width, 2);
}

TEST_F(WindowTest, ItNeedsNoBarThatIsAssigned) {
  write_config(kFunction, 0x20, 0);
  point(0x12, 2);
  machine.functions[kFunction].set(0x94, 4, 0xdead'0003);
  (void)read_config(kFunction, 0x94);
  const auto reads = all(Kind::register_read);
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].offset, 0x12u);
  EXPECT_EQ(reads[0].value, 3u) << "as wide as the window says";
}

TEST_F(WindowTest, PointedAtNothingItIsConfigurationSpace) {
  point(0x9000, 4);
  (void)read_config(kFunction, 0x94);
  EXPECT_TRUE(all(Kind::register_read).empty());
  EXPECT_EQ(all(Kind::config_read)[0].flags, 0);
}

// --- The legacy interface

class LegacyTapTest : public TapAccessTest {
 protected:
  static constexpr std::uint16_t kPorts = 0xc000;

  LegacyTapTest() {
    // A page number has 32 bits.
    machine.bus_base = std::uint64_t{0} - (reinterpret_cast<std::uintptr_t>(&machine) & ~std::uint64_t{0xff'ffff'ffff});
    FakeFunction& function = machine.functions[kFunction];
    function.set(0x10, 4, 1);
    function.set_writable(0x10, 4, 0xffff'ff80);
    function.set_writable(0x9a, 2, 0xc000);
    enumerate();
    config_write(0x10, 0xffff'ffff);
    (void)config_read(0x10);
    config_write(0x10, kPorts);
    (void)config_read(0x10);
    log.clear();
  }
  void enable_msix(bool on) { write_config(kFunction, 0x98, on ? 0x8001'8411 : 0x0001'8411); }
};

TEST_F(LegacyTapTest, StatusFeaturesAndQueuesAreTheSameRecordsAsOfAModernDevice) {
  machine.port_words[kPorts + 0] = 0x3000'0000;
  machine.port_words[kPorts + 0xc] = 16;
  (void)tap.in32(kPorts + 0);
  tap.out32(kPorts + 4, 0x2000'0000);
  tap.out8(kPorts + 0x12, 3);
  const hal::DmaBuffer rings = tap.alloc_dma_buffer(8192, 4096);
  tap.out16(kPorts + 0xe, 2);
  (void)tap.in16(kPorts + 0xc);
  tap.out32(kPorts + 8, static_cast<std::uint32_t>(hal::raw(rings.bus) >> 12));
  tap.out16(kPorts + 0x10, 2);
  const auto features = all(Kind::features);
  ASSERT_EQ(features.size(), 2u);
  EXPECT_EQ(features[0].value, 0x3000'0000u);
  EXPECT_EQ(features[1].value, 0x2000'0000u);
  EXPECT_EQ(features[1].flags, 1);
  ASSERT_EQ(all(Kind::device_status).size(), 1u);
  const auto enabled = all(Kind::queue_enabled);
  ASSERT_EQ(enabled.size(), 1u);
  EXPECT_EQ(enabled[0].queue, 2);
  EXPECT_EQ(enabled[0].value, 16u);
  EXPECT_EQ(enabled[0].flags, 1);
  EXPECT_EQ(enabled[0].offset, std::uint64_t{1} << 40);
  EXPECT_EQ(enabled[0].length, (std::uint64_t{1} << 40) + 256);
  EXPECT_EQ(enabled[0].aux, (std::uint64_t{1} << 40) + 4096) << "on the next page";
  ASSERT_EQ(all(Kind::doorbell).size(), 1u);
  EXPECT_EQ(all(Kind::doorbell)[0].queue, 2);
  // The queue is watched.
  used = {static_cast<std::uint8_t*>(rings.cpu) + 4096, rings.bus, 4096};
  (void)look();
  EXPECT_EQ(hooks.queue, 2);
  EXPECT_EQ(hooks.looks, 1u);
  tap.out32(kPorts + 8, 0);
  EXPECT_EQ(all(Kind::queue_disabled).size(), 1u);
  (void)look();
  EXPECT_EQ(hooks.looks, 1u);
}

TEST_F(LegacyTapTest, TheDevicesConfigurationMovesWithMsix) {
  (void)tap.in32(kPorts + 0x14);
  enable_msix(true);
  (void)tap.in16(kPorts + 0x14);
  (void)tap.in32(kPorts + 0x18);
  enable_msix(false);
  (void)tap.in32(kPorts + 0x18);
  const auto reads = all(Kind::register_read);
  ASSERT_EQ(reads.size(), 4u);
  EXPECT_EQ(reads[0].region, static_cast<std::uint32_t>(Structure::device));
  EXPECT_EQ(reads[0].offset, 0u);
  EXPECT_EQ(reads[1].region, static_cast<std::uint32_t>(Structure::legacy));
  EXPECT_EQ(reads[1].offset, 0x14u) << "the configuration's vector";
  EXPECT_EQ(reads[2].region, static_cast<std::uint32_t>(Structure::device));
  EXPECT_EQ(reads[2].offset, 0u);
  EXPECT_EQ(reads[3].offset, 4u);
}

TEST_F(LegacyTapTest, TheIsrIsTheStructureThatItIsElsewhere) {
  (void)tap.in8(kPorts + 0x13);
  ASSERT_EQ(all(Kind::register_read).size(), 1u);
  EXPECT_EQ(all(Kind::register_read)[0].region, static_cast<std::uint32_t>(Structure::isr));
}

// --- Translated addresses

TEST_F(TapAccessTest, AMappingElsewhereIsFollowedToItsBuffer) {
  enumerate();
  start_queue();
  machine.translation = 0x77'0000'0000;
  const hal::BusAddress header = tap.map(data.cpu, 16, hal::DmaDirection::to_device);
  ASSERT_NE(hal::raw(header), hal::raw(data.bus));
  EXPECT_EQ(all(Kind::dma_map).back().region, trace::kRegionDma + 4);
  write_header(trace::VIRTIO_BLK_T_FLUSH, 0);
  describe(0, hal::raw(header), 16, 1, 1);
  describe(1, hal::raw(data.bus) + 4096, 1, 2);
  publish(0);
  ASSERT_EQ(all(Kind::request).size(), 1u);
  EXPECT_EQ(all(Kind::request)[0].flags, trace::VIRTIO_BLK_T_FLUSH);
  tap.unmap(header, 16, hal::DmaDirection::to_device);
  EXPECT_EQ(all(Kind::dma_unmap).back().region, trace::kRegionDma + 4);
  publish(0);
  EXPECT_EQ(all(Kind::request).back().flags, trace::kSenseless) << "the mapping is gone";
}

TEST_F(TapAccessTest, AFunctionLevelResetEndsItsQueues) {
  machine.functions[kFunction].set(0x34, 1, 0xb0);
  machine.functions[kFunction].set(0xb0, 4, 0x0002'9810);
  enumerate();
  (void)config_read(0xb0);
  start_queue();
  (void)look();
  EXPECT_EQ(hooks.looks, 1u);
  write_config(kFunction, 0xb8, 0x8000);
  (void)look();
  EXPECT_EQ(hooks.looks, 1u);
}

}  // namespace
}  // namespace ringside::tests
