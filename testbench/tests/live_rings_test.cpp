// A driver that changes its mind: what the model's device makes of rings that are rewritten, or reset, while it has a
// request of theirs.
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

constexpr std::uint32_t kBytes = 512;
constexpr std::size_t kOtherData = RawDisk::kData + 0x2000;

bool is_untouched(RawDisk& disk, std::size_t offset) {
  for (std::size_t i = 0; i < kBytes; ++i) {
    if (*disk.cpu(offset + i) != RawDisk::kUntouched) {
      return false;
    }
  }
  return true;
}

void put_marks(RawDisk& disk) {
  std::memset(disk.cpu(RawDisk::kData), RawDisk::kUntouched, kBytes);
  std::memset(disk.cpu(kOtherData), RawDisk::kUntouched, kBytes);
}

// 2.7.6: the chain that was fetched is the one that counts.
TEST(LiveRings, DescriptorsRewrittenInFlightChangeNothing) {
  run_on_model([](scenarios::Context& context) {
    RawDisk disk(context.machine());
    disk.bring_up();
    put_marks(disk);
    disk.submit_read(7);
    EXPECT_EQ(disk.used_index(), 0);
    disk.set_descriptor(0, disk.bus(kOtherData), kBytes, RawDisk::kWrite, 0);
    disk.set_descriptor(1, disk.bus(kOtherData), kBytes, RawDisk::kNext, 0);
    disk.set_descriptor(2, disk.bus(kOtherData), 1, RawDisk::kNext | RawDisk::kWrite, 1);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
    EXPECT_EQ(disk.request_status(), 0);
    EXPECT_FALSE(is_untouched(disk, RawDisk::kData));
    EXPECT_TRUE(is_untouched(disk, kOtherData));
    EXPECT_EQ(disk.status(), 0x0f);
  });
}

// 2.6.1.1: after the reset of a queue the device uses no buffer of it, and the queue can be had again.
TEST(LiveRings, AQueueResetInFlightTakesItsRequestsAway) {
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    RawDisk disk(machine);
    disk.bring_up();
    put_marks(disk);
    disk.submit_read(7);
    EXPECT_EQ(disk.used_index(), 0);
    machine.mmio_write16(kCommon + 0x16, 0);
    machine.mmio_write16(kCommon + 0x3a, 1);
    EXPECT_EQ(machine.mmio_read16(kCommon + 0x3a), 0);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 0);
    EXPECT_EQ(disk.request_status(), RawDisk::kUntouched);
    EXPECT_TRUE(is_untouched(disk, RawDisk::kData));

    disk.enable_queue();
    disk.submit_read(7);
    disk.settle();
    EXPECT_EQ(disk.used_index(), 1);
    EXPECT_EQ(disk.request_status(), 0);
  });
}

}  // namespace
}  // namespace ringside::tests::model_tests
