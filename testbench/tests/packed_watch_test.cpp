// A packed ring, seen by the tap: the same records as of a split one.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "testbench/tests/tap_fixture.h"

namespace ringside::tests {
namespace {

using trace::Kind;
using trace::PackedDescriptor;
using trace::Record;

constexpr std::uint64_t kPacked = std::uint64_t{1} << 34 | std::uint64_t{1} << 32;
constexpr std::uint64_t kInOrder = std::uint64_t{1} << 35;

class PackedWatchTest : public TapTest {
 protected:
  // Queue 0 of a device that has accepted `features`.
  void start(std::uint64_t features = kPacked) {
    enumerate();
    for (const std::uint32_t half : {0u, 1u}) {
      tap.mmio_write32(kCommon + 0x8, half);
      tap.mmio_write32(kCommon + 0xc, static_cast<std::uint32_t>(features >> (32 * half)));
    }
    ring = tap.alloc_dma_buffer(16 * kSize, 16);
    driver_area = tap.alloc_dma_buffer(4, 4);
    device_area = tap.alloc_dma_buffer(4, 4);
    data = tap.alloc_dma_buffer(8192, 512);
    tap.mmio_write16(kCommon + 0x16, 0);
    tap.mmio_write16(kCommon + 0x18, kSize);
    write_address(0x20, hal::raw(ring.bus));
    write_address(0x28, hal::raw(driver_area.bus));
    write_address(0x30, hal::raw(device_area.bus));
    tap.mmio_write16(kCommon + 0x1c, 1);
    log.clear();
  }

  [[nodiscard]] PackedDescriptor* at(unsigned place) const { return static_cast<PackedDescriptor*>(ring.cpu) + place; }
  static std::uint16_t available(bool wrap, std::uint16_t flags = 0) {
    return static_cast<std::uint16_t>(flags | (wrap ? trace::VIRTQ_DESC_F_AVAIL : trace::VIRTQ_DESC_F_USED));
  }
  // Everything but the flags, which the driver writes last.
  void fill(unsigned place, std::uint64_t offset, std::uint32_t length, std::uint16_t id) const {
    at(place)->address = hal::raw(data.bus) + offset;
    at(place)->length = length;
    at(place)->id = id;
  }
  void set_flags(unsigned place, std::uint16_t flags) { memory.store(&at(place)->flags, flags); }

  // A flush of header and status, at two places from `place` on.
  void publish_flush(unsigned place, std::uint16_t id, bool wrap = true) {
    write_header(trace::VIRTIO_BLK_T_FLUSH, 0);
    fill(place, 0, 16, id);
    fill(place + 1, 4096, 1, id);
    set_flags(place + 1, available(wrap, trace::VIRTQ_DESC_F_WRITE));
    set_flags(place, available(wrap, trace::VIRTQ_DESC_F_NEXT));
  }
  // The device's answer.
  void use(unsigned place, std::uint16_t id, std::uint32_t length, bool wrap = true) const {
    at(place)->id = id;
    at(place)->length = length;
    at(place)->flags = wrap ? std::uint16_t{trace::VIRTQ_DESC_F_AVAIL | trace::VIRTQ_DESC_F_USED} : std::uint16_t{0};
  }
  void look_at(unsigned place) { (void)memory.load(&at(place)->flags); }

  hal::DmaBuffer ring, driver_area, device_area;
};

TEST_F(PackedWatchTest, AListBecomesOneRequestWhenItsFirstFlagsAreWritten) {
  start();
  write_header(trace::VIRTIO_BLK_T_OUT, 77);
  std::fill_n(bytes(512), 1024, std::uint8_t{0x5a});
  fill(0, 0, 16, 5);
  fill(1, 512, 1024, 5);
  fill(2, 4096, 1, 5);
  set_flags(1, available(true, trace::VIRTQ_DESC_F_NEXT));
  set_flags(2, available(true, trace::VIRTQ_DESC_F_WRITE));
  EXPECT_TRUE(all(Kind::request).empty()) << "its first descriptor is not available yet";
  set_flags(0, available(true, trace::VIRTQ_DESC_F_NEXT));
  ASSERT_EQ(all(Kind::avail_publish).size(), 1u);
  EXPECT_EQ(all(Kind::avail_publish)[0].value, 0x8003u) << "place 3, wrap counter 1";
  EXPECT_EQ(all(Kind::avail_publish)[0].length, 1u);
  const auto requests = all(Kind::request);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].flags, trace::VIRTIO_BLK_T_OUT);
  EXPECT_EQ(requests[0].offset, 77u);
  EXPECT_EQ(requests[0].length, 1024u);
  EXPECT_EQ(requests[0].aux, 3u | 1u << 17);
}

TEST_F(PackedWatchTest, ListsWrittenBehindAHeldBackOneArePublishedTogether) {
  start();
  write_header(trace::VIRTIO_BLK_T_FLUSH, 0);
  fill(0, 0, 16, 1);
  fill(1, 4096, 1, 1);
  set_flags(1, available(true, trace::VIRTQ_DESC_F_WRITE));
  publish_flush(2, 2);
  EXPECT_TRUE(all(Kind::avail_publish).empty());
  set_flags(0, available(true, trace::VIRTQ_DESC_F_NEXT));
  ASSERT_EQ(all(Kind::avail_publish).size(), 1u);
  EXPECT_EQ(all(Kind::avail_publish)[0].length, 2u);
  EXPECT_EQ(all(Kind::request).size(), 2u);
}

TEST_F(PackedWatchTest, AnIndirectTableIsReadInItsOrder) {
  start();
  write_header(trace::VIRTIO_BLK_T_IN, 9);
  auto* const table = reinterpret_cast<PackedDescriptor*>(bytes(1024));
  table[0] = {hal::raw(data.bus), 16, 0, 0};
  table[1] = {hal::raw(data.bus) + 2048, 512, 0, trace::VIRTQ_DESC_F_WRITE};
  table[2] = {hal::raw(data.bus) + 4096, 1, 0, trace::VIRTQ_DESC_F_WRITE};
  fill(0, 1024, 48, 3);
  set_flags(0, available(true, trace::VIRTQ_DESC_F_INDIRECT));
  const auto requests = all(Kind::request);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].flags, trace::VIRTIO_BLK_T_IN);
  EXPECT_EQ(requests[0].aux, 3u | 1u << 16 | 513u << 17);
  EXPECT_EQ(all(Kind::avail_publish)[0].value, 0x8001u);
}

TEST_F(PackedWatchTest, AnIndirectTableInsideAListIsSenseless) {
  start();
  fill(0, 1024, 48, 3);
  fill(1, 4096, 1, 3);
  set_flags(1, available(true, trace::VIRTQ_DESC_F_WRITE));
  set_flags(0, available(true, trace::VIRTQ_DESC_F_INDIRECT | trace::VIRTQ_DESC_F_NEXT));
  ASSERT_EQ(all(Kind::request).size(), 1u);
  EXPECT_EQ(all(Kind::request)[0].flags, trace::kSenseless);
}

TEST_F(PackedWatchTest, AListThatNeverEndsIsCutOffAtTheSizeOfTheRing) {
  start();
  for (unsigned place = kSize; place-- > 0;) {
    fill(place, 0, 16, 0);
    set_flags(place, available(true, trace::VIRTQ_DESC_F_NEXT));
  }
  ASSERT_EQ(all(Kind::request).size(), 1u);
  EXPECT_EQ(all(Kind::request)[0].flags, trace::kSenseless);
}

TEST_F(PackedWatchTest, TheFlagsOfTheNextUsedPlaceAreWhatTellsOfCompletions) {
  start();
  publish_flush(0, 7);
  look_at(0);
  look_at(0);
  EXPECT_EQ(hooks.looks, 2u);
  ASSERT_EQ(all(Kind::used_seen).size(), 1u) << "looks that find nothing are one record";
  EXPECT_EQ(all(Kind::used_seen)[0].length, 0u);
  *bytes(4096) = 0;
  use(0, 7, 1);
  look_at(1);
  EXPECT_TRUE(all(Kind::completion).empty()) << "that place belongs to the first list";
  look_at(0);
  const auto completions = all(Kind::completion);
  ASSERT_EQ(completions.size(), 1u);
  EXPECT_EQ(completions[0].ordinal, 0u);
  EXPECT_EQ(completions[0].flags, trace::VIRTIO_BLK_T_FLUSH);
  EXPECT_EQ(completions[0].length, 1u);
  EXPECT_EQ(all(Kind::used_seen).back().value, 0x8002u) << "past both places of the list";
  EXPECT_EQ(all(Kind::used_seen).back().ordinal, 2u);
}

TEST_F(PackedWatchTest, AfterAWholeTurnTheWrapCountersFlip) {
  start();
  for (unsigned lap = 0; lap < 3; ++lap) {
    const bool wrap = lap % 2 == 0;
    for (unsigned place = 0; place < kSize; place += 2) {
      publish_flush(place, static_cast<std::uint16_t>(place), wrap);
      use(place, static_cast<std::uint16_t>(place), 1, wrap);
      look_at(place);
    }
    EXPECT_EQ(all(Kind::completion).size(), (lap + 1) * kSize / 2);
    EXPECT_EQ(all(Kind::avail_publish).back().value, wrap ? 0u : 0x8000u);
  }
  for (const Record& completion : all(Kind::completion)) {
    EXPECT_NE(completion.ordinal, trace::kNoOrdinal);
  }
}

TEST_F(PackedWatchTest, CompletionsOutOfOrderAreKnownByTheirId) {
  start();
  publish_flush(0, 1);
  publish_flush(2, 2);
  use(0, 2, 1);
  use(2, 1, 1);
  look_at(0);
  look_at(2);
  const auto completions = all(Kind::completion);
  ASSERT_EQ(completions.size(), 2u);
  EXPECT_EQ(completions[0].ordinal, 1u);
  EXPECT_EQ(completions[1].ordinal, 0u);
}

TEST_F(PackedWatchTest, AnIdThatIsNotInFlightIsRecordedAndHarmless) {
  start();
  publish_flush(0, 1);
  use(0, 9, 1);
  look_at(0);
  ASSERT_EQ(all(Kind::completion).size(), 1u);
  EXPECT_EQ(all(Kind::completion)[0].ordinal, trace::kNoOrdinal);
  EXPECT_EQ(all(Kind::completion)[0].offset, 9u);
}

TEST_F(PackedWatchTest, InOrderOneUsedDescriptorStandsForAllUpToItsList) {
  start(kPacked | kInOrder);
  publish_flush(0, 1);
  publish_flush(2, 2);
  publish_flush(4, 3);
  use(0, 2, 1);
  look_at(0);
  EXPECT_EQ(all(Kind::used_seen).back().length, 2u);
  EXPECT_EQ(all(Kind::used_seen).back().value, 0x8004u) << "the next one lies behind both";
  const auto completions = all(Kind::completion);
  ASSERT_EQ(completions.size(), 2u);
  EXPECT_EQ(completions[0].ordinal, 0u);
  EXPECT_EQ(completions[0].width, 1) << "its length is not told";
  EXPECT_EQ(completions[1].ordinal, 1u);
  EXPECT_EQ(completions[1].width, 0);
}

TEST_F(PackedWatchTest, TheDriversEventAreaSuppressesInterrupts) {
  start();
  auto* const area = static_cast<std::uint32_t*>(driver_area.cpu);
  memory.store(area, std::uint32_t{0x0002'8003});
  memory.store(static_cast<std::uint16_t*>(driver_area.cpu) + 1, std::uint16_t{1});
  ASSERT_EQ(all(Kind::used_event).size(), 1u);
  EXPECT_EQ(all(Kind::used_event)[0].value, 0x8003u);
  const auto flags = all(Kind::avail_flags);
  ASSERT_EQ(flags.size(), 2u);
  EXPECT_EQ(flags[0].value, trace::RING_EVENT_FLAGS_DESC);
  EXPECT_EQ(flags[1].value, trace::RING_EVENT_FLAGS_DISABLE);
}

using SplitWatchTest = TapTest;

TEST_F(SplitWatchTest, OnASplitRingInOrderOneElementStandsForAllUpToItsChain) {
  enumerate();
  tap.mmio_write32(kCommon + 0x8, 1);
  tap.mmio_write32(kCommon + 0xc, static_cast<std::uint32_t>(kInOrder >> 32));
  start_queue();
  describe_read(1);
  for (const std::uint16_t head : std::array<std::uint16_t, 3>{0, 3, 4}) {
    describe(head, hal::raw(data.bus), 16, 1, 1);
    publish(head);
  }
  use(3, 513);
  set_used_index(2);
  (void)look();
  const auto completions = all(Kind::completion);
  ASSERT_EQ(completions.size(), 2u);
  EXPECT_EQ(completions[0].ordinal, 0u);
  EXPECT_EQ(completions[1].ordinal, 1u);
  EXPECT_EQ(completions[1].length, 513u);
}

}  // namespace
}  // namespace ringside::tests
