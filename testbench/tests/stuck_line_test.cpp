// An INTx line that is stuck high: every acknowledge brings the next interrupt at once, and none is about anything. The
// driver must keep its deadlines all the same, and must not lose what does complete.
#include <gtest/gtest.h>

#include <stdexcept>

#include "driver/block/open.h"
#include "driver/hal/memory.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/forwarding_machine.h"
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

constexpr std::uint64_t kTimeout = 50 * hal::kMillisecond;
constexpr std::uint64_t kTooManyWakes = 200'000;
constexpr std::uint64_t kWakeTime = 20 * hal::kMicrosecond;  // what each false interrupt costs

class StuckLine final : public scenarios::ForwardingMachine {
 public:
  using ForwardingMachine::ForwardingMachine;

  std::uint64_t interrupts(unsigned vector) override {
    return vector >= hal::kFirstLineVector ? count_ : inner_.interrupts(vector);
  }
  bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) override {
    if (!stuck) {
      ++waits_since;
      const bool woken = inner_.wait(vector, inner_.interrupts(vector), deadline);
      count_ += woken ? 1 : 0;
      return woken;
    }
    inner_.relax(inner_.now() + kWakeTime);
    if (++wakes == kTooManyWakes) {
      throw std::runtime_error("the driver never looks at its deadlines");
    }
    return count_ != seen;
  }
  void acknowledge(unsigned vector) override {
    count_ += stuck ? 1 : 0;  // still high
    inner_.acknowledge(vector);
  }

  void relax(std::uint64_t deadline) override {
    ++relaxes;
    inner_.relax(deadline);
  }

  bool stuck = true;
  std::uint64_t wakes = 0;        // for nothing
  std::uint64_t waits_since = 0;  // it is stuck no longer
  std::uint64_t relaxes = 0;

 private:
  std::uint64_t count_ = 1;
};

block::BlockDevice* open(StuckLine& machine) {
  block::Options options;
  options.completion = block::Completion::intx;
  options.timeout = kTimeout;
  return block::open_disk(machine, hal::Plain{}, options);
}

// Of a device that holds back what it is asked for.
void expect_time_out(scenarios::Context& context, block::BlockDevice& disk) {
  scenarios::Buffer data(context, block::kSectorSize);
  ASSERT_NE(context.bench().ask(scenarios::Ask::hold, 0), scenarios::kNotAvailable);
  EXPECT_EQ(disk.read(0, data.data(), block::kSectorSize), block::Status::timed_out);
}

TEST(StuckLine, ADeadlineIsKept) {
  run_on_model([](scenarios::Context& context) {
    StuckLine machine(context.machine());
    block::BlockDevice* const disk = open(machine);
    ASSERT_NE(disk, nullptr);
    const std::uint64_t start = machine.now();
    expect_time_out(context, *disk);
    const std::uint64_t took = machine.now() - start;
    EXPECT_GE(took, kTimeout);
    EXPECT_LT(took, kTimeout + 10 * kWakeTime) << "the interrupts that keep coming do not put it off";
    EXPECT_GE(machine.wakes, 10u) << "the line was stuck";
    EXPECT_LE(machine.wakes, 100u) << "the driver masks such a line, and looks for itself";
    EXPECT_EQ(disk->counters().timeouts, 1u);
    EXPECT_EQ(disk->counters().queue_resets, 1u);
    static_cast<void>(context.bench().ask(scenarios::Ask::release, 0));
    disk->shutdown();
  });
}

TEST(StuckLine, WhatCompletesIsTaken) {
  run_on_model([](scenarios::Context& context) {
    StuckLine machine(context.machine());
    block::BlockDevice* const disk = open(machine);
    ASSERT_NE(disk, nullptr);
    scenarios::Buffer data(context, block::kBlockSize, 4096);
    for (std::uint64_t block = 0; block < 50; ++block) {
      scenarios::fill(data.data(), block::kBlockSize, block);
      EXPECT_EQ(disk->write_block(block, data.data()), block::Status::ok);
      scenarios::fill(data.data(), block::kBlockSize, ~block);
      EXPECT_EQ(disk->read_block(block, data.data()), block::Status::ok);
      EXPECT_TRUE(scenarios::is_filled(data.data(), block::kBlockSize, block));
    }
    EXPECT_EQ(disk->counters().timeouts, 0u);
    EXPECT_EQ(disk->counters().resets, 0u);
    disk->shutdown();
  });
}

// What masked the line was not for ever: the next completion that is found gives it another trial.
TEST(StuckLine, InterruptsCountAgainAfterwards) {
  run_on_model([](scenarios::Context& context) {
    StuckLine machine(context.machine());
    block::BlockDevice* const disk = open(machine);
    ASSERT_NE(disk, nullptr);
    expect_time_out(context, *disk);
    static_cast<void>(context.bench().ask(scenarios::Ask::release, 0));
    machine.stuck = false;
    scenarios::Buffer data(context, block::kSectorSize);
    EXPECT_EQ(disk->read(0, data.data(), block::kSectorSize), block::Status::ok);
    machine.relaxes = 0;
    for (unsigned i = 0; i < 3; ++i) {
      EXPECT_EQ(disk->read(i, data.data(), block::kSectorSize), block::Status::ok);
    }
    EXPECT_GE(machine.waits_since, 3u);
    EXPECT_EQ(machine.relaxes, 0u) << "nobody looks where an interrupt tells";
    EXPECT_EQ(disk->counters().lost_interrupts, 0u);
    disk->shutdown();
  });
}

// Longer than the driver takes to explain an interrupt to itself: then it asks the device, which is well.
TEST(StuckLine, TheDeviceIsAskedOnceInAWhile) {
  run_on_model([](scenarios::Context& context) {
    StuckLine machine(context.machine());
    block::Options options;
    options.completion = block::Completion::intx;
    options.timeout = hal::kSecond;
    block::BlockDevice* const disk = block::open_disk(machine, hal::Plain{}, options);
    ASSERT_NE(disk, nullptr);
    expect_time_out(context, *disk);
    EXPECT_GE(disk->counters().spurious_interrupts, 4u);
    EXPECT_LE(disk->counters().spurious_interrupts, 6u) << "every 200 ms, not at every interrupt";
    static_cast<void>(context.bench().ask(scenarios::Ask::release, 0));
    disk->shutdown();
  });
}

}  // namespace
}  // namespace ringside::tests::model_tests
