// What can be seen of a client's driver from the outside: records as of a driver that runs beside the bench.
#include "testbench/serve/client_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "model/ram_storage.h"
#include "testbench/targets/model_recorder.h"
#include "testbench/tests/dma_tap.h"
#include "testbench/tests/served_driver.h"
#include "testbench/trace/memory_log.h"

namespace ringside::tests {
namespace {

using serve::ClientWatch;
using serve::ServedDisk;
using trace::Kind;
using trace::Record;

constexpr std::uint64_t kSectors = 64;
constexpr std::uint64_t kDeviceStatus = 20;  // in the common structure
constexpr std::uint64_t kNumQueues = 18;

class ClientWatchTest : public testing::Test {
 protected:
  ClientWatchTest() {
    power_on(watch_);
    recorder_.finish();
    EXPECT_TRUE(log_.records().empty()) << "what the bench reads for itself";
  }
  ~ClientWatchTest() override { watch_.unmap_all(); }

  void power_on(ClientWatch& watch) {
    serve::ServedSetup setup;
    setup.disk.storage = &storage_;
    setup.disk.sectors = kSectors;
    setup.tap = &watch;
    disk_.power_on(setup);
    watch.power_on();
  }
  void settle() {
    while (!disk_.settle(1)) {
    }
    recorder_.finish();
  }
  [[nodiscard]] std::vector<Record> all(Kind kind) const {
    std::vector<Record> found;
    std::ranges::copy_if(log_.records(), std::back_inserter(found),
                         [kind](const Record& record) { return record.kind == kind; });
    return found;
  }
  // Where the n-th of a kind stands in the log; n from 1.
  [[nodiscard]] std::ptrdiff_t place(Kind kind, std::ptrdiff_t nth = 1) const {
    const std::vector<Record>& records = log_.records();
    const auto found =
        std::ranges::find_if(records, [&](const Record& record) { return record.kind == kind && --nth == 0; });
    EXPECT_NE(found, records.end());
    return found - records.begin();
  }

  std::array<std::uint8_t, kSectors * 512> contents_{};
  model::RamStorage storage_{contents_.data()};
  trace::MemoryLog log_;
  targets::ModelRecorder recorder_{log_};
  ServedDisk& disk_ = ServedDisk::instance();
  ClientWatch watch_{disk_, recorder_.disk(0), recorder_};
  ServedDriver driver_{watch_};
};

TEST_F(ClientWatchTest, SeesAReadFromTheRingToTheEnd) {
  ASSERT_EQ(driver_.map(0, ServedDriver::kMemoryBytes), 0);
  driver_.bring_up();
  driver_.make_available(0);
  driver_.ring_bell();
  settle();
  ASSERT_EQ(driver_.used(), 1);
  EXPECT_LT(place(Kind::queue_enabled), place(Kind::avail_publish));
  EXPECT_LT(place(Kind::avail_publish), place(Kind::doorbell)) << "what a doorbell announces was there before it";
  EXPECT_LT(place(Kind::doorbell), place(Kind::dev_fetch));
  EXPECT_LT(place(Kind::dev_used), place(Kind::completion));
  const std::vector<Record> requests = all(Kind::request);
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].flags, 0) << "IN";
  EXPECT_EQ(requests[0].length, 512u);
  EXPECT_EQ(requests[0].tap, trace::Tap::driver);
  const std::vector<Record> accepted = all(Kind::features);
  ASSERT_FALSE(accepted.empty());
  EXPECT_EQ(accepted.back().value, model::VIRTIO_F_EVENT_IDX | model::VIRTIO_F_VERSION_1);
}

// A chain that comes after the device's last look and before it says what it wants to be told of (2.7.10).
TEST_F(ClientWatchTest, SeesWhatComesWithoutADoorbell) {
  DmaTap between;
  ClientWatch watch(disk_, between, recorder_);
  ServedDriver driver(watch);
  power_on(watch);
  between.on_dma = [&, added = false](std::uint64_t address, bool is_write) mutable {
    if (is_write && address == ServedDriver::kAvailEvent && !std::exchange(added, true)) {
      driver.make_available(1);
    }
  };
  ASSERT_EQ(driver.map(0, ServedDriver::kMemoryBytes), 0);
  driver.bring_up();
  driver.make_available(0);
  driver.ring_bell();
  settle();
  ASSERT_EQ(driver.used(), 2);
  EXPECT_EQ(all(Kind::avail_publish).size(), 2u);
  EXPECT_EQ(all(Kind::completion).size(), 2u);
  EXPECT_EQ(all(Kind::doorbell).size(), 1u);
}

TEST_F(ClientWatchTest, TakesACopyOfConfigurationSpaceForTheClients) {
  std::array<std::uint8_t, 256> copy{};
  watch_.read(vfio_user::kConfig, 0, copy);
  recorder_.finish();
  EXPECT_TRUE(all(Kind::config_read).empty());
  EXPECT_FALSE(all(Kind::dev_config).empty());
  EXPECT_EQ(driver_.read(vfio_user::kConfig, 0, 2), 0x1af4u);
  ASSERT_EQ(all(Kind::config_read).size(), 1u);
  EXPECT_EQ(all(Kind::config_read)[0].value, 0x1af4u);
}

// Addresses of BARs are the client's affair, and may be anything while it sizes them.
TEST_F(ClientWatchTest, KnowsAStructureWhereverTheClientPutsIt) {
  driver_.write(vfio_user::kConfig, 0x10 + 4 * ServedDriver::kBar, 0xffff'ffff, 4);
  driver_.write(vfio_user::kConfig, 4, 2, 2);
  EXPECT_EQ(driver_.read(ServedDriver::kBar, kNumQueues, 2), 1u);
  const std::vector<Record> reads = all(Kind::register_read);
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].region, static_cast<std::uint32_t>(trace::Structure::common));
  EXPECT_EQ(reads[0].offset, kNumQueues);
}

TEST_F(ClientWatchTest, AResetOfTheMachineIsAStatusOfZero) {
  ASSERT_EQ(driver_.map(0, ServedDriver::kMemoryBytes), 0);
  driver_.bring_up();
  EXPECT_EQ(all(Kind::device_status).back().value, 15u);
  watch_.reset();
  EXPECT_EQ(all(Kind::device_status).back().value, 0u);
  EXPECT_EQ(driver_.read(vfio_user::kConfig, 4, 2) & 6, 0u) << "the function was reset, too";
}

// Rings that the client has taken back are not looked into.
TEST_F(ClientWatchTest, LooksIntoNoRingThatIsGone) {
  ASSERT_EQ(driver_.map(0, ServedDriver::kMemoryBytes), 0);
  driver_.bring_up();
  driver_.make_available(0);
  ASSERT_EQ(watch_.unmap(0, ServedDriver::kMemoryBytes), 0);
  driver_.ring_bell();
  settle();
  EXPECT_TRUE(all(Kind::avail_publish).empty());
  EXPECT_EQ(driver_.read(ServedDriver::kBar, kDeviceStatus, 1) & model::VIRTIO_CONFIG_S_NEEDS_RESET,
            model::VIRTIO_CONFIG_S_NEEDS_RESET);
}

}  // namespace
}  // namespace ringside::tests
