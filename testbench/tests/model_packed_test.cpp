// What the model's disk makes of packed rings (VIRTIO 1.2, 2.8): good ones, and ones that no driver should make.
#include <initializer_list>

#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

constexpr std::uint16_t kNext = RawDisk::kNext;
constexpr std::uint16_t kWrite = RawDisk::kWrite;
constexpr std::uint16_t kIndirect = RawDisk::kIndirect;
constexpr std::uint16_t kAvail = 1u << 7;
constexpr std::uint16_t kUsed = 1u << 15;
constexpr std::uint64_t kEventIndex = 1ull << 29;
constexpr std::uint64_t kPacked = kOfferedFeatures | 1ull << 34;

// The driver's side of one packed ring over RawDisk's memory.
class PackedDisk {
 public:
  PackedDisk(hal::Machine& machine, std::uint64_t features, std::uint16_t size = RawDisk::kQueueSize)
      : disk(machine), machine_(machine), size_(size) {
    bring_up(features);
  }

  void bring_up(std::uint64_t features) {
    EXPECT_EQ(disk.negotiate(features), 0x0b);
    disk.enable_queue();
    machine_.mmio_write16(kCommon + 0x3a, 1);  // the ring's size can be written once more
    machine_.mmio_write16(kCommon + 0x18, size_);
    EXPECT_EQ(machine_.mmio_read16(kCommon + 0x18), size_);
    enable();
    disk.set_status(0x0f);
  }
  void enable() {
    next_ = 0;
    wrap_ = true;
    machine_.mmio_write16(kCommon + 0x1c, 1);
  }

  // One descriptor more; available at once unless `flags` says otherwise later.
  void put(std::uint64_t address, std::uint32_t length, std::uint16_t flags, std::uint16_t id = 0) {
    const auto owner = static_cast<std::uint16_t>(wrap_ ? kAvail : kUsed);
    disk.set_descriptor(next_, address, length, id, static_cast<std::uint16_t>(flags | owner));
    if (++next_ == size_) {
      next_ = 0;
      wrap_ = !wrap_;
    }
  }
  void ring() { machine_.mmio_write16(kNotify, 0); }

  // Three descriptors; returns the slot of the first.
  unsigned submit_read(std::uint64_t sector, std::uint16_t id) {
    const unsigned slot = next_;
    disk.set_header(0, sector);
    put(disk.bus(RawDisk::kHeader), 16, kNext, 0xdead);
    put(disk.bus(RawDisk::kData), 512, kNext | kWrite, 0xbeef);
    put(disk.bus(RawDisk::kStatus), 1, kWrite, id);
    ring();
    return slot;
  }

  [[nodiscard]] std::uint16_t field(unsigned slot, std::size_t offset) {
    return disk.word(RawDisk::kDescriptors + 16 * slot + offset);
  }
  [[nodiscard]] std::uint16_t id(unsigned slot) { return field(slot, 12); }
  [[nodiscard]] std::uint16_t flags(unsigned slot) { return field(slot, 14); }
  // 2.8.10: the driver's wishes, in the driver area.
  void set_event(std::uint16_t desc, std::uint16_t flags) {
    std::memcpy(disk.cpu(RawDisk::kAvailable), &desc, 2);
    std::memcpy(disk.cpu(RawDisk::kAvailable) + 2, &flags, 2);
  }
  [[nodiscard]] bool wrap() const { return wrap_; }

  RawDisk disk;

 private:
  hal::Machine& machine_;
  std::uint16_t size_;
  std::uint16_t next_ = 0;
  bool wrap_ = true;
};

// Requests of three descriptors cross the end of the ring at every place, in both states of the wrap counter.
TEST(ModelPacked, WrapsAtEveryPlaceInAnySize) {
  run_on_model_with("packed=on", [](scenarios::Context& context) {
    for (const std::uint16_t size : {std::uint16_t{16}, std::uint16_t{7}, std::uint16_t{3}}) {
      PackedDisk ring(context.machine(), kPacked & ~kEventIndex, size);
      for (std::uint16_t i = 0; i < 100; ++i) {
        const bool wrap = ring.wrap();
        const unsigned slot = ring.submit_read(i, static_cast<std::uint16_t>(0x4000 + i));
        ring.disk.settle();
        ASSERT_EQ(ring.id(slot), 0x4000 + i);
        ASSERT_EQ(ring.flags(slot), wrap ? kAvail | kUsed | kWrite : kWrite);
        ASSERT_EQ(ring.field(slot, 8), 513);
        ASSERT_EQ(ring.disk.request_status(), 0);
      }
    }
  });
}

// 2.8.1: what carries the flags of the lap before is not available.
TEST(ModelPacked, DescriptorsOfTheLastLapAreNotTaken) {
  run_on_model_with("packed=on", [](scenarios::Context& context) {
    PackedDisk ring(context.machine(), kPacked & ~kEventIndex, 3);
    ring.submit_read(1, 1);
    ring.disk.settle();
    ring.disk.set_header(0, 2);
    for (unsigned slot = 0; slot < 3; ++slot) {
      ring.disk.set_descriptor(slot, ring.disk.bus(RawDisk::kHeader), 16, 0, kAvail);
    }
    ring.ring();
    ring.disk.settle();
    EXPECT_EQ(ring.disk.status(), 0x0f);
    EXPECT_EQ(ring.disk.request_status(), RawDisk::kUntouched);
  });
}

TEST(ModelPacked, IndirectTableTakesOneSlot) {
  run_on_model_with("packed=on", [](scenarios::Context& context) {
    PackedDisk ring(context.machine(), kPacked & ~kEventIndex);
    const auto entry = [&ring](unsigned index, std::uint64_t address, std::uint32_t length, std::uint16_t flags) {
      std::uint8_t* const at = ring.disk.cpu(RawDisk::kTable) + 16 * index;
      std::memcpy(at, &address, 8);
      std::memcpy(at + 8, &length, 4);
      std::memset(at + 12, 0, 2);
      std::memcpy(at + 14, &flags, 2);
    };
    // 2.8.7: entries follow each other without NEXT.
    entry(0, ring.disk.bus(RawDisk::kHeader), 16, 0);
    entry(1, ring.disk.bus(RawDisk::kData), 512, kWrite);
    entry(2, ring.disk.bus(RawDisk::kStatus), 1, kWrite);
    for (std::uint16_t i = 0; i < 20; ++i) {
      ring.disk.set_header(0, i);
      ring.put(ring.disk.bus(RawDisk::kTable), 48, kIndirect, i);
      ring.ring();
      ring.disk.settle();
      ASSERT_EQ(ring.id(i % 16u), i);
      ASSERT_EQ(ring.disk.request_status(), 0);
    }
  });
}

// 2.8.10: none, each, or the one at a place in the ring, which a longer chain may step over.
TEST(ModelPacked, EventSuppression) {
  run_on_model_with("packed=on", [](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    PackedDisk ring(machine, kPacked);
    ring.disk.use_msix(0);
    const auto interrupts_of = [&](unsigned requests) {
      const std::uint64_t before = machine.interrupts(0);
      for (unsigned i = 0; i < requests; ++i) {
        ring.submit_read(i, static_cast<std::uint16_t>(i));
        ring.disk.settle();
      }
      return machine.interrupts(0) - before;
    };
    constexpr std::uint16_t kEnable = 0;
    constexpr std::uint16_t kDisable = 1;
    constexpr std::uint16_t kDesc = 2;
    constexpr std::uint16_t kWrap = 0x8000;
    ring.set_event(0, kDisable);
    EXPECT_EQ(interrupts_of(2), 0u);  // slots 0 to 5
    ring.set_event(0, kEnable);
    EXPECT_EQ(interrupts_of(1), 1u);  // 6 to 8
    ring.set_event(kWrap | 13, kDesc);
    EXPECT_EQ(interrupts_of(1), 0u);                                             // 9 to 11
    EXPECT_EQ(interrupts_of(1), 1u) << "slot 13 is in the middle of the chain";  // 12 to 14
    ring.set_event(1, kDesc);                                                    // of the next lap
    EXPECT_EQ(interrupts_of(1), 1u) << "15, 0 and 1";
    EXPECT_EQ(interrupts_of(4), 0u) << "2 to 13";
  });
}

TEST(ModelPacked, QueueResetStartsTheRingAnew) {
  run_on_model_with("packed=on", [](scenarios::Context& context) {
    PackedDisk ring(context.machine(), kPacked & ~kEventIndex);
    for (std::uint16_t i = 0; i < 7; ++i) {  // into the second lap
      ring.submit_read(i, i);
      ring.disk.settle();
    }
    context.machine().mmio_write16(kCommon + 0x3a, 1);
    std::memset(ring.disk.cpu(RawDisk::kDescriptors), 0, 16 * 16);
    ring.enable();
    EXPECT_EQ(ring.submit_read(9, 99), 0u);
    ring.disk.settle();
    EXPECT_EQ(ring.id(0), 99);
    EXPECT_EQ(ring.flags(0), kAvail | kUsed | kWrite);
  });
}

using Malform = void (*)(PackedDisk& ring);

// 2.1.2: DEVICE_NEEDS_RESET, and a reset makes all well again.
void expect_needs_reset(hal::Machine& machine, Malform malform) {
  PackedDisk ring(machine, kPacked & ~kEventIndex);
  ring.disk.set_header(0, 0);
  malform(ring);
  ring.ring();
  ring.disk.settle();
  EXPECT_EQ(ring.disk.status(), 0x0f | kNeedsReset);
  EXPECT_EQ(ring.disk.request_status(), RawDisk::kUntouched);
  ring.bring_up(kPacked & ~kEventIndex);
  ring.submit_read(1, 5);
  ring.disk.settle();
  EXPECT_EQ(ring.id(0), 5);
}

#define MALFORMED(name, ...)                                                       \
  TEST(ModelPackedMalformed, name) {                                               \
    run_on_model_with("packed=on", [](scenarios::Context& context) {               \
      expect_needs_reset(context.machine(), [](PackedDisk& ring) { __VA_ARGS__ }); \
    });                                                                            \
  }

MALFORMED(
    ListWithoutEnd, for (unsigned i = 0; i < 16; ++i) { ring.put(ring.disk.bus(RawDisk::kHeader), 16, kNext); })
MALFORMED(TableInAList, ring.put(ring.disk.bus(RawDisk::kHeader), 16, kNext);
          ring.put(ring.disk.bus(RawDisk::kTable), 32, kIndirect);)
MALFORMED(TableOfOddLength, ring.put(ring.disk.bus(RawDisk::kTable), 24, kIndirect);)
MALFORMED(EmptyTable, ring.put(ring.disk.bus(RawDisk::kTable), 0, kIndirect);)
MALFORMED(HugeTable, ring.put(ring.disk.bus(RawDisk::kTable), 0xffff'fff0, kIndirect);)
MALFORMED(EmptyDescriptor, ring.put(ring.disk.bus(RawDisk::kHeader), 0, 0);)
MALFORMED(ReadableAfterWritable, ring.put(ring.disk.bus(RawDisk::kStatus), 1, kNext | kWrite);
          ring.put(ring.disk.bus(RawDisk::kHeader), 16, 0);)
MALFORMED(OutsideMemory, ring.put(~std::uint64_t{0} - 7, 16, 0);)
MALFORMED(NoStatusByte, ring.put(ring.disk.bus(RawDisk::kHeader), 16, 0);)

#undef MALFORMED

}  // namespace
}  // namespace ringside::tests::model_tests
