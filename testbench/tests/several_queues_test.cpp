// A device with several queues when something goes wrong on one of them.
#include <gtest/gtest.h>

#include <array>

#include "driver/block/open.h"
#include "driver/hal/memory.h"
#include "testbench/scenarios/data.h"
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

constexpr std::uint16_t kQueues = 4;
constexpr std::uint64_t kTimeout = 50 * hal::kMillisecond;

struct Reads {
  Reads(scenarios::Context& context, std::uint64_t later) : data(context, kQueues * block::kSectorSize) {
    for (std::uint16_t i = 0; i < kQueues; ++i) {
      segments[i] = {data.data(i * std::size_t{block::kSectorSize}), block::kSectorSize};
      requests[i].segments = &segments[i];
      requests[i].segment_count = 1;
      requests[i].queue = i;
      requests[i].deadline = context.machine().now() + kTimeout + (i == 0 ? 0 : later);
      pointers[i] = &requests[i];
    }
  }
  scenarios::Buffer data;
  std::array<block::Segment, kQueues> segments;
  std::array<block::Request, kQueues> requests;
  std::array<block::Request*, kQueues> pointers;
};

block::BlockDevice* open(scenarios::Context& context, block::Completion completion) {
  block::Options options;
  options.queues = kQueues;
  options.completion = completion;
  options.timeout = kTimeout;
  return block::open_disk(context.machine(), hal::Plain{}, options);
}

// Only queue 0 has a request whose time is over: it alone is reset, and what the others have goes on.
void deadline_on_one(scenarios::Context& context, block::Completion completion) {
  block::BlockDevice* const disk = open(context, completion);
  ASSERT_NE(disk, nullptr);
  ASSERT_EQ(disk->info().queues, kQueues);
  static_cast<void>(context.bench().ask(scenarios::Ask::hold, 0));
  Reads reads(context, hal::kSecond);
  ASSERT_EQ(disk->submit(reads.pointers.data(), kQueues), kQueues);
  const std::uint64_t start = context.machine().now();
  EXPECT_EQ(disk->wait(1), 1u);
  EXPECT_LT(context.machine().now() - start, 2 * kTimeout);
  EXPECT_EQ(reads.requests[0].status, block::Status::timed_out);
  EXPECT_EQ(disk->in_flight(), kQueues - 1u);
  static_cast<void>(context.bench().ask(scenarios::Ask::release, 0));
  EXPECT_EQ(disk->wait(kQueues - 1), kQueues - 1u);
  for (std::uint16_t i = 1; i < kQueues; ++i) {
    EXPECT_EQ(reads.requests[i].status, block::Status::ok) << i;
  }
  EXPECT_EQ(disk->counters().timeouts, 1u);
  EXPECT_EQ(disk->counters().queue_resets, 1u);
  EXPECT_EQ(disk->counters().resets, 0u);
  EXPECT_EQ(disk->counters().replays, 0u) << "nothing else was on that queue";
  Reads again(context, 0);
  ASSERT_EQ(disk->submit(again.pointers.data(), kQueues), kQueues);
  for (std::uint16_t i = kQueues; i-- > 0;) {
    EXPECT_EQ(disk->wait_queue(i, 1), 1u);
    EXPECT_EQ(again.requests[i].status, block::Status::ok);
  }
  disk->shutdown();
}

TEST(SeveralQueues, ADeadlineOnOneLeavesTheOthersAlone) {
  run_on_model_with("num-queues=4,vectors=5",
                    [](scenarios::Context& context) { deadline_on_one(context, block::Completion::msix); });
  run_on_model_with("num-queues=4,vectors=2",
                    [](scenarios::Context& context) { deadline_on_one(context, block::Completion::msix); });
  run_on_model_with("num-queues=4,packed=on",
                    [](scenarios::Context& context) { deadline_on_one(context, block::Completion::intx); });
  run_on_model_with("num-queues=4",
                    [](scenarios::Context& context) { deadline_on_one(context, block::Completion::polled); });
}

TEST(SeveralQueues, AQueueThatIsNotThereIsRefused) {
  run_on_model_with("num-queues=4,vectors=5", [](scenarios::Context& context) {
    block::BlockDevice* const disk = open(context, block::Completion::msix);
    ASSERT_NE(disk, nullptr);
    Reads reads(context, 0);
    reads.requests[0].queue = kQueues;
    EXPECT_EQ(disk->execute(reads.requests[0]), block::Status::refused);
    disk->shutdown();
  });
}

TEST(SeveralQueues, PollingOneQueueLeavesTheOthers) {
  run_on_model_with("num-queues=4,vectors=5", [](scenarios::Context& context) {
    block::BlockDevice* const disk = open(context, block::Completion::polled);
    ASSERT_NE(disk, nullptr);
    Reads reads(context, 0);
    ASSERT_EQ(disk->submit(reads.pointers.data(), kQueues), kQueues);
    EXPECT_EQ(disk->wait_queue(2, 1), 1u);
    EXPECT_EQ(reads.requests[2].status, block::Status::ok);
    EXPECT_EQ(reads.requests[1].status, block::Status::pending) << "done or not, nobody has taken it";
    EXPECT_EQ(disk->wait(kQueues - 1), std::size_t{kQueues - 1});
    disk->shutdown();
  });
}

}  // namespace
}  // namespace ringside::tests::model_tests
