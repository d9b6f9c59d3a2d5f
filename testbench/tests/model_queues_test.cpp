// Several queues, many requests, and the ways in which a driver names a queue: at the level of registers and rings.
#include <initializer_list>

#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

constexpr std::uint64_t kNoEventIndex = kOfferedFeatures & ~(1ull << 29);
constexpr std::uint64_t kMultiQueue = 1ull << 12;
constexpr std::uint64_t kInOrder = 1ull << 35;
constexpr std::uint64_t kNotificationData = 1ull << 38;
constexpr std::uint64_t kNotifConfigData = 1ull << 39;

TEST(ModelQueues, EachHasRegistersOfItsOwn) {
  run_on_model_with("num-queues=4", [](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    EXPECT_EQ(machine.mmio_read16(kCommon + 0x12), 4u);
    EXPECT_EQ(machine.mmio_read16(kDeviceConfig + 34), 4u);
    for (std::uint16_t queue = 0; queue < 4; ++queue) {
      machine.mmio_write16(kCommon + 0x16, queue);
      machine.mmio_write16(kCommon + 0x18, static_cast<std::uint16_t>(16u << queue));
      machine.mmio_write16(kCommon + 0x1a, queue);
      machine.mmio_write32(kCommon + 0x20, 0x1000u * (queue + 1u));
    }
    for (std::uint16_t queue = 0; queue < 4; ++queue) {
      machine.mmio_write16(kCommon + 0x16, queue);
      EXPECT_EQ(machine.mmio_read16(kCommon + 0x18), 16u << queue);
      EXPECT_EQ(machine.mmio_read16(kCommon + 0x1a), queue);
      EXPECT_EQ(machine.mmio_read16(kCommon + 0x1e), queue);
      EXPECT_EQ(machine.mmio_read32(kCommon + 0x20), 0x1000u * (queue + 1u));
    }
    machine.mmio_write16(kCommon + 0x16, 4);
    EXPECT_EQ(machine.mmio_read16(kCommon + 0x18), 0u) << "there is no fifth";
  });
}

// The rings of queue 0 serve as those of queue 2: the doorbell of another queue does not reach them.
TEST(ModelQueues, ADoorbellIsForOneQueue) {
  run_on_model_with("num-queues=4", [](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up(kNoEventIndex | kMultiQueue);
    machine.mmio_write16(kCommon + 0x3a, 1);
    machine.mmio_write16(kCommon + 0x16, 2);
    machine.mmio_write16(kCommon + 0x18, RawDisk::kQueueSize);
    const std::uint64_t parts[] = {disk.bus(RawDisk::kDescriptors), disk.bus(RawDisk::kAvailable),
                                   disk.bus(RawDisk::kUsed)};
    for (unsigned i = 0; i < 3; ++i) {
      machine.mmio_write32(kCommon + 0x20 + 8 * i, static_cast<std::uint32_t>(parts[i]));
      machine.mmio_write32(kCommon + 0x24 + 8 * i, static_cast<std::uint32_t>(parts[i] >> 32));
    }
    machine.mmio_write16(kCommon + 0x1c, 1);
    disk.submit_read(3);  // rings for queue 0
    disk.settle();
    EXPECT_EQ(disk.used_index(), 0);
    machine.mmio_write16(kNotify + 2 * 4, 2);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
    EXPECT_EQ(disk.request_status(), 0);
  });
}

// 4.1.5.2.
TEST(ModelQueues, NotificationDataMustNameTheQueue) {
  run_on_model_with("notification_data=on", [](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up(kNoEventIndex | kNotificationData);
    disk.submit_read(1);  // a write of 16 bits
    machine.mmio_write32(kNotify, 0x0001'0001);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 0);
    machine.mmio_write32(kNotify, 0x0001'0000);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
  });
}

TEST(ModelQueues, NotificationNamesTheQueueByItsConfigData) {
  run_on_model_with("notif_config_data=on", [](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up(kNoEventIndex | kNotifConfigData);
    const std::uint16_t data = machine.mmio_read16(kCommon + 0x38);
    EXPECT_NE(data, 0) << "a driver that writes the index must be found out";
    disk.submit_read(1);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 0);
    machine.mmio_write16(kNotify, data);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
  });
}

// Reads of one sector, made available at once: which of them the device used first.
std::vector<std::uint32_t> order_of_use(hal::Machine& machine, std::uint64_t features) {
  RawDisk disk(machine);
  disk.bring_up(features);
  disk.set_header(0, 0);
  for (std::uint16_t i = 0; i < 5; ++i) {
    const auto first = static_cast<std::uint16_t>(3 * i);
    disk.set_descriptor(first, disk.bus(RawDisk::kHeader), 16, RawDisk::kNext, static_cast<std::uint16_t>(first + 1));
    disk.set_descriptor(first + 1u, disk.bus(RawDisk::kData) + 512u * i, 512, RawDisk::kNext | RawDisk::kWrite,
                        static_cast<std::uint16_t>(first + 2));
    disk.set_descriptor(first + 2u, disk.bus(RawDisk::kStatus) + i, 1, RawDisk::kWrite, 0);
    std::memcpy(disk.cpu(RawDisk::kAvailable) + 4 + 2 * i, &first, 2);
  }
  disk.publish(5);
  disk.settle();
  EXPECT_EQ(disk.used_index(), 5);
  std::vector<std::uint32_t> heads;
  for (unsigned i = 0; i < 5; ++i) {
    std::uint32_t head = 0;
    std::memcpy(&head, disk.cpu(RawDisk::kUsed) + 4 + 8 * i, 4);
    heads.push_back(head);
  }
  return heads;
}

// 6.3 of IN_ORDER: media that let requests overtake each other, and a ring that must not show it.
TEST(ModelQueues, InOrderHoldsWhatTheMediaFinishEarly) {
  targets::RunSettings settings;
  settings.tracing = targets::Tracing::off;
  settings.devices = {"in_order=on"};
  settings.values["latency.model"] = "nvme";
  run_on_model(
      [](scenarios::Context& context) {
        const std::vector<std::uint32_t> in_order{0, 3, 6, 9, 12};
        EXPECT_NE(order_of_use(context.machine(), kNoEventIndex), in_order);
        EXPECT_EQ(order_of_use(context.machine(), kNoEventIndex | kInOrder), in_order);
      },
      settings);
}

// More long chains than the device works on at once: they wait in the ring, and all are served.
TEST(ModelQueues, WhatFindsNoRoomWaitsInTheRing) {
  run_on_model_with("queue-size=2048", [](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    constexpr std::uint16_t kSize = 2048;
    constexpr std::uint16_t kRequests = 1500;
    constexpr unsigned kEntries = 18;  // header, 16 of data, status
    const hal::DmaBuffer rings = machine.alloc_dma_buffer(128u << 10, 4096);
    const std::uint64_t base = hal::raw(rings.bus);
    auto* const memory = static_cast<std::uint8_t*>(rings.cpu);
    std::memset(memory, 0, rings.size);
    const auto put = [](std::uint8_t* at, std::uint64_t address, std::uint32_t length, unsigned flags, unsigned next) {
      const std::uint32_t words[] = {static_cast<std::uint32_t>(address), static_cast<std::uint32_t>(address >> 32),
                                     length, flags | next << 16};
      std::memcpy(at, words, sizeof words);
    };
    EXPECT_EQ(disk.negotiate(kNoEventIndex), 0x0b);
    disk.set_header(0, 0);
    std::uint8_t* const table = disk.cpu(RawDisk::kTable);
    put(table, disk.bus(RawDisk::kHeader), 16, RawDisk::kNext, 1);
    for (unsigned i = 1; i + 1 < kEntries; ++i) {
      put(table + 16 * i, disk.bus(RawDisk::kData) + 512 * i, 512, RawDisk::kNext | RawDisk::kWrite, i + 1);
    }
    put(table + 16 * (kEntries - 1), disk.bus(RawDisk::kStatus), 1, RawDisk::kWrite, 0);
    constexpr std::size_t kAvailable = 16u * kSize;
    constexpr std::size_t kUsed = 0xa000;
    for (std::uint16_t i = 0; i < kRequests; ++i) {
      put(memory + 16 * i, disk.bus(RawDisk::kTable), 16 * kEntries, RawDisk::kIndirect, 0);
      std::memcpy(memory + kAvailable + 4 + 2 * i, &i, 2);
    }
    std::memcpy(memory + kAvailable + 2, &kRequests, 2);
    const std::uint64_t parts[] = {base, base + kAvailable, base + kUsed};
    for (unsigned i = 0; i < 3; ++i) {
      machine.mmio_write32(kCommon + 0x20 + 8 * i, static_cast<std::uint32_t>(parts[i]));
      machine.mmio_write32(kCommon + 0x24 + 8 * i, static_cast<std::uint32_t>(parts[i] >> 32));
    }
    EXPECT_EQ(machine.mmio_read16(kCommon + 0x18), kSize);
    machine.mmio_write16(kCommon + 0x1c, 1);
    disk.set_status(0x0f);
    machine.mmio_write16(kNotify, 0);
    for (int i = 0; i < 20; ++i) {
      disk.settle();
    }
    std::uint16_t used = 0;
    std::memcpy(&used, memory + kUsed + 2, 2);
    EXPECT_EQ(used, kRequests);
    EXPECT_EQ(disk.status(), 0x0f);
  });
}

TEST(ModelQueues, SegmentsLongerThanSizeMaxAreErrors) {
  run_on_model_with("size_max=1024", [](scenarios::Context& context) {
    RawDisk disk(context.machine());
    EXPECT_EQ(context.machine().mmio_read32(kDeviceConfig + 8), 1024u);
    disk.bring_up(kNoEventIndex | 2);
    disk.submit_read(0, 1024);
    disk.settle();
    EXPECT_EQ(disk.request_status(), 0);
    disk.submit_read(0, 2048);
    disk.settle();
    EXPECT_EQ(disk.request_status(), 1);
  });
}

// Vector 100: its entry, its pending bit in the second word, and its message once it is unmasked.
TEST(ModelQueues, AHighVectorPendsAndIsSent) {
  run_on_model_with("vectors=128", [](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up(kNoEventIndex);
    constexpr unsigned kVector = 100;
    constexpr std::uint64_t kEntry = kMsixBar + 16 * kVector;
    const hal::MsiMessage message = machine.msi_message(5);
    machine.mmio_write32(kEntry + 0, static_cast<std::uint32_t>(message.address));
    machine.mmio_write32(kEntry + 4, static_cast<std::uint32_t>(message.address >> 32));
    machine.mmio_write32(kEntry + 8, message.data);
    EXPECT_EQ(machine.mmio_read32(kEntry + 12), 1u) << "masked at power-on";
    disk.config.write16(kDisk, 0x9a, 0x8000);
    machine.mmio_write16(kCommon + 0x1a, kVector);
    EXPECT_EQ(machine.mmio_read16(kCommon + 0x1a), kVector);
    disk.submit_read(1);
    disk.settle();
    EXPECT_EQ(machine.interrupts(5), 0u);
    EXPECT_EQ(machine.mmio_read32(kMsixPba + 12), 1u << (kVector - 96));
    disk.config.write16(kDisk, 0x9a, 0xc000);  // the function masked
    machine.mmio_write32(kEntry + 12, 0);
    EXPECT_EQ(machine.interrupts(5), 0u);
    disk.config.write16(kDisk, 0x9a, 0x8000);
    EXPECT_EQ(machine.interrupts(5), 1u);
    EXPECT_EQ(machine.mmio_read32(kMsixPba + 12), 0u);
  });
}

}  // namespace
}  // namespace ringside::tests::model_tests
