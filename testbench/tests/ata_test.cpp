// The ATA driver on the model's drive, behind ports that the test holds: what it finds where, what it sends, and what
// becomes of a drive that fails, hangs or goes away.
#include "driver/block/ata.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "model/ata_drive.h"
#include "testbench/tests/memory_machine.h"

namespace ringside::tests {
namespace {

using block::Status;

constexpr std::uint8_t kFlushCacheExt = 0xea;
constexpr std::uint8_t kSoftwareReset = 0x04;

class BytesStorage final : public model::Storage {
 public:
  explicit BytesStorage(std::size_t sectors) : bytes(sectors * 512) {}
  bool read(std::uint64_t offset, void* data, std::uint64_t size) override {
    std::memcpy(data, bytes.data() + offset, size);
    return offset / 512 != bad_sector;
  }
  bool write(std::uint64_t offset, const void* data, std::uint64_t size) override {
    std::memcpy(bytes.data() + offset, data, size);
    return offset / 512 != bad_sector;
  }
  bool write_zeroes(std::uint64_t, std::uint64_t) override { return false; }
  bool flush() override { return flushes; }

  std::vector<std::uint8_t> bytes;
  std::uint64_t bad_sector = ~std::uint64_t{0};
  bool flushes = true;
};

enum class Fault : std::uint8_t { none, floating, no_drive, hangs, packet, removed };

// One drive, first on the first channel, whose time is the machine's.
class IdeMachine final : public MemoryMachine {
 public:
  explicit IdeMachine(std::size_t sectors) : storage(sectors) { power_on(sectors); }
  void power_on(std::uint64_t claimed_sectors) { drive.power_on({&storage, claimed_sectors, "serial-7"}, {}); }

  std::uint8_t in8(std::uint16_t port) override {
    time += 100;
    if (fault == Fault::floating || fault == Fault::removed) {
      return 0xff;
    }
    const bool status = port == 0x1f7 || port == 0x3f6;
    if (!first(port) || fault == Fault::no_drive) {
      return 0;
    }
    if (fault == Fault::hangs && status && !commands.empty() && commands.back() != 0xec) {
      return 0x80;
    }
    if (fault == Fault::packet && (port == 0x1f4 || port == 0x1f5) && !commands.empty()) {
      return port == 0x1f4 ? 0x14 : 0xeb;
    }
    return status ? drive.status(now_ps()) : drive.read(port - 0x1f0u, now_ps());
  }
  std::uint16_t in16(std::uint16_t port) override {
    return first(port) && port == 0x1f0 ? drive.read_data(now_ps()) : std::uint16_t{0xffff};
  }
  void out8(std::uint16_t port, std::uint8_t value) override {
    if (port == 0x3f6) {
      resets += (value & kSoftwareReset) != 0 ? 1 : 0;
      if ((value & kSoftwareReset) != 0) {
        commands.clear();
      }
      drive.write_control(value);
    } else if (port == 0x1f6) {
      second_selected = (value & 0x10) != 0;
      drive.write(6, value, now_ps());
    } else if (port > 0x1f0 && port < 0x1f8) {
      if (port == 0x1f7 && !second_selected) {
        commands.push_back(value);
      }
      drive.write(port - 0x1f0u, value, now_ps());
    }
  }
  void out16(std::uint16_t port, std::uint16_t value) override {
    if (port == 0x1f0) {
      drive.write_data(value, now_ps());
    }
  }
  void relax(std::uint64_t deadline) override { time = std::max(time, deadline); }

  BytesStorage storage;
  model::AtaDrive drive;
  Fault fault = Fault::none;
  std::vector<std::uint8_t> commands;
  unsigned resets = 0;
  bool second_selected = false;

 private:
  [[nodiscard]] bool first(std::uint16_t port) const {
    return ((port >= 0x1f0 && port < 0x1f8) || port == 0x3f6) && !second_selected;
  }
  [[nodiscard]] model::Picoseconds now_ps() const { return time * 1000; }
};

TEST(Ata, ADriveIsFoundAndNamed) {
  IdeMachine machine(1000);
  block::AtaDisk* const disk = block::AtaDisk::open(machine);
  ASSERT_NE(disk, nullptr);
  EXPECT_EQ(disk->info().sectors, 1000u);
  EXPECT_TRUE(disk->info().flush);
  char id[20];
  EXPECT_EQ(disk->get_id(id), Status::ok);
  EXPECT_STREQ(id, "serial-7");
}

TEST(Ata, WhereNothingIsNothingIsFound) {
  for (const Fault fault : {Fault::floating, Fault::no_drive, Fault::packet}) {
    IdeMachine machine(1000);
    machine.fault = fault;
    EXPECT_EQ(block::AtaDisk::open(machine), nullptr);
    EXPECT_EQ(machine.lines.back(), "[ATA] No drive");
    EXPECT_LT(machine.time, 10 * hal::kSecond);
  }
}

TEST(Ata, ACapacityThatMakesNoSenseIsRefused) {
  IdeMachine machine(8);
  machine.power_on(0);
  EXPECT_EQ(block::AtaDisk::open(machine), nullptr);
}

TEST(Ata, EverySectorGoesWhereItBelongs) {
  IdeMachine machine(2000);
  block::AtaDisk* const disk = block::AtaDisk::open(machine);
  ASSERT_NE(disk, nullptr);
  std::vector<std::uint8_t> data(700 * 512);
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<std::uint8_t>(i * 7 + i / 512);
  }
  EXPECT_EQ(disk->write(1234, data.data(), 700 * 512), Status::ok) << "three commands";
  EXPECT_EQ(std::memcmp(machine.storage.bytes.data() + 1234 * 512, data.data(), data.size()), 0);
  EXPECT_EQ(std::count(machine.storage.bytes.begin(), machine.storage.bytes.begin() + 1234 * 512, 0), 1234 * 512);
  std::vector<std::uint8_t> found(data.size());
  EXPECT_EQ(disk->read(1234, found.data(), 700 * 512), Status::ok);
  EXPECT_EQ(found, data);
}

TEST(Ata, AFlushIsSentAndItsFailureTold) {
  IdeMachine machine(100);
  block::AtaDisk* const disk = block::AtaDisk::open(machine);
  ASSERT_NE(disk, nullptr);
  EXPECT_EQ(disk->flush(), Status::ok);
  EXPECT_EQ(machine.commands.back(), kFlushCacheExt);
  machine.storage.flushes = false;
  EXPECT_NE(disk->flush(), Status::ok);
}

TEST(Ata, ABadSectorFailsItsRequestAndNoOther) {
  IdeMachine machine(100);
  block::AtaDisk* const disk = block::AtaDisk::open(machine);
  ASSERT_NE(disk, nullptr);
  machine.storage.bad_sector = 50;
  std::uint8_t data[4 * 512] = {};
  EXPECT_EQ(disk->read(48, data, sizeof data), Status::io_error);
  EXPECT_EQ(disk->write(47, data, sizeof data), Status::io_error);
  EXPECT_EQ(disk->read(51, data, sizeof data), Status::ok);
  EXPECT_EQ(disk->counters().resets, 0u);
}

TEST(Ata, ADriveThatHangsIsResetAtTheDeadline) {
  IdeMachine machine(100);
  block::AtaDisk* const disk = block::AtaDisk::open(machine);
  ASSERT_NE(disk, nullptr);
  machine.fault = Fault::hangs;
  std::uint8_t data[512];
  const std::uint64_t before = machine.time;
  EXPECT_EQ(disk->read(0, data, sizeof data), Status::timed_out);
  EXPECT_LT(machine.time - before, 8 * hal::kSecond);
  EXPECT_EQ(machine.resets, 1u);
  EXPECT_EQ(disk->counters().timeouts, 1u);
  machine.fault = Fault::none;
  EXPECT_EQ(disk->read(0, data, sizeof data), Status::ok) << "it works again";
}

TEST(Ata, ADriveThatIsPulledOutIsLostAtOnce) {
  IdeMachine machine(100);
  block::AtaDisk* const disk = block::AtaDisk::open(machine);
  ASSERT_NE(disk, nullptr);
  machine.fault = Fault::removed;
  std::uint8_t data[512];
  const std::uint64_t before = machine.time;
  EXPECT_EQ(disk->read(0, data, sizeof data), Status::device_lost);
  EXPECT_EQ(disk->flush(), Status::device_lost);
  EXPECT_LT(machine.time - before, hal::kSecond);
}

TEST(Ata, WhatWaitsAtShutdownIsLost) {
  IdeMachine machine(100);
  block::AtaDisk* const disk = block::AtaDisk::open(machine);
  ASSERT_NE(disk, nullptr);
  std::uint8_t data[512];
  const block::Segment segment{data, sizeof data};
  block::Request requests[3];
  for (block::Request& request : requests) {
    request.segments = &segment;
    request.segment_count = 1;
    block::Request* const one = &request;
    ASSERT_EQ(disk->submit(&one, 1), 1u);
  }
  disk->shutdown();
  EXPECT_EQ(disk->in_flight(), 0u);
  for (const block::Request& request : requests) {
    EXPECT_EQ(request.status, Status::device_lost);
  }
}

}  // namespace
}  // namespace ringside::tests
