// A device that lies, leaves, or is cut off: what the driver believes, and what it does about it. Each of these had
// gone wrong in a fault campaign.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "driver/block/open.h"
#include "driver/hal/memory.h"
#include "driver/pci/registers.h"
#include "driver/virtio/spec.h"
#include "testbench/faults/plan.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/forwarding_machine.h"
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

using block::Status;
using scenarios::Ask;

constexpr std::uint32_t kBytes = block::kBlockSize;
constexpr std::uint64_t kTimeout = 50 * hal::kMillisecond;

// A machine that knows the disk's common configuration by the first byte that a driver writes there: device_status, for
// its reset (VIRTIO 1.2, 3.1.1).
class Watched : public scenarios::ForwardingMachine {
 public:
  using ForwardingMachine::ForwardingMachine;
  std::vector<std::uint8_t> statuses;  // as written

  void mmio_write8(std::uint64_t address, std::uint8_t value) override {
    status_ = status_ == 0 ? address : status_;
    if (address == status_) {
      statuses.push_back(value);
    }
    inner_.mmio_write8(address, value);
  }

 protected:
  ~Watched() = default;
  [[nodiscard]] std::uint64_t common() const { return status_ - virtio::VIRTIO_PCI_COMMON_STATUS; }
  std::uint64_t status_ = 0;
};

// --- What is read twice may be another the second time

class Growing final : public Watched {
 public:
  using Watched::Watched;
  unsigned looks = 0;        // at queue_size, before it was written
  std::uint16_t chosen = 0;  // by the driver
  std::size_t largest = 0;   // buffer that it took before it chose
  std::uint16_t mmio_read16(std::uint64_t address) override {
    if (status_ != 0 && address == common() + virtio::VIRTIO_PCI_COMMON_Q_SIZE && chosen == 0) {
      return ++looks == 1 ? std::uint16_t{8} : std::uint16_t{256};
    }
    return inner_.mmio_read16(address);
  }
  void mmio_write16(std::uint64_t address, std::uint16_t value) override {
    chosen = address == common() + virtio::VIRTIO_PCI_COMMON_Q_SIZE ? value : chosen;
    inner_.mmio_write16(address, value);
  }
};

// Memory would be laid out for the one, and used for the other.
TEST(DriverHardening, AQueueSizeIsReadOnce) {
  run_on_model_with("indirect_desc=on", [](scenarios::Context& context) {
    Growing machine(context.machine());
    block::BlockDevice* const disk = block::open_disk(machine, hal::Plain{}, {});
    ASSERT_NE(disk, nullptr);
    EXPECT_EQ(machine.looks, 1u);
    EXPECT_EQ(machine.chosen, 8u);
    scenarios::Buffer data(context, kBytes, 4096);
    EXPECT_EQ(disk->write(0, data.data(), kBytes), Status::ok);
    disk->shutdown();
  });
}

// --- A device_status of all-ones

class Flickering final : public Watched {
 public:
  using Watched::Watched;
  unsigned absent_at = 0;  // the n-th look at device_status
  unsigned looks = 0;
  std::uint8_t mmio_read8(std::uint64_t address) override {
    const std::uint8_t value = inner_.mmio_read8(address);
    return status_ != 0 && address == status_ && ++looks == absent_at ? virtio::kStatusRemoved : value;
  }
};

TEST(DriverHardening, AStatusOfAllOnesIsNotWrittenBack) {
  run_on_model([](scenarios::Context& context) {
    constexpr unsigned kNeedsResetOrReserved = 0x70;
    for (unsigned absent_at = 1;; ++absent_at) {
      SCOPED_TRACE(absent_at);
      Flickering machine(context.machine());
      machine.absent_at = absent_at;
      block::BlockDevice* const disk = block::open_disk(machine, hal::Plain{}, {});
      for (const std::uint8_t status : machine.statuses) {
        EXPECT_EQ(status & kNeedsResetOrReserved, 0) << unsigned{status};
      }
      if (machine.looks < absent_at) {
        ASSERT_NE(disk, nullptr);
        disk->shutdown();
        EXPECT_GE(absent_at, 5u) << "one look for each bit that is set";
        return;
      }
      EXPECT_EQ(disk, nullptr) << "what it says of itself is not known";
    }
  });
}

// --- Cut off

struct CutOff {
  const char* device;
  std::uint16_t bits;  // of COMMAND
};
CutOff cut_off;

void recovers_when_cut_off(scenarios::Context& context) {
  block::Options options;
  options.timeout = kTimeout;
  block::BlockDevice* const disk = block::open_disk(context.machine(), hal::Plain{}, options);
  ASSERT_NE(disk, nullptr);
  scenarios::Buffer data(context, kBytes, 4096);
  Config config(context.machine());
  const std::uint16_t before = config.read16(kDisk, pci::PCI_COMMAND);
  config.write16(kDisk, pci::PCI_COMMAND, static_cast<std::uint16_t>(before & ~cut_off.bits));
  EXPECT_EQ(disk->read(0, data.data(), kBytes), Status::timed_out);
  EXPECT_EQ(disk->counters().cut_off, 1u);
  EXPECT_EQ(config.read16(kDisk, pci::PCI_COMMAND), before);
  EXPECT_EQ(disk->read(0, data.data(), kBytes), Status::ok) << "it is back";
  EXPECT_EQ(disk->counters().cut_off, 1u);
  disk->shutdown();
}

TEST(DriverHardening, BusMasteringAndDecodingAreSwitchedOnAgain) {
  for (const CutOff& how :
       {CutOff{"queue_reset=off", pci::PCI_COMMAND_MASTER}, CutOff{"queue_reset=on", pci::PCI_COMMAND_MASTER},
        CutOff{"queue_reset=on", pci::PCI_COMMAND_MEMORY}}) {
    SCOPED_TRACE(how.device);
    cut_off = how;
    run_on_model_with(how.device, recovers_when_cut_off);
  }
}

// With its addresses it has forgotten who it was: to decode whatever stands there now would hit somebody else's.
TEST(DriverHardening, AFunctionWithoutItsAddressesIsNotSwitchedOn) {
  run_on_model_with("queue_reset=off", [](scenarios::Context& context) {
    block::Options options;
    options.timeout = kTimeout;
    block::BlockDevice* const disk = block::open_disk(context.machine(), hal::Plain{}, options);
    ASSERT_NE(disk, nullptr);
    scenarios::Buffer data(context, kBytes, 4096);
    Config config(context.machine());
    config.write16(kDisk, pci::PCI_COMMAND, 0);
    config.write32(kDisk, pci::PCI_BASE_ADDRESS_0 + 4, 0);
    EXPECT_NE(disk->read(0, data.data(), kBytes), Status::ok);
    EXPECT_EQ(config.read16(kDisk, pci::PCI_COMMAND), 0u);
    EXPECT_EQ(disk->counters().cut_off, 0u);
    disk->shutdown();
  });
}

// --- Gone, with its line high

class Leaving final : public scenarios::ForwardingMachine {
 public:
  using ForwardingMachine::ForwardingMachine;
  bool gone = false;
  unsigned wakes = 0;

  std::uint8_t mmio_read8(std::uint64_t address) override { return gone ? 0xff : inner_.mmio_read8(address); }
  std::uint16_t in16(std::uint16_t port) override { return gone ? 0xffff : inner_.in16(port); }
  std::uint64_t interrupts(unsigned vector) override { return inner_.interrupts(vector) + raised_; }
  bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) override {
    if (!gone) {
      return inner_.wait(vector, seen - raised_, deadline);
    }
    inner_.relax(inner_.now() + 20 * hal::kMicrosecond);
    ++wakes;
    return true;
  }
  void acknowledge(unsigned vector) override {
    raised_ += gone ? 1 : 0;
    inner_.acknowledge(vector);
  }

 private:
  std::uint64_t raised_ = 0;
};

TEST(DriverHardening, AnIsrOfAllOnesEndsTheWaitAtOnce) {
  run_on_model([](scenarios::Context& context) {
    Leaving machine(context.machine());
    block::Options options;
    options.completion = block::Completion::intx;
    options.timeout = 10 * hal::kSecond;
    block::BlockDevice* const disk = block::open_disk(machine, hal::Plain{}, options);
    ASSERT_NE(disk, nullptr);
    scenarios::Buffer data(context, kBytes, 4096);
    EXPECT_EQ(disk->read(0, data.data(), kBytes), Status::ok);
    ASSERT_NE(context.bench().ask(Ask::hold, 0), scenarios::kNotAvailable);
    machine.gone = true;
    machine.acknowledge(hal::line_vector(11));  // it comes once more
    EXPECT_EQ(disk->read(0, data.data(), kBytes), Status::device_lost);
    EXPECT_LE(machine.wakes, 2u) << "it does not wait for an explanation";
    EXPECT_EQ(disk->counters().removals, 1u);
    machine.gone = false;
    static_cast<void>(context.bench().ask(Ask::release, 0));
    disk->shutdown();
  });
}

// Its line is stuck, and its ISR reads as that of a device that has left; all else says that it is there.
class Babbling final : public Watched {
 public:
  using Watched::Watched;
  static constexpr std::uint64_t kIsr = 0x1000;  // from the common configuration on
  static constexpr unsigned kMostWakes = 20'000;
  bool stuck = false;
  unsigned wakes = 0;

  std::uint8_t mmio_read8(std::uint64_t address) override {
    return stuck && address == common() + kIsr ? 0xff : inner_.mmio_read8(address);
  }
  std::uint64_t interrupts(unsigned vector) override {
    if (stuck) {
      inner_.relax(inner_.now() + 20 * hal::kMicrosecond);
      stuck = ++wakes < kMostWakes;
    }
    return inner_.interrupts(vector) + wakes;
  }
  bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) override {
    return stuck || inner_.wait(vector, seen - wakes, deadline);
  }
};

TEST(DriverHardening, ALineThatIsStuckKeepsNoDeadlineFromThem) {
  run_on_model([](scenarios::Context& context) {
    Babbling machine(context.machine());
    block::Options options;
    options.completion = block::Completion::intx;
    options.timeout = kTimeout;
    options.replays = 0;
    block::BlockDevice* const disk = block::open_disk(machine, hal::Plain{}, options);
    ASSERT_NE(disk, nullptr);
    scenarios::Buffer data(context, kBytes, 4096);
    ASSERT_NE(context.bench().ask(Ask::hold, 0), scenarios::kNotAvailable);
    machine.stuck = true;
    const std::uint64_t start = context.machine().now();
    EXPECT_NE(disk->read(0, data.data(), kBytes), Status::ok);
    EXPECT_GT(machine.wakes, 0u);
    EXPECT_LE(context.machine().now() - start, 2 * kTimeout);
    EXPECT_EQ(disk->counters().timeouts, 1u);
    machine.stuck = false;
    static_cast<void>(context.bench().ask(Ask::release, 0));
    disk->shutdown();
  });
}

// --- Used lengths

struct Told {
  Status status;
  block::Counters counters;
};
Told told;
block::TransportChoice transport;

// The second request is the read.
Told read_under(const std::string& plan_text, block::TransportChoice through) {
  transport = through;
  const faults::Plan plan = faults::parse_plan(plan_text, "plan.toml");
  targets::RunSettings settings;
  settings.faults = &plan;
  settings.devices = {"disable-legacy=off"};
  run_on_model(
      [](scenarios::Context& context) {
        block::Options options;
        options.timeout = kTimeout;
        options.transport = transport;
        block::BlockDevice* const disk = context.open(options);
        ASSERT_NE(disk, nullptr);
        {
          scenarios::Buffer data(context, kBytes, 4096);
          EXPECT_EQ(disk->write(0, data.data(), kBytes), Status::ok);
          told.status = disk->read(0, data.data(), kBytes);
        }
        told.counters = disk->counters();
        disk->shutdown();
      },
      settings);
  return told;
}

std::string used_length(unsigned length) {
  return "[[fault]]\non = \"doorbell\"\nnth = 2\naction = \"used-length\"\nvalue = " + std::to_string(length) + "\n";
}

// 2.7.8.3: nothing may be assumed of what lies behind that length.
TEST(DriverHardening, AReadThatIsShorterThanItsDataHasFailed) {
  for (const unsigned length : {1u, 512u, kBytes - 1}) {
    const Told short_read = read_under(used_length(length), block::TransportChoice::modern);
    EXPECT_EQ(short_read.status, Status::io_error) << length;
    EXPECT_EQ(short_read.counters.used_length_short, 1u);
    EXPECT_EQ(short_read.counters.resets + short_read.counters.queue_resets, 0u);
  }
}

TEST(DriverHardening, AReadThatTheDiskCutsShortHasFailed) {
  const Told cut = read_under("[[fault]]\non = \"doorbell\"\nnth = 2\naction = \"media-short\"\nrequest = \"read\"\n",
                              block::TransportChoice::modern);
  EXPECT_EQ(cut.status, Status::io_error);
  EXPECT_EQ(cut.counters.used_length_short, 1u);
}

// Devices in the field that count otherwise go on working: those that leave the status byte out, that say nothing, or
// that say too much.
TEST(DriverHardening, LengthsThatHideNothingAreTolerated) {
  for (const unsigned length : {0u, kBytes, kBytes + 1, kBytes + 100, 0xffff'ffff}) {
    const Told odd = read_under(used_length(length), block::TransportChoice::modern);
    EXPECT_EQ(odd.status, Status::ok) << length;
    EXPECT_EQ(odd.counters.used_length_short, 0u);
    EXPECT_EQ(odd.counters.used_length_clamped, length > kBytes + 1 ? 1u : 0u);
  }
}

// 2.7.8.1: historically many devices set it wrongly, because drivers ignored it.
TEST(DriverHardening, OfALegacyDeviceTheLengthMeansNothing) {
  const Told legacy = read_under(used_length(512), block::TransportChoice::legacy);
  EXPECT_EQ(legacy.status, Status::ok);
  EXPECT_EQ(legacy.counters.used_length_short, 0u);
}

}  // namespace
}  // namespace ringside::tests::model_tests
