// A fault plan on a served disk: what a device can do, at the events of a driver that is seen from outside.
#include "testbench/serve/served_faults.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "model/ram_storage.h"
#include "testbench/serve/client_watch.h"
#include "testbench/targets/model_recorder.h"
#include "testbench/tests/served_driver.h"
#include "testbench/trace/memory_log.h"

namespace ringside::tests {
namespace {

using serve::ServedDisk;
using serve::ServedFaults;
using vfio_user::Descriptor;

constexpr std::uint64_t kSectors = 64;
constexpr std::uint64_t kDeviceStatus = 20;
constexpr std::uint8_t kIoError = 1;  // VIRTIO_BLK_S_IOERR

faults::Plan plan_of(const std::string& lines) { return faults::parse_plan("[[fault]]\n" + lines, "plan.toml"); }

class ServedFaultsTest : public testing::Test {
 protected:
  ~ServedFaultsTest() override { ServedDisk::instance().unmap_all(); }

  // A client whose driver is up, with this plan.
  void begin(const std::string& lines) {
    plan_ = plan_of(lines);
    ASSERT_EQ(ServedFaults::gap(plan_), "");
    faults_.emplace(plan_, disk_, recorder_);
    watch_.emplace(disk_, recorder_.disk(0), *faults_);
    driver_.emplace(*watch_);
    serve::ServedSetup setup;
    setup.disk.storage = &storage_;
    setup.disk.sectors = kSectors;
    setup.tap = &*watch_;
    disk_.power_on(setup);
    watch_->power_on();
    faults_->power_on();
    ASSERT_EQ(driver_->map(0, ServedDriver::kMemoryBytes), 0);
    driver_->bring_up();
    settle();
  }
  void settle() {
    while (!disk_.settle(1)) {
    }
    faults_->settle();
  }
  void read_sector(std::uint16_t n) {
    driver_->make_available(n);
    driver_->put(ServedDriver::kDriver + 4 + 2 * ServedDriver::kSize, n);  // used_event: an interrupt for each
    driver_->ring_bell();
    settle();
  }
  [[nodiscard]] std::uint64_t fired() const { return faults_->counts().front().fired; }
  [[nodiscard]] std::uint64_t fault_records() {
    recorder_.finish();
    std::uint64_t count = 0;
    for (const trace::Record& record : log_.records()) {
      count += record.kind == trace::Kind::dev_fault ? 1 : 0;
    }
    return count;
  }
  [[nodiscard]] std::uint64_t status() { return driver_->read(ServedDriver::kBar, kDeviceStatus, 1); }

  std::array<std::uint8_t, kSectors * 512> contents_{};
  model::RamStorage storage_{contents_.data()};
  trace::MemoryLog log_;
  targets::ModelRecorder recorder_{log_};
  ServedDisk& disk_ = ServedDisk::instance();
  faults::Plan plan_;
  std::optional<ServedFaults> faults_;
  std::optional<serve::ClientWatch> watch_;
  std::optional<ServedDriver> driver_;
};

TEST_F(ServedFaultsTest, RefusesWhatADeviceCannotDo) {
  EXPECT_NE(ServedFaults::gap(plan_of("on = \"doorbell\"\naction = \"used-id\"\nvalue = 3\n")), "");
  EXPECT_NE(ServedFaults::gap(plan_of("on = \"doorbell\"\naction = \"removed\"\nunit = 1\n")), "");
  EXPECT_EQ(ServedFaults::gap(plan_of("on = \"doorbell\"\naction = \"removed\"\n")), "");
}

TEST_F(ServedFaultsTest, NeedsAResetAfterTheSecondDoorbell) {
  begin("on = \"doorbell\"\nnth = 2\naction = \"needs-reset\"\n");
  read_sector(0);
  EXPECT_EQ(status(), 15u);
  EXPECT_EQ(fired(), 0u);
  read_sector(1);
  EXPECT_EQ(status(), 15u | model::VIRTIO_CONFIG_S_NEEDS_RESET);
  EXPECT_EQ(fired(), 1u);
  EXPECT_EQ(fault_records(), 1u);
}

TEST_F(ServedFaultsTest, IsGoneWhenItIsRemoved) {
  begin("on = \"avail_publish\"\naction = \"removed\"\n");
  EXPECT_EQ(status(), 15u);
  read_sector(0);
  EXPECT_EQ(status(), 0xffu);
  EXPECT_EQ(driver_->read(vfio_user::kConfig, 0, 4), 0xffff'ffffu);
  EXPECT_EQ(fired(), 1u);
}

TEST_F(ServedFaultsTest, FailsTheReadsOfOneSector) {
  begin("on = \"queue_enabled\"\naction = \"media-error\"\nrequest = \"read\"\nsector = 1\ntimes = 9\n");
  read_sector(0);
  EXPECT_EQ(driver_->status_of(0), 0);
  EXPECT_EQ(fired(), 0u);
  read_sector(1);
  EXPECT_EQ(driver_->status_of(1), kIoError);
  EXPECT_EQ(fired(), 1u);
}

// It has happened when an interrupt would have gone, not when the plan says so.
TEST_F(ServedFaultsTest, LosesTheNextInterrupt) {
  begin("on = \"doorbell\"\naction = \"lost-interrupt\"\n");
  const Descriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const auto came = [&event] {
    std::uint64_t count = 0;
    return ::read(event.get(), &count, sizeof count) == static_cast<ssize_t>(sizeof count);
  };
  watch_->connect(vfio_user::Irq::intx, 0, Descriptor(::dup(event.get())));
  read_sector(0);
  EXPECT_EQ(driver_->used(), 1);
  EXPECT_FALSE(came());
  EXPECT_EQ(fired(), 1u);
  constexpr std::uint64_t kIsr = 0x1000;
  EXPECT_EQ(driver_->read(ServedDriver::kBar, kIsr, 1), 1u) << "it was raised";
  watch_->mask(vfio_user::Irq::intx, 0, false);
  read_sector(1);
  EXPECT_TRUE(came());
  EXPECT_EQ(fired(), 1u);
}

}  // namespace
}  // namespace ringside::tests
