// The driver's packed virtqueue against a device played by the test, honest and not.
#include "driver/virtio/packed_queue.h"

#include <gtest/gtest.h>

#include <map>

#include "driver/hal/memory.h"
#include "testbench/tests/memory_machine.h"

namespace ringside::tests {
namespace {

using Queue = virtio::PackedQueue<hal::Plain>;

constexpr std::uint16_t kBoth = virtio::VIRTQ_DESC_F_AVAIL | virtio::VIRTQ_DESC_F_USED;

// A device that serves the ring from its own records of it.
struct Device {
  explicit Device(const Queue& queue)
      : ring(at<virtio::PackedDescriptor>(queue.addresses().descriptors)),
        driver_area(at<std::uint16_t>(queue.addresses().available)),
        device_area(at<std::uint16_t>(queue.addresses().used)),
        size(queue.size()) {}

  template <class T>
  static T* at(hal::BusAddress bus) {
    return reinterpret_cast<T*>(hal::raw(bus) - kBusOffset);
  }
  [[nodiscard]] bool is_available() const {
    return (ring[next].flags & kBoth) == (wrap ? virtio::VIRTQ_DESC_F_AVAIL : virtio::VIRTQ_DESC_F_USED);
  }
  // Fetches one chain; returns its buffer id.
  std::uint16_t fetch() {
    EXPECT_TRUE(is_available());
    std::uint16_t length = 1;
    while ((ring[next].flags & virtio::VIRTQ_DESC_F_NEXT) != 0) {
      step(next, wrap, 1);
      ++length;
    }
    const std::uint16_t id = ring[next].id;
    step(next, wrap, 1);
    lengths[id] = length;
    return id;
  }
  // Reports `id`, and with it as many descriptors as `skipped` chains in front of it had.
  void use(std::uint16_t id, std::uint32_t length, std::uint16_t skipped = 0) {
    ring[used].id = id;
    ring[used].length = length;
    ring[used].flags = used_wrap ? kBoth : std::uint16_t{0};
    step(used, used_wrap, static_cast<std::uint16_t>(lengths[id] + skipped));
  }
  void step(std::uint16_t& place, bool& counter, std::uint16_t count) const {
    place = static_cast<std::uint16_t>(place + count);
    if (place >= size) {
      place = static_cast<std::uint16_t>(place - size);
      counter = !counter;
    }
  }
  void suppress(std::uint16_t offset, bool wrap_counter, std::uint16_t flags) const {
    device_area[0] = static_cast<std::uint16_t>(offset | (wrap_counter ? 0x8000u : 0u));
    device_area[1] = flags;
  }

  virtio::PackedDescriptor* ring;
  std::uint16_t* driver_area;
  std::uint16_t* device_area;
  std::uint16_t size;
  std::uint16_t next = 0;
  std::uint16_t used = 0;
  bool wrap = true;
  bool used_wrap = true;
  std::map<std::uint16_t, std::uint16_t> lengths;
};

class PackedQueueTest : public ::testing::Test {
 protected:
  void start(const virtio::QueueShape& shape) { ASSERT_TRUE(queue.init(machine, shape)); }

  std::uint16_t send(std::uint16_t pieces = 1) {
    const virtio::Piece chain[4] = {{hal::BusAddress{0x1000}, 16, false},
                                    {hal::BusAddress{0x2000}, 512, true},
                                    {hal::BusAddress{0x3000}, 512, true},
                                    {hal::BusAddress{0x4000}, 1, true}};
    const std::uint16_t id = queue.take_head(pieces);
    if (id != virtio::kNoDescriptor) {
      queue.write_chain(id, chain, pieces);
      queue.offer(id);
    }
    return id;
  }
  std::uint16_t take_one() {
    virtio::Used used;
    EXPECT_NE(queue.look(), 0u);
    EXPECT_EQ(queue.take(used), virtio::UsedError::none);
    return static_cast<std::uint16_t>(used.head);
  }

  MemoryMachine machine;
  Queue queue{hal::Plain{}};
};

TEST_F(PackedQueueTest, WritesChainsAsTheSpecificationLaysThemOut) {
  start({.size = 8});
  const std::uint16_t id = send(3);
  static_cast<void>(queue.expose());
  const Device device(queue);
  EXPECT_EQ(device.ring[0].address, 0x1000u);
  EXPECT_EQ(device.ring[0].length, 16u);
  EXPECT_EQ(device.ring[0].flags, virtio::VIRTQ_DESC_F_AVAIL | virtio::VIRTQ_DESC_F_NEXT);
  EXPECT_EQ(device.ring[1].flags, virtio::VIRTQ_DESC_F_AVAIL | virtio::VIRTQ_DESC_F_NEXT | virtio::VIRTQ_DESC_F_WRITE);
  EXPECT_EQ(device.ring[2].flags, virtio::VIRTQ_DESC_F_AVAIL | virtio::VIRTQ_DESC_F_WRITE);
  EXPECT_EQ(device.ring[2].id, id) << "the last descriptor of a chain carries the id (VIRTIO 1.2, 2.8.6)";
  EXPECT_EQ(queue.free_descriptors(), 5u);
}

TEST_F(PackedQueueTest, NothingIsVisibleBeforeExpose) {
  start({.size = 8});
  send(2);
  send(2);
  const Device device(queue);
  EXPECT_FALSE(device.is_available()) << "a device stops at the first descriptor that is not available";
  static_cast<void>(queue.expose());
  EXPECT_TRUE(device.is_available());
}

TEST_F(PackedQueueTest, AFullRingTakesNothingAndDescriptorsComeBack) {
  start({.size = 8});
  EXPECT_NE(send(4), virtio::kNoDescriptor);
  EXPECT_NE(send(4), virtio::kNoDescriptor);
  EXPECT_EQ(send(1), virtio::kNoDescriptor);
  static_cast<void>(queue.expose());
  Device device(queue);
  device.fetch();
  const std::uint16_t second = device.fetch();
  device.use(second, 1);
  EXPECT_EQ(take_one(), second);
  EXPECT_EQ(queue.free_descriptors(), 4u);
  EXPECT_NE(send(4), virtio::kNoDescriptor);
}

// The wrap counters turn over in the middle of chains, as 3 does not divide 8.
TEST_F(PackedQueueTest, WrapCountersTurnAndCompletionsMayBeReordered) {
  start({.size = 8, .event_index = true});
  Device device(queue);
  for (unsigned round = 0; round < 70'000; ++round) {
    const std::uint16_t first = send(3);
    const std::uint16_t second = send(1 + round % 4);
    static_cast<void>(queue.expose());
    ASSERT_EQ(device.fetch(), first);
    ASSERT_EQ(device.fetch(), second);
    ASSERT_FALSE(device.is_available());
    ASSERT_EQ(queue.look(), 0u);
    device.use(second, 1);
    device.use(first, 1);
    ASSERT_EQ(take_one(), second);
    ASSERT_EQ(take_one(), first);
    ASSERT_EQ(queue.look(), 0u);
  }
  EXPECT_EQ(queue.in_flight(), 0u);
  EXPECT_EQ(queue.free_descriptors(), 8u);
}

TEST_F(PackedQueueTest, ASizeThatIsNoPowerOfTwoWraps) {
  start({.size = 5});
  Device device(queue);
  for (unsigned round = 0; round < 100; ++round) {
    const std::uint16_t id = send(2);
    static_cast<void>(queue.expose());
    ASSERT_EQ(device.fetch(), id);
    device.use(id, 1);
    ASSERT_EQ(take_one(), id);
  }
}

TEST_F(PackedQueueTest, AnIdOutOfRangeOrNotInFlightIsAnError) {
  virtio::Used used;
  start({.size = 8});
  const std::uint16_t id = send();
  static_cast<void>(queue.expose());
  Device device(queue);
  device.fetch();
  device.use(8, 1);
  ASSERT_EQ(queue.look(), 1u);
  EXPECT_EQ(queue.take(used), virtio::UsedError::id_out_of_range);
  device.ring[0].id = static_cast<std::uint16_t>(id + 1);
  EXPECT_EQ(queue.take(used), virtio::UsedError::id_not_in_flight);
}

TEST_F(PackedQueueTest, TheSameIdTwiceIsAnError) {
  start({.size = 8});
  send();
  send();
  static_cast<void>(queue.expose());
  Device device(queue);
  const std::uint16_t id = device.fetch();
  device.use(id, 1);
  device.use(id, 1);
  virtio::Used used;
  EXPECT_EQ(queue.take(used), virtio::UsedError::none);
  ASSERT_EQ(queue.look(), 1u);
  EXPECT_EQ(queue.take(used), virtio::UsedError::id_not_in_flight);
}

TEST_F(PackedQueueTest, NotificationsFollowTheFlags) {
  start({.size = 8});
  const Device device(queue);
  send();
  EXPECT_TRUE(queue.expose());
  device.suppress(0, true, virtio::RING_EVENT_FLAGS_DISABLE);
  send();
  EXPECT_FALSE(queue.expose());
  EXPECT_FALSE(queue.expose()) << "nothing new";
}

TEST_F(PackedQueueTest, NotificationsFollowTheEventOffsetAndItsWrapCounter) {
  start({.size = 8, .event_index = true});
  Device device(queue);
  device.suppress(2, true, virtio::RING_EVENT_FLAGS_DESC);
  send(2);
  EXPECT_FALSE(queue.expose()) << "descriptors 0 and 1";
  send(2);
  EXPECT_TRUE(queue.expose()) << "2 is among 2 and 3";
  device.suppress(1, false, virtio::RING_EVENT_FLAGS_DESC);
  send(4);
  EXPECT_FALSE(queue.expose()) << "1 of the next round";
  for (int i = 0; i < 3; ++i) {
    device.use(device.fetch(), 1);
    take_one();
  }
  send(2);
  EXPECT_TRUE(queue.expose()) << "0 and 1 of the second round";
  device.suppress(1, true, virtio::RING_EVENT_FLAGS_DESC);
  send(2);
  EXPECT_FALSE(queue.expose()) << "1 of a round that is over";
}

TEST_F(PackedQueueTest, AnEventOffsetOutsideTheRingMeansNotify) {
  start({.size = 8, .event_index = true});
  Device(queue).suppress(8, true, virtio::RING_EVENT_FLAGS_DESC);
  send();
  EXPECT_TRUE(queue.expose());
}

TEST_F(PackedQueueTest, ArmingNamesADescriptorNotBehindTheNthChain) {
  start({.size = 8, .event_index = true});
  Device device(queue);
  EXPECT_EQ(device.driver_area[1], virtio::RING_EVENT_FLAGS_DISABLE) << "nobody is interested before the first arm";
  for (int i = 0; i < 3; ++i) {
    send(2);
  }
  static_cast<void>(queue.expose());
  queue.arm(3);
  EXPECT_EQ(device.driver_area[0], 0x8000u | 2u);
  EXPECT_EQ(device.driver_area[1], virtio::RING_EVENT_FLAGS_DESC);
  for (int i = 0; i < 3; ++i) {
    device.use(device.fetch(), 1);
    take_one();
  }
  send(1);
  send(1);
  send(1);
  queue.arm(3);
  EXPECT_EQ(device.driver_area[0], 0u) << "6, 7, then 0 with the other wrap counter";
  queue.disarm();
  EXPECT_EQ(device.driver_area[1], virtio::RING_EVENT_FLAGS_DISABLE);
}

TEST_F(PackedQueueTest, ArmingByFlags) {
  start({.size = 8});
  queue.arm(5);
  EXPECT_EQ(Device(queue).driver_area[1], virtio::RING_EVENT_FLAGS_ENABLE);
}

TEST_F(PackedQueueTest, TheDoorbellSaysWhereTheNextChainWillBe) {
  start({.size = 4});
  Device device(queue);
  send(3);
  EXPECT_EQ(queue.next_position(), 0x8000u | 3u);
  static_cast<void>(queue.expose());
  device.use(device.fetch(), 1);
  take_one();
  send(2);
  EXPECT_EQ(queue.next_position(), 1u) << "the second round has wrap counter 0";
}

TEST_F(PackedQueueTest, InOrderOneUsedDescriptorStandsForABatch) {
  start({.size = 8, .in_order = true});
  Device device(queue);
  for (unsigned round = 0; round < 1000; ++round) {
    const std::uint16_t first = send(2);
    const std::uint16_t second = send(1);
    const std::uint16_t third = send(3);
    static_cast<void>(queue.expose());
    device.fetch();
    device.fetch();
    ASSERT_EQ(device.fetch(), third);
    device.use(third, 77, 3);
    virtio::Used used;
    ASSERT_EQ(queue.look(), 1u);
    ASSERT_EQ(queue.take(used), virtio::UsedError::none);
    ASSERT_EQ(used.head, first);
    ASSERT_TRUE(used.skipped);
    ASSERT_EQ(queue.look(), 2u);
    ASSERT_EQ(queue.take(used), virtio::UsedError::none);
    ASSERT_EQ(used.head, second);
    ASSERT_TRUE(used.skipped);
    ASSERT_EQ(queue.take(used), virtio::UsedError::none);
    ASSERT_EQ(used.head, third);
    ASSERT_FALSE(used.skipped);
    ASSERT_EQ(used.length, 77u);
    ASSERT_EQ(queue.look(), 0u);
  }
}

TEST_F(PackedQueueTest, ReleaseGivesEveryBufferBack) {
  start({.size = 16});
  EXPECT_EQ(machine.buffers.size(), 3u);
  queue.release();
  EXPECT_TRUE(machine.buffers.empty());
}

class CountsLoads final : public hal::Observer {
 public:
  std::uint64_t load(const void* address, unsigned size) override {
    ++loads[address];
    return hal::load_shared(address, size);
  }
  void store(void* address, unsigned size, std::uint64_t value) override { hal::store_shared(address, size, value); }
  void fence(hal::Fence fence) override { hal::hardware_fence(fence); }
  std::map<const void*, int> loads;
};

TEST_F(PackedQueueTest, UsedDescriptorsAreReadOnce) {
  CountsLoads observer;
  virtio::PackedQueue<hal::Observed> observed{hal::Observed(observer)};
  ASSERT_TRUE(observed.init(machine, {.size = 8}));
  const std::uint16_t id = observed.take_head(1);
  const virtio::Piece piece{hal::BusAddress{0}, 1, true};
  observed.write_chain(id, &piece, 1);
  observed.offer(id);
  static_cast<void>(observed.expose());
  auto* const ring = Device::at<virtio::PackedDescriptor>(observed.addresses().descriptors);
  ring[0].id = id;
  ring[0].flags = kBoth;
  ASSERT_EQ(observed.look(), 1u);
  virtio::Used used;
  EXPECT_EQ(observed.take(used), virtio::UsedError::none);
  EXPECT_EQ(observer.loads[&ring[0].flags], 1);
  EXPECT_EQ(observer.loads[&ring[0].id], 1);
  EXPECT_EQ(observer.loads[&ring[0].length], 1);
  EXPECT_EQ(observer.loads[&ring[0].address], 0) << "never read back";
}

}  // namespace
}  // namespace ringside::tests
