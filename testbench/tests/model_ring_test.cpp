// What the model's disk makes of chains: good ones, and ones that no driver should send.
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

// Each leaves something malformed in the ring and rings the doorbell.
using Malform = void (*)(RawDisk& disk);

// 2.1.2: DEVICE_NEEDS_RESET, a configuration interrupt, nothing used; and a reset makes all well again.
void expect_needs_reset(hal::Machine& machine, Malform malform) {
  RawDisk disk(machine);
  disk.bring_up();
  disk.set_header(0, 0);
  malform(disk);
  disk.settle();
  EXPECT_EQ(disk.status(), 0x0f | kNeedsReset);
  EXPECT_EQ(machine.mmio_read8(kIsr), 2) << "the configuration changed";
  EXPECT_EQ(disk.used_index(), 0);
  disk.set_status(0x0f);
  EXPECT_EQ(disk.status(), 0x0f | kNeedsReset) << "only a reset ends it";
  disk.bring_up();
  disk.submit_read(1);
  disk.settle();
  EXPECT_EQ(disk.used_index(), 1);
}

constexpr std::uint16_t kNext = RawDisk::kNext;
constexpr std::uint16_t kWrite = RawDisk::kWrite;
constexpr std::uint16_t kIndirect = RawDisk::kIndirect;

// An indirect table entry.
void set_entry(RawDisk& disk, unsigned index, std::uint64_t address, std::uint32_t length, std::uint16_t flags,
               std::uint16_t next) {
  std::uint8_t* const at = disk.cpu(RawDisk::kTable) + 16 * index;
  std::memcpy(at, &address, 8);
  std::memcpy(at + 8, &length, 4);
  std::memcpy(at + 12, &flags, 2);
  std::memcpy(at + 14, &next, 2);
}

#define MALFORMED(name, ...)                                                    \
  TEST(ModelMalformed, name) {                                                  \
    run_on_model([](scenarios::Context& context) {                              \
      expect_needs_reset(context.machine(), [](RawDisk& disk) { __VA_ARGS__ }); \
    });                                                                         \
  }

MALFORMED(LoopOfDescriptors, disk.set_descriptor(0, disk.bus(RawDisk::kHeader), 16, kNext, 0); disk.kick(0);)
MALFORMED(HeadOutOfRange, disk.kick(RawDisk::kQueueSize);)
MALFORMED(NextOutOfRange, disk.set_descriptor(0, disk.bus(RawDisk::kHeader), 16, kNext, 0xffff); disk.kick(0);)
MALFORMED(HeaderTooShort, disk.set_descriptor(0, disk.bus(RawDisk::kHeader), 15, kNext, 1);
          disk.set_descriptor(1, disk.bus(RawDisk::kStatus), 1, kWrite, 0); disk.kick(0);)
MALFORMED(NoStatusByte, disk.set_descriptor(0, disk.bus(RawDisk::kHeader), 16, 0, 0); disk.kick(0);)
MALFORMED(EmptyDescriptor, disk.set_descriptor(0, disk.bus(RawDisk::kHeader), 16, kNext, 1);
          disk.set_descriptor(1, disk.bus(RawDisk::kData), 0, kNext | kWrite, 2);
          disk.set_descriptor(2, disk.bus(RawDisk::kStatus), 1, kWrite, 0); disk.kick(0);)
MALFORMED(ReadableAfterWritable, disk.set_descriptor(0, disk.bus(RawDisk::kStatus), 1, kNext | kWrite, 1);
          disk.set_descriptor(1, disk.bus(RawDisk::kHeader), 16, 0, 0); disk.kick(0);)
MALFORMED(DataOutsideMemory, disk.set_descriptor(0, disk.bus(RawDisk::kHeader), 16, kNext, 1);
          disk.set_descriptor(1, 0x1000'0000 - 256, 512, kNext | kWrite, 2);
          disk.set_descriptor(2, disk.bus(RawDisk::kStatus), 1, kWrite, 0); disk.kick(0);)
MALFORMED(DataInABar, disk.set_descriptor(0, disk.bus(RawDisk::kHeader), 16, kNext, 1);
          disk.set_descriptor(1, kCommon, 512, kNext | kWrite, 2);
          disk.set_descriptor(2, disk.bus(RawDisk::kStatus), 1, kWrite, 0); disk.kick(0);)
MALFORMED(AddressThatWraps, disk.set_descriptor(0, ~std::uint64_t{0} - 7, 16, kNext, 1);
          disk.set_descriptor(1, disk.bus(RawDisk::kStatus), 1, kWrite, 0); disk.kick(0);)
MALFORMED(AvailableIndexThatJumps, disk.publish(RawDisk::kQueueSize + 1);)
MALFORMED(AvailableIndexThatRunsBackwards, disk.publish(0xffff);)
MALFORMED(TableOfOddLength, disk.set_descriptor(0, disk.bus(RawDisk::kTable), 24, kIndirect, 0); disk.kick(0);)
MALFORMED(EmptyTable, disk.set_descriptor(0, disk.bus(RawDisk::kTable), 0, kIndirect, 0); disk.kick(0);)
MALFORMED(HugeTable, disk.set_descriptor(0, disk.bus(RawDisk::kTable), 0xffff'fff0, kIndirect, 0); disk.kick(0);)
MALFORMED(TableWithNext, disk.set_descriptor(0, disk.bus(RawDisk::kTable), 32, kIndirect | kNext, 1); disk.kick(0);)
MALFORMED(TableInATable, set_entry(disk, 0, disk.bus(RawDisk::kTable), 32, kIndirect, 0);
          disk.set_descriptor(0, disk.bus(RawDisk::kTable), 32, kIndirect, 0); disk.kick(0);)
MALFORMED(LoopInATable, set_entry(disk, 0, disk.bus(RawDisk::kHeader), 16, kNext, 1);
          set_entry(disk, 1, disk.bus(RawDisk::kHeader), 16, kNext, 0);
          disk.set_descriptor(0, disk.bus(RawDisk::kTable), 32, kIndirect, 0); disk.kick(0);)
MALFORMED(DiscardWithoutRange, disk.set_header(11, 0); disk.set_descriptor(0, disk.bus(RawDisk::kHeader), 16, kNext, 1);
          disk.set_descriptor(1, disk.bus(RawDisk::kData), 8, kNext, 2);
          disk.set_descriptor(2, disk.bus(RawDisk::kStatus), 1, kWrite, 0); disk.kick(0);)

#undef MALFORMED

// 2.7.4.1: a device makes no assumption on how a request is cut into descriptors.
TEST(ModelRing, RequestMayBeCutAnywhere) {
  run_on_model([](scenarios::Context& context) {
    RawDisk disk(context.machine());
    disk.bring_up();
    disk.submit_read(7);
    disk.settle();
    std::uint8_t whole[512];
    std::memcpy(whole, disk.cpu(RawDisk::kData), sizeof whole);
    disk.set_header(0, 7);
    disk.set_descriptor(0, disk.bus(RawDisk::kHeader), 5, kNext, 1);
    disk.set_descriptor(1, disk.bus(RawDisk::kHeader + 5), 11, kNext, 2);
    disk.set_descriptor(2, disk.bus(RawDisk::kData + 0x1000), 100, kNext | kWrite, 3);
    disk.set_descriptor(3, disk.bus(RawDisk::kData + 0x2000), 413, kWrite, 0);  // 412 of data, then the status
    disk.cpu(RawDisk::kData + 0x2000)[412] = RawDisk::kUntouched;
    disk.kick(0);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 2);
    EXPECT_EQ(disk.used_length(1), 513u);
    EXPECT_EQ(disk.cpu(RawDisk::kData + 0x2000)[412], 0);
    EXPECT_EQ(std::memcmp(whole, disk.cpu(RawDisk::kData + 0x1000), 100), 0);
    EXPECT_EQ(std::memcmp(whole + 100, disk.cpu(RawDisk::kData + 0x2000), 412), 0);
  });
}

TEST(ModelRing, RequestsBeyondTheDiskAreErrors) {
  run_on_model([](scenarios::Context& context) {
    RawDisk disk(context.machine());
    disk.bring_up();
    const std::uint64_t sectors[] = {32768, 32767, ~std::uint64_t{0}, ~std::uint64_t{0} - 1};
    const std::uint32_t bytes[] = {512, 1024, 512, 1024};
    for (unsigned i = 0; i < 4; ++i) {
      disk.submit_read(sectors[i], bytes[i]);
      disk.settle();
      EXPECT_EQ(disk.used_index(), i + 1);
      EXPECT_EQ(disk.request_status(), 1) << sectors[i];
      EXPECT_EQ(disk.used_length(i), 1u) << "only the status was written";
    }
  });
}

TEST(ModelRing, UnknownTypeIsUnsupported) {
  run_on_model([](scenarios::Context& context) {
    RawDisk disk(context.machine());
    disk.bring_up();
    for (const std::uint32_t type : {2u, 3u, 5u, 9u, 0x8000'0000u, 0xffff'ffffu}) {
      disk.submit(type, 0, 512, true);
      disk.settle();
      EXPECT_EQ(disk.request_status(), 2) << type;
    }
  });
}

// 3.1.1: a driver must not notify before DRIVER_OK, and the device must not consume buffers.
TEST(ModelRing, NothingIsConsumedBeforeDriverOk) {
  run_on_model([](scenarios::Context& context) {
    RawDisk disk(context.machine());
    EXPECT_EQ(disk.negotiate(), 0x0b);
    disk.enable_queue();
    disk.submit_read(1);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 0);
    disk.set_status(0x0f);
    context.machine().mmio_write16(kNotify, 0);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
  });
}

TEST(ModelRing, NoDmaWhileBusMasteringIsOff) {
  run_on_model([](scenarios::Context& context) {
    RawDisk disk(context.machine());
    disk.bring_up();
    disk.set_command(3);
    disk.submit_read(1);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 0);
    EXPECT_EQ(disk.request_status(), RawDisk::kUntouched);
    disk.set_command(7);
    context.machine().mmio_write16(kNotify, 0);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
    // Switched off while the request is in flight: it waits in the device.
    disk.submit_read(2);
    disk.set_command(3);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
    disk.set_command(7);
    EXPECT_EQ(disk.used_index(), 2);
  });
}

TEST(ModelRing, FeaturesThatWereNotOfferedAreRefused) {
  run_on_model([](scenarios::Context& context) {
    RawDisk disk(context.machine());
    EXPECT_EQ(disk.negotiate(kOfferedFeatures | 1ull << 45), 0x03);
    EXPECT_EQ(disk.negotiate(kOfferedFeatures & ~(1ull << 32)), 0x03) << "6.1: VERSION_1";
    EXPECT_EQ(disk.negotiate(), 0x0b);
  });
}

TEST(ModelRing, QueueSizeIsAPowerOfTwoUpToTheMaximum) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    for (const std::uint16_t bad : std::initializer_list<std::uint16_t>{0, 3, 100, 512, 65535}) {
      machine.mmio_write16(kCommon + 0x18, bad);
      EXPECT_EQ(machine.mmio_read16(kCommon + 0x18), 256u) << bad;
    }
    machine.mmio_write16(kCommon + 0x18, 64);
    EXPECT_EQ(machine.mmio_read16(kCommon + 0x18), 64u);
    machine.mmio_write16(kCommon + 0x16, 1);
    EXPECT_EQ(machine.mmio_read16(kCommon + 0x18), 0u) << "there is one queue";
  });
}

TEST(ModelRing, QueueResetForgetsWhatWasInFlight) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up();
    disk.submit_read(1);
    machine.mmio_write16(kCommon + 0x3a, 1);
    EXPECT_EQ(machine.mmio_read16(kCommon + 0x3a), 0u);
    EXPECT_EQ(machine.mmio_read16(kCommon + 0x1c), 0u);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 0);
    EXPECT_EQ(disk.request_status(), RawDisk::kUntouched);
    disk.enable_queue();
    disk.submit_read(2);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
  });
}

// Beyond what 2.7.5.3.1 lets a driver do, and what some do: indirect tables longer than the queue work, up to the
// device's maximum.
TEST(ModelRing, IndirectTableMayBeLongerThanTheQueue) {
  run_on_model([](scenarios::Context& context) {
    RawDisk disk(context.machine());
    disk.bring_up();
    disk.set_header(0, 0);
    constexpr std::uint16_t kEntries = 34;  // header, 32 sectors, status
    set_entry(disk, 0, disk.bus(RawDisk::kHeader), 16, kNext, 1);
    for (std::uint16_t i = 1; i + 1 < kEntries; ++i) {
      set_entry(disk, i, disk.bus(RawDisk::kData) + 512u * (i - 1u), 512, kNext | kWrite,
                static_cast<std::uint16_t>(i + 1));
    }
    set_entry(disk, kEntries - 1, disk.bus(RawDisk::kStatus), 1, kWrite, 0);
    disk.set_descriptor(0, disk.bus(RawDisk::kTable), 16u * kEntries, kIndirect, 0);
    disk.kick(0);
    disk.settle();
    EXPECT_EQ(disk.used_length(0), 32u * 512 + 1);
    EXPECT_EQ(disk.request_status(), 0);
  });
}

}  // namespace
}  // namespace ringside::tests::model_tests
