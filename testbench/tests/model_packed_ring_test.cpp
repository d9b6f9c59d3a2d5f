// What the model's disk makes of packed rings (VIRTIO 1.2, 2.8): a good one, and ones that no driver should write.
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

constexpr std::uint64_t kPacked = 1ull << 34;
constexpr std::uint64_t kEventIndex = 1ull << 29;
constexpr std::uint16_t kNext = RawDisk::kNext;
constexpr std::uint16_t kWrite = RawDisk::kWrite;
constexpr std::uint16_t kIndirect = RawDisk::kIndirect;
constexpr std::uint16_t kAvail = 1u << 7;  // in the ring's first round
constexpr std::uint16_t kUsed = 1u << 15;
constexpr std::uint16_t kId = 77;

void run_on_packed(Program program) { run_on_model_with("packed=on", program); }

void bring_up(RawDisk& disk) { disk.bring_up((kOfferedFeatures & ~kEventIndex) | kPacked); }

// 2.8.6: struct pvirtq_desc has its id where the split one has its flags.
void put(RawDisk& disk, unsigned slot, std::uint64_t address, std::uint32_t length, std::uint16_t flags) {
  disk.set_descriptor(slot, address, length, kId, flags);
}
void put_entry(RawDisk& disk, unsigned number, std::uint64_t address, std::uint32_t length, std::uint16_t flags) {
  std::uint8_t* const at = disk.cpu(RawDisk::kTable) + 16 * number;
  std::memset(at, 0, 16);
  std::memcpy(at, &address, 8);
  std::memcpy(at + 8, &length, 4);
  std::memcpy(at + 14, &flags, 2);
}
// A read of one sector behind a table of three.
void put_table(RawDisk& disk) {
  disk.set_header(0, 1);
  put_entry(disk, 0, disk.bus(RawDisk::kHeader), 16, 0);
  put_entry(disk, 1, disk.bus(RawDisk::kData), 512, kWrite);
  put_entry(disk, 2, disk.bus(RawDisk::kStatus), 1, kWrite);
}

std::uint16_t flags_of(RawDisk& disk, unsigned slot) { return disk.word(RawDisk::kDescriptors + 16 * slot + 14); }
std::uint16_t id_of(RawDisk& disk, unsigned slot) { return disk.word(RawDisk::kDescriptors + 16 * slot + 12); }

TEST(ModelPackedRing, AChainIsUsedAtItsFirstSlotUnderItsId) {
  run_on_packed([](scenarios::Context& context) {
    RawDisk disk(context.machine());
    bring_up(disk);
    disk.set_header(0, 1);
    put(disk, 0, disk.bus(RawDisk::kHeader), 16, kNext | kAvail);
    put(disk, 1, disk.bus(RawDisk::kData), 512, kNext | kWrite | kAvail);
    put(disk, 2, disk.bus(RawDisk::kStatus), 1, kWrite | kAvail);
    put_table(disk);
    put(disk, 3, disk.bus(RawDisk::kTable), 48, kIndirect | kAvail);
    context.machine().mmio_write16(kNotify, 0);
    disk.settle();
    EXPECT_EQ(disk.status(), 0x0f);
    EXPECT_EQ(disk.request_status(), 0);
    EXPECT_EQ(flags_of(disk, 0), kAvail | kUsed | kWrite);
    EXPECT_EQ(id_of(disk, 0), kId);
    EXPECT_EQ(flags_of(disk, 1), kNext | kWrite | kAvail) << "2.8.6: skipped, and left as it was";
    EXPECT_EQ(flags_of(disk, 3), kAvail | kUsed | kWrite);
  });
}

// Each leaves something malformed in the ring.
using Malform = void (*)(RawDisk& disk);

// 2.1.2: DEVICE_NEEDS_RESET; and a reset makes all well again.
void expect_needs_reset(hal::Machine& machine, Malform malform) {
  RawDisk disk(machine);
  bring_up(disk);
  put_table(disk);
  malform(disk);
  machine.mmio_write16(kNotify, 0);
  EXPECT_EQ(disk.status(), 0x0f | kNeedsReset);
  EXPECT_EQ(machine.mmio_read8(kIsr) & 2, 2) << "the configuration changed";
  bring_up(disk);
  put_table(disk);
  put(disk, 0, disk.bus(RawDisk::kTable), 48, kIndirect | kAvail);
  machine.mmio_write16(kNotify, 0);
  disk.settle();
  EXPECT_EQ(disk.request_status(), 0);
}

#define MALFORMED(name, ...)                                                    \
  TEST(ModelPackedMalformed, name) {                                            \
    run_on_packed([](scenarios::Context& context) {                             \
      expect_needs_reset(context.machine(), [](RawDisk& disk) { __VA_ARGS__ }); \
    });                                                                         \
  }

MALFORMED(
    ListLongerThanTheRing, for (unsigned i = 0; i < RawDisk::kQueueSize;
                                ++i) { put(disk, i, disk.bus(RawDisk::kHeader), 16, kNext | kAvail); })
// The ring is full of requests in flight, and its first slot is made available again.
MALFORMED(
    SlotThatIsNotTheDrivers,
    for (unsigned i = 0; i < RawDisk::kQueueSize;
         ++i) { put(disk, i, disk.bus(RawDisk::kTable), 48, kIndirect | kAvail); } disk.ring_doorbell();
    put(disk, 0, disk.bus(RawDisk::kTable), 48, kIndirect | kUsed);)
// The last list goes on into the first, which the device has not used yet: but for that it is a good request.
MALFORMED(
    ListIntoSlotsInFlight,
    for (unsigned i = 0; i + 1 < RawDisk::kQueueSize; i += 3) {
      put(disk, i, disk.bus(RawDisk::kHeader), 16, kNext | kAvail);
      put(disk, i + 1, disk.bus(RawDisk::kData), 512, kNext | kWrite | kAvail);
      put(disk, i + 2, disk.bus(RawDisk::kStatus), 1, kWrite | kAvail);
    } disk.ring_doorbell();
    put(disk, RawDisk::kQueueSize - 1, disk.bus(RawDisk::kHeader), 16, kNext | kAvail);)
MALFORMED(HeaderTooShort, put(disk, 0, disk.bus(RawDisk::kHeader), 15, kNext | kAvail);
          put(disk, 1, disk.bus(RawDisk::kStatus), 1, kWrite | kAvail);)
MALFORMED(NoStatusByte, put(disk, 0, disk.bus(RawDisk::kHeader), 16, kAvail);)
MALFORMED(EmptyDescriptor, put(disk, 0, disk.bus(RawDisk::kHeader), 16, kNext | kAvail);
          put(disk, 1, disk.bus(RawDisk::kStatus), 0, kWrite | kAvail);)
MALFORMED(ReadableAfterWritable, put(disk, 0, disk.bus(RawDisk::kStatus), 1, kNext | kWrite | kAvail);
          put(disk, 1, disk.bus(RawDisk::kHeader), 16, kAvail);)
MALFORMED(OutsideMemory, put(disk, 0, disk.bus(RawDisk::kHeader), 16, kNext | kAvail);
          put(disk, 1, 0x1000'0000 - 256, 512, kWrite | kAvail);)
MALFORMED(AddressThatWraps, put(disk, 0, ~std::uint64_t{0} - 7, 16, kNext | kAvail);
          put(disk, 1, disk.bus(RawDisk::kStatus), 1, kWrite | kAvail);)
MALFORMED(TableInAList, put(disk, 0, disk.bus(RawDisk::kHeader), 16, kNext | kAvail);
          put(disk, 1, disk.bus(RawDisk::kTable), 48, kIndirect | kAvail);)
MALFORMED(TableWithNext, put(disk, 0, disk.bus(RawDisk::kTable), 48, kIndirect | kNext | kAvail);)
MALFORMED(EmptyTable, put(disk, 0, disk.bus(RawDisk::kTable), 0, kIndirect | kAvail);)
MALFORMED(TableOfOddLength, put(disk, 0, disk.bus(RawDisk::kTable), 40, kIndirect | kAvail);)
MALFORMED(HugeTable, put(disk, 0, disk.bus(RawDisk::kTable), 0xffff'fff0, kIndirect | kAvail);)

#undef MALFORMED

}  // namespace
}  // namespace ringside::tests::model_tests
