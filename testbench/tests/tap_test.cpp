// What crosses the hardware interface becomes records, for any driver and against any device.
#include <gtest/gtest.h>

#include <algorithm>

#include "testbench/tests/tap_fixture.h"
#include "testbench/trace/hash.h"
#include "testbench/trace/text.h"

namespace ringside::tests {
namespace {

using trace::Kind;
using trace::Record;

TEST_F(TapTest, ConfigurationAccessCarriesFunctionRegisterAndWidth) {
  tap.out32(0xcf8, 0x8000'2004);
  (void)tap.in16(0xcfe);
  tap.out8(0xcfd, 7);
  const auto reads = all(Kind::config_read);
  const auto writes = all(Kind::config_write);
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].region, kFunction);
  EXPECT_EQ(reads[0].offset, 6u);
  EXPECT_EQ(reads[0].width, 2);
  ASSERT_EQ(writes.size(), 1u);
  EXPECT_EQ(writes[0].offset, 5u);
  EXPECT_EQ(writes[0].value, 7u);
}

TEST_F(TapTest, WithoutTheEnableBitThePortIsAPort) {
  tap.out32(0xcf8, 0x2004);
  (void)tap.in32(0xcfc);
  EXPECT_TRUE(all(Kind::config_read).empty());
  ASSERT_EQ(all(Kind::port_read).size(), 1u);
  EXPECT_EQ(all(Kind::port_read)[0].offset, 0xcfcu);
}

TEST_F(TapTest, StructuresAreFoundFromTheCapabilitiesThatTheDriverReads) {
  (void)tap.mmio_read16(kCommon + 0x12);
  EXPECT_EQ(all(Kind::mmio_read).size(), 1u) << "nothing is known before enumeration";
  enumerate();
  (void)tap.mmio_read16(kCommon + 0x12);
  (void)tap.mmio_read8(kIsr);
  (void)tap.mmio_read32(kDevice + 4);
  (void)tap.mmio_read32(kBar1 + 0x900);
  const auto reads = all(Kind::register_read);
  ASSERT_EQ(reads.size(), 3u);
  EXPECT_EQ(reads[0].region, 1u);
  EXPECT_EQ(reads[0].offset, 0x12u);
  EXPECT_EQ(reads[1].region, 3u);
  EXPECT_EQ(reads[2].region, 4u);
  EXPECT_EQ(all(Kind::mmio_read).back().region, trace::kRegionBar + 1);
  EXPECT_EQ(all(Kind::mmio_read).back().offset, 0x900u);
}

TEST_F(TapTest, StatusAndFeaturesAreRecordsOfTheirOwn) {
  enumerate();
  machine.registers[kCommon + 4] = 0x54;
  for (const std::uint32_t select : {0u, 1u}) {
    tap.mmio_write32(kCommon + 0, select);
    (void)tap.mmio_read32(kCommon + 4);
    tap.mmio_write32(kCommon + 8, select);
    tap.mmio_write32(kCommon + 0xc, select == 0 ? 0x10u : 1u);
  }
  tap.mmio_write8(kCommon + 0x14, 0x0b);
  EXPECT_EQ(tap.mmio_read8(kCommon + 0x14), 0x0b);
  const auto features = all(Kind::features);
  ASSERT_EQ(features.size(), 2u);
  EXPECT_EQ(features[0].value, 0x54'0000'0054u);
  EXPECT_EQ(features[1].flags, 1);
  EXPECT_EQ(features[1].value, 0x1'0000'0010u);
  const auto status = all(Kind::device_status);
  ASSERT_EQ(status.size(), 2u);
  EXPECT_EQ(status[0].flags, 0);
  EXPECT_EQ(status[1].flags, 1);
}

TEST_F(TapTest, QueueAddressesAreNormalised) {
  enumerate();
  const hal::DmaBuffer buffer = tap.alloc_dma_buffer(4096, 64);
  write_address(0x20, hal::raw(buffer.bus) + 0x40);
  const auto writes = all(Kind::register_write);
  ASSERT_EQ(writes.size(), 1u) << "two halves are one write";
  EXPECT_EQ(writes[0].width, 8);
  EXPECT_EQ(writes[0].value, std::uint64_t{1} << 40 | 0x40);
  tap.mmio_write16(kCommon + 0x18, kSize);
  tap.mmio_write16(kCommon + 0x1c, 1);
  ASSERT_EQ(all(Kind::queue_enabled).size(), 1u);
  EXPECT_EQ(all(Kind::queue_enabled)[0].offset, std::uint64_t{1} << 40 | 0x40);
}

TEST_F(TapTest, AQueueAddressOfWhichOnlyOneHalfIsWrittenIsNotLost) {
  enumerate();
  tap.mmio_write32(kCommon + 0x24, 0);
  tap.mmio_write16(kCommon + 0x18, kSize);
  const auto writes = all(Kind::register_write);
  ASSERT_EQ(writes.size(), 2u);
  EXPECT_EQ(writes[0].offset, 0x24u);
  EXPECT_EQ(writes[0].width, 4);
}

TEST_F(TapTest, AnMsixEntryBecomesTheVectorThatItsMessageStandsFor) {
  enumerate();
  const hal::MsiMessage message = tap.msi_message(5);
  tap.mmio_write32(kBar1 + 16, static_cast<std::uint32_t>(message.address));
  tap.mmio_write32(kBar1 + 20, static_cast<std::uint32_t>(message.address >> 32));
  tap.mmio_write32(kBar1 + 24, message.data);
  EXPECT_TRUE(all(Kind::msix_vector).empty()) << "still masked";
  tap.mmio_write32(kBar1 + 28, 0);
  const auto vectors = all(Kind::msix_vector);
  ASSERT_EQ(vectors.size(), 1u);
  EXPECT_EQ(vectors[0].offset, 1u);
  EXPECT_EQ(vectors[0].value, 5u);
}

TEST_F(TapTest, ADoorbellNamesTheQueueByItsPlace) {
  enumerate();
  machine.registers[kCommon + 0x1e] = 2;
  (void)tap.mmio_read16(kCommon + 0x1e);
  tap.mmio_write16(kNotify + 8, 0x55);
  const auto doorbells = all(Kind::doorbell);
  ASSERT_EQ(doorbells.size(), 1u);
  EXPECT_EQ(doorbells[0].queue, 0);
  EXPECT_EQ(doorbells[0].value, 0x55u);
}

TEST_F(TapTest, APublishedChainBecomesARequest) {
  enumerate();
  start_queue();
  write_header(trace::VIRTIO_BLK_T_OUT, 77);
  std::fill_n(bytes(512), 1024, std::uint8_t{0x5a});
  // The header split over two descriptors: a device assumes nothing about the layout.
  describe(3, hal::raw(data.bus), 4, 1, 4);
  describe(4, hal::raw(data.bus) + 4, 12, 1, 5);
  describe(5, hal::raw(data.bus) + 512, 1024, 1, 6);
  describe(6, hal::raw(data.bus) + 4096, 1, 2);
  publish(3);
  ASSERT_EQ(all(Kind::avail_publish).size(), 1u);
  const auto requests = all(Kind::request);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].flags, trace::VIRTIO_BLK_T_OUT);
  EXPECT_EQ(requests[0].offset, 77u);
  EXPECT_EQ(requests[0].length, 1024u);
  EXPECT_EQ(requests[0].hash, trace::hash_bytes(bytes(512), 1024));
  EXPECT_EQ(requests[0].aux, 4u | 1u << 17);
}

TEST_F(TapTest, AnIndirectTableIsFollowed) {
  enumerate();
  start_queue();
  write_header(trace::VIRTIO_BLK_T_IN, 9);
  const trace::Descriptor table[3] = {
      {hal::raw(data.bus), 16, 1, 1}, {hal::raw(data.bus) + 512, 512, 3, 2}, {hal::raw(data.bus) + 4096, 1, 2, 0}};
  std::memcpy(bytes(2048), table, sizeof table);
  describe(7, hal::raw(data.bus) + 2048, sizeof table, 4);
  publish(7);
  const auto requests = all(Kind::request);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].length, 512u);
  EXPECT_EQ(requests[0].aux, 3u | 1u << 16 | 513u << 17);
}

TEST_F(TapTest, ChainsThatMakeNoSenseAreRecordedAsSuch) {
  enumerate();
  start_queue();
  describe(0, hal::raw(data.bus), 16, 1, 0);  // a loop
  publish(0);
  publish(kSize);                              // no such descriptor
  describe(1, hal::raw(data.bus), 16, 1, 99);  // leads out of the table
  publish(1);
  describe(2, hal::raw(data.bus), 32, 4);  // an indirect table
  const trace::Descriptor nested{hal::raw(data.bus), 32, 4, 0};
  std::memcpy(data.cpu, &nested, sizeof nested);
  publish(2);
  describe(3, 0x1234, 64, 4);  // a table outside all DMA memory
  publish(3);
  const auto requests = all(Kind::request);
  ASSERT_EQ(requests.size(), 5u);
  for (std::uint32_t i = 0; i < 5; ++i) {
    EXPECT_EQ(requests[i].flags, trace::kSenseless);
    EXPECT_EQ(requests[i].ordinal, i);
  }
}

TEST_F(TapTest, ADescriptorOutsideDmaMemoryIsNotRead) {
  enumerate();
  start_queue();
  write_header(trace::VIRTIO_BLK_T_OUT, 1);
  describe(0, hal::raw(data.bus), 16, 1, 1);
  describe(1, 0x10, 512, 1, 2);
  describe(2, 0x20, 1, 2);
  publish(0);
  use(0, 1);
  (void)look();
  ASSERT_EQ(all(Kind::request).size(), 1u);
  EXPECT_EQ(all(Kind::request)[0].hash, 0u);
  EXPECT_EQ(all(Kind::completion).size(), 1u);
}

TEST_F(TapTest, ACompletionIsTakenFromTheChainAsPublished) {
  enumerate();
  start_queue();
  describe_read(5);
  publish(0);
  for (std::uint16_t i = 0; i < kSize; ++i) {
    describe(i, 0xdead'0000, 0xffff'ffff, 7, 0xffff);  // whatever the table says now
  }
  std::fill_n(bytes(512), 512, std::uint8_t{0x33});
  *bytes(4096) = 1;
  use(0, 513);
  EXPECT_EQ(look(), 1);
  const auto completions = all(Kind::completion);
  ASSERT_EQ(completions.size(), 1u);
  EXPECT_EQ(completions[0].ordinal, 0u);
  EXPECT_EQ(completions[0].value, 1u);
  EXPECT_EQ(completions[0].length, 513u);
  EXPECT_EQ(completions[0].aux, 513u);
  EXPECT_EQ(completions[0].hash, trace::hash_bytes(bytes(512), 512));
}

TEST_F(TapTest, AUsedElementThatNamesNothingIsRecordedAsSuch) {
  enumerate();
  start_queue();
  describe_read(5);
  publish(0);
  use(0, 1);
  use(0, 1);            // the same again
  use(0x1'0000'0, 99);  // out of range
  (void)look();
  const auto completions = all(Kind::completion);
  ASSERT_EQ(completions.size(), 3u);
  EXPECT_EQ(completions[0].ordinal, 0u);
  EXPECT_EQ(completions[1].ordinal, trace::kNoOrdinal);
  EXPECT_EQ(completions[2].ordinal, trace::kNoOrdinal);
  EXPECT_EQ(completions[2].offset, 0x10'0000u);
}

TEST_F(TapTest, AnIndexThatJumpsFurtherThanTheRingReadsNothing) {
  enumerate();
  start_queue();
  set_used_index(1000);
  (void)look();
  EXPECT_TRUE(all(Kind::completion).empty());
  ASSERT_EQ(all(Kind::used_seen).size(), 1u);
  EXPECT_EQ(all(Kind::used_seen)[0].length, 1000u);
}

TEST_F(TapTest, LooksAreAnnouncedAndThoseThatFindNothingAreOneRecord) {
  enumerate();
  start_queue();
  for (int i = 0; i < 5; ++i) {
    (void)look();
  }
  EXPECT_EQ(hooks.looks, 5u);
  EXPECT_EQ(all(Kind::used_seen).size(), 1u);
  describe_read(1);
  publish(0);
  use(0, 513);
  (void)look();
  ASSERT_EQ(all(Kind::used_seen).size(), 2u);
  EXPECT_EQ(all(Kind::used_seen)[1].ordinal, 5u) << "says how many found nothing";
}

TEST_F(TapTest, IndicesWrap) {
  enumerate();
  start_queue();
  describe_read(1);
  for (std::uint32_t i = 0; i < 70'000; ++i) {
    publish(0);
    use(0, 513);
    (void)look();
  }
  const Record last = all(Kind::completion).back();
  EXPECT_EQ(all(Kind::completion).size(), 70'000u);
  EXPECT_EQ(last.ordinal, 69'999u);
  EXPECT_EQ(all(Kind::used_seen).back().aux, 70'000u);
}

TEST_F(TapTest, AResetQueueIsWatchedNoLonger) {
  enumerate();
  start_queue();
  tap.mmio_write16(kCommon + 0x3a, 1);
  describe_read(1);
  publish(0);
  EXPECT_EQ(all(Kind::queue_disabled).size(), 1u);
  EXPECT_TRUE(all(Kind::request).empty());
}

TEST_F(TapTest, RingsThatAreFreedWhileLiveAreNotReadAgain) {
  enumerate();
  start_queue();
  tap.free_dma_buffer(used);
  publish(0);
  EXPECT_TRUE(all(Kind::request).empty());
}

TEST_F(TapTest, AStrayWriteIsSeenAtTheNextCompletion) {
  enumerate();
  start_queue();
  describe_read(1);
  publish(0);
  bytes(0)[8192 + 3] = 1;
  use(0, 513);
  (void)look();
  const auto guards = all(Kind::guard);
  ASSERT_EQ(guards.size(), 1u);
  EXPECT_EQ(guards[0].offset, 8195u);
  EXPECT_EQ(guards[0].value, 1u);
  EXPECT_EQ(guards[0].length, 1u);
  EXPECT_EQ(tap.check_guards(), 1u);
  EXPECT_EQ(all(Kind::guard).size(), 1u) << "told once";
}

TEST_F(TapTest, AStrayWriteIsSeenAtFreeAndBeforeTheBuffer) {
  const hal::DmaBuffer buffer = tap.alloc_dma_buffer(100, 4096);
  static_cast<std::uint8_t*>(buffer.cpu)[-4096] ^= 0xff;
  tap.free_dma_buffer(buffer);
  ASSERT_EQ(all(Kind::guard).size(), 1u);
  EXPECT_EQ(static_cast<std::int64_t>(all(Kind::guard)[0].offset), -4096);
  EXPECT_EQ(tap.check_guards(), 1u);
  EXPECT_TRUE(machine.buffers.empty()) << "the machine got its own buffer back";
}

TEST_F(TapTest, GuardsAreNoDmaMemoryToTheDriver) {
  const hal::DmaBuffer buffer = tap.alloc_dma_buffer(64, 64);
  auto* const cpu = static_cast<std::uint8_t*>(buffer.cpu);
  EXPECT_EQ(hal::raw(buffer.bus) % 64, 0u);
  EXPECT_TRUE(std::all_of(cpu, cpu + 64, [](std::uint8_t byte) { return byte == 0; }));
  EXPECT_EQ(tap.map(cpu, 65, hal::DmaDirection::both), hal::kInvalidBusAddress);
  EXPECT_EQ(tap.virt_to_phys(cpu - 1), hal::kInvalidBusAddress);
  EXPECT_EQ(tap.virt_to_phys(cpu + 63), buffer.bus + 63);
  const hal::BusAddress bus = tap.map(cpu + 8, 56, hal::DmaDirection::to_device);
  EXPECT_EQ(bus, buffer.bus + 8);
  EXPECT_EQ(all(Kind::dma_map).back().region, trace::kRegionDma + 1);
  EXPECT_EQ(all(Kind::dma_map).back().offset, 8u);
}

TEST_F(TapTest, InterruptsAreRecordedWhenTheCounterMoves) {
  (void)tap.interrupts(3);
  machine.counters[3] = 2;
  (void)tap.interrupts(3);
  (void)tap.interrupts(3);
  EXPECT_TRUE(tap.wait(3, 2, 100));
  const auto interrupts = all(Kind::interrupt);
  ASSERT_EQ(interrupts.size(), 2u);
  EXPECT_EQ(interrupts[0].value, 2u);
  EXPECT_EQ(interrupts[1].value, 3u);
  machine.wakes = false;
  EXPECT_FALSE(tap.wait(3, 3, 1'000'000));
  EXPECT_EQ(all(Kind::wait_timeout).size(), 1u);
}

TEST_F(TapTest, PollingIsOneRecord) {
  tap.relax(10);
  tap.relax(20);
  EXPECT_EQ(all(Kind::relax).size(), 1u);
  EXPECT_EQ(machine.time, 20u);
}

TEST_F(TapTest, ALoopThatNeverRelaxesIsEnded) {
  enumerate();
  start_queue();
  for (int i = 0; i < 999; ++i) {
    (void)look();
  }
  tap.relax(0);
  const auto spin = [&] {
    for (int i = 0; i < 1001; ++i) {
      (void)look();
    }
  };
  EXPECT_THROW(spin(), Spun);
}

TEST_F(TapTest, TheDriversLogGoesThroughInPieces) {
  const std::string line(100, 'x');
  tap.log(line.data(), line.size());
  ASSERT_EQ(machine.lines.size(), 1u);
  std::size_t pieces = 0;
  EXPECT_EQ(trace::text_at(log.records(), 1, &pieces), line);
  EXPECT_EQ(pieces, 3u);
}

TEST_F(TapTest, AccessesAreRecordedOnlyWhenAskedFor) {
  trace::MemoryLog accesses;
  trace::DriverTap other(machine, accesses, hooks, trace::TapOptions{.accesses = true, .spin_limit = 1000});
  const hal::DmaBuffer buffer = other.alloc_dma_buffer(16, 16);
  const hal::Observed observed(other);
  observed.store(static_cast<std::uint32_t*>(buffer.cpu) + 1, 7u);
  (void)observed.load(static_cast<std::uint32_t*>(buffer.cpu) + 1);
  ASSERT_EQ(accesses.records().size(), 3u);
  EXPECT_EQ(accesses.records()[1].flags, 1);
  EXPECT_EQ(accesses.records()[1].offset, 4u);
  EXPECT_EQ(accesses.records()[2].value, 7u);
}

}  // namespace
}  // namespace ringside::tests
