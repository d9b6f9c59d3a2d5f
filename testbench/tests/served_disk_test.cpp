// The model's function behind a client: its memory is the client's maps, and the client's driver runs at the same time.
#include "testbench/serve/served_disk.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

#include "model/ram_storage.h"
#include "model/virtio.h"
#include "testbench/tests/dma_tap.h"
#include "testbench/tests/served_driver.h"

namespace ringside::tests {
namespace {

using serve::ServedDisk;
using vfio_user::Descriptor;
using vfio_user::Irq;

constexpr std::uint64_t kSectors = 64;

class ServedDiskTest : public testing::Test, protected ServedDriver {
 protected:
  ServedDiskTest() : ServedDriver(ServedDisk::instance()), storage_(contents_.data()), disk_(ServedDisk::instance()) {
    power_on();
  }
  ~ServedDiskTest() override { disk_.unmap_all(); }

  void power_on(serve::Pace pace = serve::Pace::free, std::uint64_t media_read_ns = 8000) {
    serve::ServedSetup setup;
    setup.disk.storage = &storage_;
    setup.disk.sectors = kSectors;
    setup.latencies.media_read_ns = media_read_ns;
    setup.tap = &watch_;
    setup.pace = pace;
    disk_.power_on(setup);
  }
  void ring() {
    ring_bell();
    while (!disk_.settle(1)) {
    }
  }

  std::array<std::uint8_t, kSectors * 512> contents_{};
  model::RamStorage storage_;
  DmaTap watch_;
  ServedDisk& disk_;
};

std::uint64_t count_of(const Descriptor& event) {
  std::uint64_t count = 0;
  return ::read(event.get(), &count, sizeof count) == static_cast<ssize_t>(sizeof count) ? count : 0;
}

Descriptor make_event() { return Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

TEST_F(ServedDiskTest, ReadsIntoTheClientsMemory) {
  contents_.fill(0x5a);
  ASSERT_EQ(map(0, kMemoryBytes), 0);
  bring_up();
  make_available(0);
  ring();
  EXPECT_EQ(used(), 1);
  EXPECT_EQ(get<std::uint8_t>(kData + 512), 0);
  EXPECT_EQ(get<std::uint8_t>(kData + 511), 0x5a);
}

// The driver makes a chain available after the device's last look and before it has seen what the device then asks for:
// by its old event index it need not ring (2.7.10).
TEST_F(ServedDiskTest, LooksAgainAfterItHasAskedForANotification) {
  ASSERT_EQ(map(0, kMemoryBytes), 0);
  bring_up();
  make_available(0);
  bool late = false;
  watch_.on_dma = [&](std::uint64_t address, bool is_write) {
    if (is_write && address == kAvailEvent && !std::exchange(late, true)) {
      make_available(1);
    }
  };
  ring();
  EXPECT_TRUE(late);
  EXPECT_EQ(used(), 2);
}

TEST_F(ServedDiskTest, ReachesWhatIsMappedAndNoMore) {
  ASSERT_EQ(map(0, kData), 0);
  EXPECT_EQ(map(kData - 0x1000, 0x2000), EEXIST);
  EXPECT_EQ(map(kData + 0x800, 0x1000), EINVAL) << "no whole pages";
  EXPECT_EQ(map(kData, kMemoryBytes), 0) << "as far as the file goes";
  EXPECT_EQ(disk_.unmap(kData, 0x1000), ENOENT) << "not as it was mapped";
  ASSERT_EQ(disk_.unmap(kData, kMemoryBytes), 0);
  EXPECT_EQ(map(kData, kMemoryBytes, 0x1000), EINVAL) << "the file is shorter";
  bring_up();
  make_available(0);
  ring();
  EXPECT_EQ(used(), 0);
  EXPECT_EQ(read(kBar, 20, 1) & model::VIRTIO_CONFIG_S_NEEDS_RESET, model::VIRTIO_CONFIG_S_NEEDS_RESET);

  ASSERT_EQ(map(kData, 0x1000, kData), 0);
  write(kBar, 20, 0, 1);
  put(kDevice, std::uint32_t{0});
  bring_up();
  make_available(0);
  ring();
  EXPECT_EQ(used(), 1) << "mapped while it runs";
}

TEST_F(ServedDiskTest, TellsOfRamThatItCannotReach) {
  EXPECT_FALSE(disk_.ram_out_of_reach());
  const vfio_user::DmaMap rom{sizeof(vfio_user::DmaMap), vfio_user::kDmaReadable, 0, 0xf'0000, 0x1'0000};
  ASSERT_EQ(disk_.map(rom, {}), 0);
  ASSERT_EQ(map(0, kMemoryBytes), 0);
  EXPECT_FALSE(disk_.ram_out_of_reach()) << "a ROM has no file, and that is that";
  disk_.unmap_all();
  const vfio_user::DmaMap ram{sizeof(vfio_user::DmaMap), vfio_user::kDmaReadable, 0, 0, kMemoryBytes};
  ASSERT_EQ(disk_.map(ram, {}), 0);
  EXPECT_TRUE(disk_.ram_out_of_reach());
}

TEST_F(ServedDiskTest, KeepsAMessageThatNobodyListensTo) {
  ASSERT_EQ(map(0, kMemoryBytes), 0);
  constexpr std::uint64_t kMsixControl = 0x98 + 2;
  bring_up();
  write(vfio_user::kConfig, kMsixControl, 0x8000, 2);
  make_available(0);
  ring();
  ASSERT_EQ(used(), 1);
  EXPECT_EQ(read(1, 0x800, 4), 2u) << "vector 1 is pending";
  Descriptor event = make_event();
  disk_.connect(Irq::msix, 1, Descriptor(::dup(event.get())));
  EXPECT_EQ(count_of(event), 1u);
  EXPECT_EQ(read(1, 0x800, 4), 0u);
}

// VFIO's automasked level: one event until the client says that it has dealt with it, and one more while it is high.
TEST_F(ServedDiskTest, TellsOfThePinAgainWhileItIsHigh) {
  ASSERT_EQ(map(0, kMemoryBytes), 0);
  Descriptor event = make_event();
  disk_.connect(Irq::intx, 0, Descriptor(::dup(event.get())));
  bring_up();
  make_available(0);
  ring();
  EXPECT_EQ(count_of(event), 1u);
  disk_.mask(Irq::intx, 0, false);
  EXPECT_EQ(count_of(event), 1u) << "nobody has read the ISR";
  EXPECT_EQ(read(kBar, 0x1000, 1), 1u);
  put(kDriver + 4 + 2 * kSize, std::uint16_t{1});  // an interrupt for the next one, too
  make_available(1);
  ring();
  EXPECT_EQ(count_of(event), 0u) << "the client has not dealt with the first";
  disk_.mask(Irq::intx, 0, false);
  EXPECT_EQ(count_of(event), 1u);
  EXPECT_EQ(read(kBar, 0x1000, 1), 1u);
  disk_.mask(Irq::intx, 0, false);
  EXPECT_EQ(count_of(event), 0u);
}

// Who has interrupts go straight into a guest unmasks the pin by an event, too.
TEST_F(ServedDiskTest, TakesAnEventForAnUnmask) {
  ASSERT_EQ(map(0, kMemoryBytes), 0);
  Descriptor event = make_event();
  Descriptor unmask = make_event();
  disk_.connect(Irq::intx, 0, Descriptor(::dup(event.get())));
  const unsigned before = disk_.unmask_events();
  disk_.unmask_by(Descriptor(::dup(unmask.get())));
  EXPECT_NE(disk_.unmask_events(), before);
  bring_up();
  make_available(0);
  ring();
  EXPECT_EQ(count_of(event), 1u);
  disk_.take_unmask_event();
  EXPECT_EQ(count_of(event), 0u) << "nothing was signalled";
  ASSERT_EQ(::eventfd_write(unmask.get(), 1), 0);
  disk_.take_unmask_event();
  EXPECT_EQ(count_of(event), 1u) << "the pin is still high";
  EXPECT_EQ(count_of(unmask), 0u);
  disk_.connect(Irq::intx, 0, {});
  EXPECT_EQ(disk_.unmask_event(), -1) << "it goes with the pin's own";
}

TEST_F(ServedDiskTest, NeverWaitsForAClientThatTakesNoEvents) {
  ASSERT_EQ(map(0, kMemoryBytes), 0);
  const Descriptor event(::eventfd(0, EFD_CLOEXEC));
  ASSERT_EQ(::eventfd_write(event.get(), ~std::uint64_t{0} - 1), 0) << "one more would block";
  disk_.connect(Irq::intx, 0, Descriptor(::dup(event.get())));
  bring_up();
  make_available(0);
  ring();
  EXPECT_EQ(used(), 1);
}

TEST_F(ServedDiskTest, AtTheRealPaceARequestTakesItsTime) {
  constexpr std::chrono::milliseconds kRead{30};
  power_on(serve::Pace::real, std::chrono::nanoseconds(kRead).count());
  ASSERT_EQ(map(0, kMemoryBytes), 0);
  bring_up();
  EXPECT_FALSE(disk_.due());
  make_available(0);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(disk_.settle(1)) << "nothing is to be done, and time goes on";
  ring();
  const auto due = disk_.due();
  ASSERT_TRUE(due);
  EXPECT_GE(*due, start + kRead);
  EXPECT_TRUE(used() == 0 || std::chrono::steady_clock::now() >= start + kRead);
  std::this_thread::sleep_until(*due);
  EXPECT_TRUE(disk_.settle(1));
  EXPECT_EQ(used(), 1);
  EXPECT_FALSE(disk_.due());
  EXPECT_GE(disk_.now(), std::uint64_t{kRead.count()} * 1'000'000'000) << "in picoseconds";
}

TEST_F(ServedDiskTest, AnswersInNoBarThatIsSwitchedOff) {
  EXPECT_EQ(read(kBar, 18, 2), 0xffffu);
  write(vfio_user::kConfig, 4, 2, 2);
  EXPECT_EQ(read(kBar, 18, 2), 1u) << "queues";
  disk_.reset();
  EXPECT_EQ(read(kBar, 18, 2), 0xffffu);
}

}  // namespace
}  // namespace ringside::tests
