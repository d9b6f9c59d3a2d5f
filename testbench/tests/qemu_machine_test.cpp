// The real driver on QEMU as a machine: every way to complete, shared memory, the clock, and misuse.
#include <unistd.h>

#include <cstring>
#include <vector>

#include "driver/block/open.h"
#include "testbench/targets/harness.h"
#include "testbench/tests/qemu_fixture.h"

namespace ringside::targets {
namespace {

class QemuMachineTest : public QemuTest {
 protected:
  [[nodiscard]] std::vector<std::uint8_t> on_disk(std::uint64_t sector, std::size_t bytes) {
    std::vector<std::uint8_t> data(bytes);
    EXPECT_EQ(::pread(disk_.fd(), data.data(), bytes, static_cast<off_t>(sector * block::kSectorSize)),
              static_cast<ssize_t>(bytes));
    return data;
  }
};

class QemuCompletionTest : public QemuMachineTest, public testing::WithParamInterface<block::Completion> {};

TEST_P(QemuCompletionTest, ReadsAndWritesReachTheDisk) {
  QemuMachine machine = power_on();
  block::Options options;
  options.completion = GetParam();
  block::BlockDevice* const disk = block::open_disk(machine, hal::Plain{}, options);
  ASSERT_NE(disk, nullptr);
  const hal::DmaBuffer buffer = machine.alloc_dma_buffer(4096, 4096);
  for (std::uint64_t sector = 0; sector < 256; sector += 8) {
    ASSERT_EQ(disk->read(sector, buffer.cpu, 4096), block::Status::ok);
    ASSERT_EQ(std::memcmp(buffer.cpu, on_disk(sector, 4096).data(), 4096), 0);
  }
  std::memset(buffer.cpu, 0x5a, 4096);
  ASSERT_EQ(disk->write(16, buffer.cpu, 4096), block::Status::ok);
  EXPECT_EQ(on_disk(16, 4096), std::vector<std::uint8_t>(4096, 0x5a));
  disk->shutdown();
}

INSTANTIATE_TEST_SUITE_P(EveryWay, QemuCompletionTest,
                         testing::Values(block::Completion::msix, block::Completion::intx, block::Completion::polled),
                         [](const auto& way) {
                           return way.param == block::Completion::msix   ? "Msix"
                                  : way.param == block::Completion::intx ? "Intx"
                                                                         : "Polled";
                         });

TEST_F(QemuMachineTest, DiscardedAndZeroedSectorsReadBackAsZeroes) {
  QemuMachine machine = power_on();
  block::BlockDevice* const disk = block::open_disk(machine, hal::Plain{}, {});
  ASSERT_NE(disk, nullptr);
  ASSERT_EQ(disk->discard(3, 5), block::Status::ok);
  ASSERT_EQ(disk->write_zeroes(11, 1, true), block::Status::ok);
  ASSERT_EQ(disk->write_zeroes(13, 2, false), block::Status::ok);
  EXPECT_EQ(on_disk(3, 5 * 512), std::vector<std::uint8_t>(5 * 512, 0));
  EXPECT_EQ(on_disk(11, 512), std::vector<std::uint8_t>(512, 0));
  EXPECT_EQ(on_disk(13, 1024), std::vector<std::uint8_t>(1024, 0));
  const DiskImage untouched = DiskImage::generated(1u << 20, 1);
  std::vector<std::uint8_t> neighbour(512);
  for (const std::uint64_t sector : {2u, 8u, 10u, 12u, 15u}) {
    ASSERT_EQ(::pread(untouched.fd(), neighbour.data(), 512, static_cast<off_t>(sector * 512)), 512);
    EXPECT_EQ(on_disk(sector, 512), neighbour) << sector;
  }
  disk->shutdown();
}

TEST_F(QemuMachineTest, AnswersGetIdWithTheSerialOfEveryWorld) {
  QemuMachine machine = power_on();
  block::BlockDevice* const disk = block::open_disk(machine, hal::Plain{}, {});
  ASSERT_NE(disk, nullptr);
  const hal::DmaBuffer id = machine.alloc_dma_buffer(block::kIdSize, 16);
  ASSERT_EQ(disk->get_id(id.cpu), block::Status::ok);
  EXPECT_STREQ(static_cast<const char*>(id.cpu), serial_of(0).c_str());
  disk->shutdown();
}

// Vendor and device of a function on the root bus; all-ones when none answers.
std::uint32_t id_at(QemuMachine& machine, unsigned device) {
  machine.out32(0xcf8, 0x8000'0000 | device << 11);
  return machine.in32(0xcfc);
}

TEST_F(QemuMachineTest, ADiskLeavesItsSlotAndComesBack) {
  QemuMachine machine = power_on();
  ASSERT_EQ(id_at(machine, 4), 0x1001'1af4u);
  EXPECT_FALSE(machine.plug(0)) << "it is there";
  EXPECT_FALSE(machine.unplug(1)) << "there is no such disk";
  ASSERT_TRUE(machine.unplug(0));
  EXPECT_EQ(id_at(machine, 4), 0xffff'ffffu);
  EXPECT_FALSE(machine.unplug(0)) << "it is gone";
  ASSERT_TRUE(machine.plug(0));
  EXPECT_EQ(id_at(machine, 4), 0x1001'1af4u);
}

TEST_F(QemuMachineTest, Q35HasItsWindowsAndADiskBehindARootPortLeavesIt) {
  RunSettings settings;
  settings.machine = "q35";
  settings.devices = {"bus=port0", "addr=06.0"};
  const DiskImage disks[] = {DiskImage::generated(1u << 20, 1), DiskImage::generated(1u << 20, 2)};
  QemuMachine machine(default_qemu_path(), plan_machine(settings), disks, std::chrono::seconds(60));
  EXPECT_EQ(machine.info().ecam_window.base, 0xb000'0000u);
  machine.out32(0xcf8, 0x8000'0000 | 2u << 11 | 0x18);
  machine.out32(0xcfc, 0x0001'0100);  // bus 1 is behind port0
  const auto behind_port = [&] {
    machine.out32(0xcf8, 0x8001'0000);
    return machine.in32(0xcfc);
  };
  ASSERT_EQ(behind_port(), 0x1042'1af4u);
  EXPECT_FALSE(machine.unplug(1)) << "the root bus takes no hot plugging";
  EXPECT_EQ(id_at(machine, 6), 0x1001'1af4u);
  ASSERT_TRUE(machine.unplug(0));
  EXPECT_EQ(behind_port(), 0xffff'ffffu);
  ASSERT_TRUE(machine.plug(0));
  EXPECT_EQ(behind_port(), 0x1042'1af4u);
}

TEST_F(QemuMachineTest, ResizesItsDisk) {
  QemuMachine machine = power_on();
  EXPECT_TRUE(machine.resize_disk(0, 2u << 20));
  EXPECT_EQ(disk_.bytes(), 2u << 20);
  EXPECT_TRUE(machine.resize_disk(0, 512));
  EXPECT_EQ(disk_.bytes(), 512u);
}

TEST_F(QemuMachineTest, AWaitEndsAtItsDeadline) {
  QemuMachine machine = power_on();
  const std::uint64_t start = machine.now();
  EXPECT_FALSE(machine.wait(0, 0, start + 20 * hal::kMillisecond));
  EXPECT_FALSE(machine.wait(hal::line_vector(11), 0, start + 20 * hal::kMillisecond));
  EXPECT_GE(machine.now(), start + 20 * hal::kMillisecond);
}

TEST_F(QemuMachineTest, MessagesAreTakenOnceAndAimedBesideTheArena) {
  QemuMachine machine = power_on();
  for (unsigned vector = 0; vector < machine.info().msi_vectors; ++vector) {
    EXPECT_LT(machine.msi_message(vector).address, kArenaBase);
    EXPECT_NE(machine.msi_message(vector).data, 0u);
  }
  const hal::MsiMessage message = machine.msi_message(3);
  machine.mmio_write32(message.address, message.data);  // as the device would
  EXPECT_TRUE(machine.wait(3, 0, machine.now() + hal::kSecond));
  EXPECT_EQ(machine.interrupts(3), 1u);
  EXPECT_EQ(machine.interrupts(3), 1u);
  EXPECT_EQ(machine.interrupts(2), 0u);
}

TEST_F(QemuMachineTest, PostedWritesKeepTheirOrder) {
  QemuMachine machine = power_on();
  const hal::DmaBuffer buffer = machine.alloc_dma_buffer(4, 4);
  for (std::uint32_t value = 1; value <= 1000; ++value) {
    machine.mmio_write32(hal::raw(buffer.bus), value);
  }
  EXPECT_EQ(machine.mmio_read32(hal::raw(buffer.bus)), 1000u);
  std::uint32_t seen = 0;
  std::memcpy(&seen, buffer.cpu, sizeof seen);
  EXPECT_EQ(seen, 1000u);
}

TEST_F(QemuMachineTest, VectorsThatDoNotExistEndTheRun) {
  QemuMachine machine = power_on();
  EXPECT_THROW((void)machine.msi_message(machine.info().msi_vectors), RunAborted);
  EXPECT_THROW((void)machine.msi_message(hal::line_vector(11)), RunAborted);
  EXPECT_THROW((void)machine.interrupts(hal::line_vector(24)), RunAborted);
}

TEST_F(QemuMachineTest, TheRunsTimeIsUpInsideAnyWait) {
  QemuMachine machine = power_on(std::chrono::seconds(1));
  try {
    (void)machine.wait(0, 0, 60 * hal::kSecond);
    FAIL() << "the wait ended";
  } catch (const RunAborted& problem) {
    EXPECT_STREQ(problem.what(), "the run took longer than 1 s");
  }
}

}  // namespace
}  // namespace ringside::targets
