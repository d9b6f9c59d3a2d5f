// The driver's split virtqueue against a device played by the test, honest and not.
#include "driver/virtio/split_queue.h"

#include <gtest/gtest.h>

#include "driver/hal/memory.h"
#include "testbench/tests/memory_machine.h"

namespace ringside::tests {
namespace {

using Queue = virtio::SplitQueue<hal::Plain>;

// The device's view of a queue's memory.
struct DeviceView {
  explicit DeviceView(const Queue& queue)
      : descriptors(at<virtio::Descriptor>(queue.addresses().descriptors)),
        available(at<std::uint16_t>(queue.addresses().available)),
        used(at<std::uint16_t>(queue.addresses().used)),
        size(queue.size()) {}

  template <class T>
  static T* at(hal::BusAddress bus) {
    return reinterpret_cast<T*>(hal::raw(bus) - kBusOffset);
  }
  void use(std::uint32_t id, std::uint32_t length) {
    auto* const element = reinterpret_cast<std::uint32_t*>(used + 2 + 4 * (used[1] % size));
    element[0] = id;
    element[1] = length;
    ++used[1];
  }
  [[nodiscard]] std::uint16_t used_event() const { return available[2 + size]; }
  void set_avail_event(std::uint16_t value) const { used[2 + 4 * size] = value; }

  virtio::Descriptor* descriptors;
  std::uint16_t* available;
  std::uint16_t* used;
  std::uint16_t size;
};

class SplitQueueTest : public ::testing::Test {
 protected:
  void start(std::uint16_t size, bool event_index) {
    ASSERT_TRUE(queue.init(machine, {.size = size, .event_index = event_index}));
  }

  std::uint16_t send(std::uint16_t pieces = 1) {
    const virtio::Piece chain[4] = {{hal::BusAddress{0x1000}, 16, false},
                                    {hal::BusAddress{0x2000}, 512, true},
                                    {hal::BusAddress{0x3000}, 512, true},
                                    {hal::BusAddress{0x4000}, 1, true}};
    const std::uint16_t head = queue.take_head(pieces);
    if (head != virtio::kNoDescriptor) {
      queue.write_chain(head, chain, pieces);
      queue.offer(head);
    }
    return head;
  }

  MemoryMachine machine;
  Queue queue{hal::Plain{}};
};

TEST_F(SplitQueueTest, WritesChainsAsTheSpecificationLaysThemOut) {
  start(8, false);
  const std::uint16_t head = send(3);
  static_cast<void>(queue.expose());
  const DeviceView device(queue);
  EXPECT_EQ(device.available[1], 1u);
  EXPECT_EQ(device.available[2], head);
  EXPECT_EQ(device.descriptors[head].address, 0x1000u);
  EXPECT_EQ(device.descriptors[head].length_flags_next & 0xffff'ffff, 16u);
  const auto next = static_cast<std::uint16_t>(device.descriptors[head].length_flags_next >> 48);
  EXPECT_EQ(device.descriptors[head].length_flags_next >> 32 & 0xffff, virtio::VIRTQ_DESC_F_NEXT);
  EXPECT_EQ(device.descriptors[next].length_flags_next >> 32 & 0xffff,
            virtio::VIRTQ_DESC_F_NEXT | virtio::VIRTQ_DESC_F_WRITE);
  EXPECT_EQ(queue.free_descriptors(), 5u);
}

TEST_F(SplitQueueTest, NothingIsVisibleBeforeExpose) {
  start(8, false);
  send();
  EXPECT_EQ(DeviceView(queue).available[1], 0u);
}

TEST_F(SplitQueueTest, AFullRingTakesNothingAndDescriptorsComeBack) {
  start(8, false);
  EXPECT_NE(send(4), virtio::kNoDescriptor);
  const std::uint16_t second = send(4);
  EXPECT_EQ(send(1), virtio::kNoDescriptor);
  static_cast<void>(queue.expose());
  DeviceView(queue).use(second, 1);
  ASSERT_EQ(queue.look(), 1u);
  virtio::Used used;
  EXPECT_EQ(queue.take(used), virtio::UsedError::none);
  EXPECT_EQ(used.head, second);
  EXPECT_EQ(queue.free_descriptors(), 4u);
  EXPECT_NE(send(4), virtio::kNoDescriptor);
}

TEST_F(SplitQueueTest, IndicesWrapAndCompletionsMayBeReordered) {
  start(4, true);
  DeviceView device(queue);
  for (unsigned round = 0; round < 70'000; ++round) {
    const std::uint16_t first = send();
    const std::uint16_t second = send();
    static_cast<void>(queue.expose());
    device.use(second, 1);
    device.use(first, 1);
    ASSERT_EQ(queue.look(), 2u);
    virtio::Used used;
    ASSERT_EQ(queue.take(used), virtio::UsedError::none);
    ASSERT_EQ(used.head, second);
    ASSERT_EQ(queue.take(used), virtio::UsedError::none);
    ASSERT_EQ(used.head, first);
  }
  EXPECT_EQ(queue.in_flight(), 0u);
  EXPECT_EQ(queue.free_descriptors(), 4u);
}

TEST_F(SplitQueueTest, AnIdOutOfRangeIsAnError) {
  start(8, false);
  send();
  static_cast<void>(queue.expose());
  DeviceView(queue).use(8, 1);
  virtio::Used used;
  ASSERT_EQ(queue.look(), 1u);
  EXPECT_EQ(queue.take(used), virtio::UsedError::id_out_of_range);
}

TEST_F(SplitQueueTest, TheUpperHalfOfAnIdCounts) {
  start(8, false);
  const std::uint16_t head = send();
  static_cast<void>(queue.expose());
  DeviceView(queue).use(0x1'0000u + head, 1);
  virtio::Used used;
  ASSERT_EQ(queue.look(), 1u);
  EXPECT_EQ(queue.take(used), virtio::UsedError::id_out_of_range);
}

TEST_F(SplitQueueTest, TheSameIdTwiceIsAnError) {
  start(8, false);
  const std::uint16_t head = send();
  send();
  static_cast<void>(queue.expose());
  DeviceView device(queue);
  device.use(head, 1);
  device.use(head, 1);
  virtio::Used used;
  ASSERT_EQ(queue.look(), 2u);
  EXPECT_EQ(queue.take(used), virtio::UsedError::none);
  EXPECT_EQ(queue.take(used), virtio::UsedError::id_not_in_flight);
}

TEST_F(SplitQueueTest, TheSecondDescriptorOfAChainIsNoHead) {
  start(8, false);
  const std::uint16_t head = send(2);
  static_cast<void>(queue.expose());
  DeviceView device(queue);
  device.use(static_cast<std::uint16_t>(device.descriptors[head].length_flags_next >> 48), 1);
  virtio::Used used;
  ASSERT_EQ(queue.look(), 1u);
  EXPECT_EQ(queue.take(used), virtio::UsedError::id_not_in_flight);
}

TEST_F(SplitQueueTest, AUsedIndexThatJumpsForwardsOrBackwardsIsAnError) {
  for (const int jump : {2, -1, 0x7fff}) {
    Queue fresh{hal::Plain{}};
    ASSERT_TRUE(fresh.init(machine, {.size = 8}));
    const std::uint16_t head = fresh.take_head(1);
    const virtio::Piece piece{hal::BusAddress{0}, 1, true};
    fresh.write_chain(head, &piece, 1);
    fresh.offer(head);
    static_cast<void>(fresh.expose());
    DeviceView(fresh).used[1] = static_cast<std::uint16_t>(jump);
    EXPECT_EQ(fresh.look(), virtio::kUsedIndexJumped) << jump;
  }
}

TEST_F(SplitQueueTest, KicksFollowTheFlagsWithoutEventIndex) {
  start(8, false);
  send();
  EXPECT_TRUE(queue.expose());
  DeviceView(queue).used[0] = virtio::VIRTQ_USED_F_NO_NOTIFY;
  send();
  EXPECT_FALSE(queue.expose());
}

TEST_F(SplitQueueTest, KicksFollowAvailEventAndIgnoreTheFlagsWithEventIndex) {
  start(16, true);
  DeviceView device(queue);
  device.used[0] = virtio::VIRTQ_USED_F_NO_NOTIFY;
  device.set_avail_event(0);
  send();
  EXPECT_TRUE(queue.expose()) << "the entry at index 0 was just made available";
  device.set_avail_event(3);
  send();
  EXPECT_FALSE(queue.expose());
  send();
  send();
  EXPECT_TRUE(queue.expose()) << "1 -> 4 passes 3";
  EXPECT_FALSE(queue.expose()) << "nothing new";
}

TEST_F(SplitQueueTest, ArmingAsksForTheNthInterruptFromHere) {
  start(16, true);
  DeviceView device(queue);
  EXPECT_EQ(device.used_event(), 0xffffu) << "nobody is interested before the first arm";
  queue.arm(1);
  EXPECT_EQ(device.used_event(), 0u);
  queue.arm(8);
  EXPECT_EQ(device.used_event(), 7u);
  EXPECT_EQ(device.available[0], 0u) << "with the event index the flags stay 0 (VIRTIO 1.2, 2.7.7.1)";
}

TEST_F(SplitQueueTest, ArmingByFlags) {
  start(16, false);
  const DeviceView device(queue);
  EXPECT_EQ(device.available[0], virtio::VIRTQ_AVAIL_F_NO_INTERRUPT);
  queue.arm(8);
  EXPECT_EQ(device.available[0], 0u);
  queue.disarm();
  EXPECT_EQ(device.available[0], virtio::VIRTQ_AVAIL_F_NO_INTERRUPT);
}

TEST_F(SplitQueueTest, ReleaseGivesEveryBufferBack) {
  start(16, true);
  EXPECT_EQ(machine.buffers.size(), 3u);
  queue.release();
  EXPECT_TRUE(machine.buffers.empty());
}

TEST_F(SplitQueueTest, TheLegacyLayoutIsOnePieceWithTheUsedRingOnAPage) {
  ASSERT_TRUE(queue.init(machine, {.size = 256, .contiguous = true}));
  EXPECT_EQ(machine.buffers.size(), 1u);
  const virtio::QueueAddresses parts = queue.addresses();
  EXPECT_EQ(hal::raw(parts.descriptors) % 4096, 0u);
  EXPECT_EQ(hal::raw(parts.available), hal::raw(parts.descriptors) + 256 * 16);
  // 4096 bytes of descriptors and 518 of available ring end in the second page.
  EXPECT_EQ(hal::raw(parts.used), hal::raw(parts.descriptors) + 2 * 4096);
  queue.release();
  EXPECT_TRUE(machine.buffers.empty());
}

// 1018 descriptors' worth of ring would just fit into the pages, and its header and used_event push it over the edge.
TEST_F(SplitQueueTest, TheLegacyLayoutCountsTheAvailableRingsHeader) {
  ASSERT_TRUE(queue.init(machine, {.size = 2048, .contiguous = true}));
  const virtio::QueueAddresses parts = queue.addresses();
  EXPECT_EQ(hal::raw(parts.used) - hal::raw(parts.descriptors), 2048u * 16 + 2048 * 2 + 4096);
  queue.release();
}

TEST_F(SplitQueueTest, InOrderOneElementStandsForABatch) {
  ASSERT_TRUE(queue.init(machine, {.size = 8, .in_order = true}));
  DeviceView device(queue);
  for (unsigned round = 0; round < 40'000; ++round) {
    const std::uint16_t first = send(2);
    const std::uint16_t second = send(1);
    const std::uint16_t third = send(2);
    static_cast<void>(queue.expose());
    device.use(second, 77);
    device.used[1] = static_cast<std::uint16_t>(device.used[1] + 1);  // the batch of two has one element
    virtio::Used used;
    ASSERT_EQ(queue.look(), 2u);
    ASSERT_EQ(queue.take(used), virtio::UsedError::none);
    ASSERT_EQ(used.head, first);
    ASSERT_TRUE(used.skipped);
    ASSERT_EQ(queue.take(used), virtio::UsedError::none);
    ASSERT_EQ(used.head, second);
    ASSERT_FALSE(used.skipped);
    ASSERT_EQ(used.length, 77u);
    device.use(third, 1);
    ASSERT_EQ(queue.look(), 1u);
    ASSERT_EQ(queue.take(used), virtio::UsedError::none);
    ASSERT_EQ(used.head, third);
  }
  EXPECT_EQ(queue.free_descriptors(), 8u);
}

TEST_F(SplitQueueTest, InOrderDescriptorsAreUsedRoundAndRound) {
  ASSERT_TRUE(queue.init(machine, {.size = 4, .in_order = true}));
  DeviceView device(queue);
  std::uint16_t expected = 0;
  for (unsigned round = 0; round < 20; ++round) {
    const std::uint16_t head = send(3);
    ASSERT_EQ(head, expected) << "VIRTIO 1.2, 2.7.9: in ring order";
    static_cast<void>(queue.expose());
    device.use(head, 1);
    ASSERT_EQ(queue.look(), 1u);
    virtio::Used used;
    ASSERT_EQ(queue.take(used), virtio::UsedError::none);
    expected = static_cast<std::uint16_t>((expected + 3) % 4);
  }
}

TEST_F(SplitQueueTest, InOrderAnElementThatClaimsMoreThanTheIndexIsAnError) {
  ASSERT_TRUE(queue.init(machine, {.size = 8, .in_order = true}));
  send();
  const std::uint16_t second = send();
  static_cast<void>(queue.expose());
  DeviceView(queue).use(second, 1);
  virtio::Used used;
  ASSERT_EQ(queue.look(), 1u);
  EXPECT_EQ(queue.take(used), virtio::UsedError::out_of_order);
}

// A device that changes a used element between two reads: the driver may read each word only once.
class ChangesItsMind final : public hal::Observer {
 public:
  std::uint64_t load(const void* address, unsigned size) override {
    ++loads[address];
    return hal::load_shared(address, size);
  }
  void store(void* address, unsigned size, std::uint64_t value) override { hal::store_shared(address, size, value); }
  void fence(hal::Fence fence) override { hal::hardware_fence(fence); }
  std::map<const void*, int> loads;
};

TEST_F(SplitQueueTest, UsedElementsAreReadOnce) {
  ChangesItsMind observer;
  virtio::SplitQueue<hal::Observed> observed{hal::Observed(observer)};
  ASSERT_TRUE(observed.init(machine, {.size = 8}));
  const std::uint16_t head = observed.take_head(1);
  const virtio::Piece piece{hal::BusAddress{0}, 1, true};
  observed.write_chain(head, &piece, 1);
  observed.offer(head);
  static_cast<void>(observed.expose());
  auto* const used = DeviceView::at<std::uint16_t>(observed.addresses().used);
  used[2] = head;
  used[1] = 1;
  ASSERT_EQ(observed.look(), 1u);
  virtio::Used taken;
  EXPECT_EQ(observed.take(taken), virtio::UsedError::none);
  EXPECT_EQ(observer.loads[used + 2], 1);
  EXPECT_EQ(observer.loads[used + 4], 1);
}

}  // namespace
}  // namespace ringside::tests
