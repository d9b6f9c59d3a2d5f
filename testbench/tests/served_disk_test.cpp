// The model's function behind a client: its memory is the client's maps, and the client's driver runs at the same time.
#include "testbench/serve/served_disk.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "model/ram_storage.h"
#include "model/virtio.h"

namespace ringside::tests {
namespace {

using serve::ServedDisk;
using vfio_user::Descriptor;
using vfio_user::DmaMap;
using vfio_user::Irq;

constexpr std::uint64_t kMemoryBytes = 64 << 10;
constexpr std::uint64_t kSectors = 64;
constexpr std::uint32_t kBar = 4;  // common structure at 0, doorbells at kNotify
constexpr std::uint64_t kNotify = 0x3000;
constexpr std::uint16_t kSize = 8;
// In the client's memory.
constexpr std::uint64_t kQueue = 0x1000;
constexpr std::uint64_t kDriver = 0x2000;
constexpr std::uint64_t kDevice = 0x3000;
constexpr std::uint64_t kHeaders = 0x4000;
constexpr std::uint64_t kData = 0x5000;
constexpr std::uint64_t kAvailEvent = kDevice + 4 + 8 * kSize;

// Calls somebody at each access of the device to memory.
class Watch final : public model::Tap {
 public:
  std::function<void(std::uint64_t address, bool write)> on_dma = [](std::uint64_t, bool) {};

  void config_access(model::Picoseconds, std::uint16_t, const model::Access&) override {}
  void register_access(model::Picoseconds, model::Structure, const model::Access&) override {}
  void dma(model::Picoseconds, std::uint64_t address, std::uint64_t, bool write, model::DmaFailure) override {
    on_dma(address, write);
  }
  void doorbell(model::Picoseconds, std::uint16_t, std::uint32_t) override {}
  void fetch(model::Picoseconds, const model::FetchedRequest&) override {}
  void media(model::Picoseconds, std::uint64_t, std::uint64_t, bool, model::Picoseconds) override {}
  void complete(model::Picoseconds, std::uint16_t, std::uint32_t, std::uint8_t, std::uint32_t) override {}
  void used(model::Picoseconds, std::uint16_t, std::uint16_t) override {}
  void msi(model::Picoseconds, std::uint16_t) override {}
  void intx(model::Picoseconds, bool) override {}
  void status(model::Picoseconds, std::uint8_t) override {}
  void quirk(model::Picoseconds, unsigned) override {}
};

class ServedDiskTest : public testing::Test {
 protected:
  ServedDiskTest()
      : file_(::memfd_create("client", MFD_CLOEXEC)), storage_(contents_.data()), disk_(ServedDisk::instance()) {
    EXPECT_EQ(::ftruncate(file_.get(), kMemoryBytes), 0);
    memory_ =
        static_cast<std::uint8_t*>(::mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0));
    serve::ServedSetup setup;
    setup.disk.storage = &storage_;
    setup.disk.sectors = kSectors;
    setup.tap = &watch_;
    disk_.power_on(setup);
  }
  ~ServedDiskTest() override {
    disk_.unmap_all();
    ::munmap(memory_, kMemoryBytes);
  }

  int map(std::uint64_t address, std::uint64_t bytes, std::uint64_t offset = 0) {
    const DmaMap map{sizeof(DmaMap), vfio_user::kDmaReadable | vfio_user::kDmaWritable, offset, address, bytes};
    return disk_.map(map, Descriptor(::dup(file_.get())));
  }
  void write(std::uint32_t region, std::uint64_t offset, std::uint64_t value, std::size_t size) {
    std::array<std::uint8_t, 8> bytes{};
    std::memcpy(bytes.data(), &value, sizeof value);
    disk_.write(region, offset, std::span(bytes).first(size));
  }
  std::uint64_t read(std::uint32_t region, std::uint64_t offset, std::size_t size) {
    std::array<std::uint8_t, 8> bytes{};
    disk_.read(region, offset, std::span(bytes).first(size));
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  template <class T>
  void put(std::uint64_t address, T value) {
    std::memcpy(memory_ + address, &value, sizeof value);
  }
  template <class T>
  T get(std::uint64_t address) {
    T value;
    std::memcpy(&value, memory_ + address, sizeof value);
    return value;
  }

  // To DRIVER_OK, with EVENT_IDX and one queue (VIRTIO 1.2, 3.1.1 and 4.1.4.3).
  void bring_up() {
    write(vfio_user::kConfig, 4, 6, 2);  // memory and bus master
    write(kBar, 20, 3, 1);
    write(kBar, 12, model::VIRTIO_F_EVENT_IDX, 4);
    write(kBar, 8, 1, 4);
    write(kBar, 12, model::VIRTIO_F_VERSION_1 >> 32, 4);
    write(kBar, 20, 11, 1);
    write(kBar, 24, kSize, 2);
    write(kBar, 26, 1, 2);  // its MSI-X vector
    write(kBar, 32, kQueue, 4);
    write(kBar, 40, kDriver, 4);
    write(kBar, 48, kDevice, 4);
    write(kBar, 28, 1, 2);
    write(kBar, 20, 15, 1);
  }
  // Makes the n-th read available, of one sector, three descriptors each; n from 0.
  void make_available(std::uint16_t n) {
    struct Link {
      std::uint64_t address;
      std::uint32_t length;
      std::uint16_t flags;
      std::uint16_t next;
    };
    const auto head = static_cast<std::uint16_t>(3 * n);
    const std::uint64_t data = kData + 0x400u * n;
    put(kQueue + 16u * head, Link{kHeaders + 16u * n, 16, 1, static_cast<std::uint16_t>(head + 1)});
    put(kQueue + 16u * (head + 1), Link{data, 512, 3, static_cast<std::uint16_t>(head + 2)});
    put(kQueue + 16u * (head + 2), Link{data + 512, 1, 2, 0});
    put(kHeaders + 16u * n + 8, std::uint64_t{n});
    put(data + 512, std::uint8_t{0xff});
    put(kDriver + 4 + 2u * n, head);
    put(kDriver + 2, static_cast<std::uint16_t>(n + 1));
  }
  void ring() {
    write(kBar, kNotify, 0, 2);
    while (!disk_.settle(1)) {
    }
  }
  std::uint16_t used() { return get<std::uint16_t>(kDevice + 2); }

  Descriptor file_;
  std::uint8_t* memory_ = nullptr;
  std::array<std::uint8_t, kSectors * 512> contents_{};
  model::RamStorage storage_;
  Watch watch_;
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

TEST_F(ServedDiskTest, AnswersInNoBarThatIsSwitchedOff) {
  EXPECT_EQ(read(kBar, 18, 2), 0xffffu);
  write(vfio_user::kConfig, 4, 2, 2);
  EXPECT_EQ(read(kBar, 18, 2), 1u) << "queues";
  disk_.reset();
  EXPECT_EQ(read(kBar, 18, 2), 0xffffu);
}

}  // namespace
}  // namespace ringside::tests
