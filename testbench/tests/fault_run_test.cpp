// Each fault against the real driver: whatever happens at the hardware interface, every request ends, the driver says
// what it saw, and either goes on or gives the device up.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "testbench/checks/monitors.h"
#include "testbench/faults/plan.h"
#include "testbench/scenarios/data.h"
#include "testbench/targets/target.h"
#include "testbench/trace/memory_log.h"

namespace ringside {
namespace {

using block::Completion;
using block::Status;

// Rounds of requests in flight together, big enough that a device is still busy when the driver first looks: most
// faults need a driver that has to wait.
constexpr unsigned kRounds = 8;
constexpr unsigned kDepth = 8;
constexpr std::ptrdiff_t kRequests = kRounds * kDepth;
constexpr std::uint32_t kBytes = 256u << 10;
constexpr std::uint64_t kTimeout = 500 * hal::kMillisecond;  // of a request: what a fault may cost

// What the scenario saw. It runs in this process, so it can say so directly.
struct Seen {
  std::vector<Status> statuses;
  block::Counters counters;
  bool wrong_data = false;
  std::size_t left_in_flight = 0;
};
Seen seen;
Completion completion = Completion::msix;

struct Lane {
  block::Request request;
  block::Segment segment;
  std::uint8_t* data = nullptr;
  bool written = false;  // by the round before
};

// Even rounds write, odd ones read back what they wrote.
void play_round(block::BlockDevice& disk, std::array<Lane, kDepth>& lanes, unsigned round) {
  const bool write = round % 2 == 0;
  std::array<block::Request*, kDepth> batch{};
  for (unsigned i = 0; i < kDepth; ++i) {
    Lane& lane = lanes[i];
    const std::uint64_t key = (round / 2 + 1) * kDepth + i;
    scenarios::fill(lane.data, kBytes, write ? key : ~key);
    lane.segment = {lane.data, kBytes};
    lane.request = {};
    lane.request.operation = write ? block::Operation::write : block::Operation::read;
    lane.request.sector = key * kBytes / block::kSectorSize;
    lane.request.segments = &lane.segment;
    lane.request.segment_count = 1;
    batch[i] = &lane.request;
  }
  EXPECT_EQ(disk.submit(batch.data(), kDepth), kDepth);
  while (disk.in_flight() != 0 && disk.wait(disk.in_flight()) != 0) {
  }
  for (unsigned i = 0; i < kDepth; ++i) {
    Lane& lane = lanes[i];
    const bool ok = lane.request.status == Status::ok;
    const bool intact = scenarios::is_filled(lane.data, kBytes, (round / 2 + 1) * kDepth + i);
    seen.wrong_data = seen.wrong_data || (!write && lane.written && ok && !intact);
    lane.written = write && ok;
    seen.statuses.push_back(lane.request.status);
  }
}

// Writes and reads back, whatever comes of it.
void survive(scenarios::Context& context) {
  block::Options options;
  options.completion = completion;
  options.timeout = kTimeout;
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  {
    scenarios::Buffer data(context, kDepth * std::size_t{kBytes}, 4096);
    if (!data.valid()) {
      return;
    }
    std::array<Lane, kDepth> lanes{};
    for (unsigned i = 0; i < kDepth; ++i) {
      lanes[i].data = data.data(i * std::size_t{kBytes});
    }
    for (unsigned round = 0; round < kRounds; ++round) {
      play_round(*disk, lanes, round);
    }
  }
  seen.left_in_flight = disk->in_flight();
  seen.counters = disk->counters();
  disk->shutdown();
}
constexpr scenarios::Scenario kSurvive{"survive", "keeps asking", survive};

struct FaultRun {
  targets::RunResult result;
  std::vector<trace::Record> log;
};

FaultRun run_on(const std::string& name, const faults::Plan& plan, Completion how = Completion::msix) {
  seen = {};
  completion = how;
  targets::RunSettings settings;
  settings.faults = &plan;
  const auto target = targets::make_target(targets::TargetSpec::parse(name), settings);
  trace::MemoryLog log;
  FaultRun run;
  run.result = target->run(kSurvive, settings, log);
  run.log = log.take();
  return run;
}

faults::Plan example(const std::string& name) {
  return faults::load_plan(fmt::format("{}/traces/faults/{}.toml", RINGSIDE_SOURCE_DIR, name));
}

std::ptrdiff_t count(Status status) { return std::count(seen.statuses.begin(), seen.statuses.end(), status); }

std::size_t fired(const FaultRun& run) {
  return static_cast<std::size_t>(std::count_if(run.log.begin(), run.log.end(), [](const trace::Record& record) {
    return record.kind == trace::Kind::dev_fault && record.tap == trace::Tap::bench;
  }));
}

std::vector<std::string> violations(const FaultRun& run, checks::Role role) {
  std::vector<std::string> clauses;
  for (const checks::Violation& violation : checks::run_monitors(run.log)) {
    if (violation.role == role) {
      clauses.push_back(violation.clause);
    }
  }
  return clauses;
}

bool is_among(const std::string& clause, const std::vector<std::string>& clauses) {
  return std::find(clauses.begin(), clauses.end(), clause) != clauses.end();
}

// What holds under every fault.
void expect_survived(const FaultRun& run) {
  EXPECT_EQ(run.result.outcome, targets::Outcome::held) << run.result.reason;
  EXPECT_EQ(seen.statuses.size(), static_cast<std::size_t>(kRequests));
  EXPECT_EQ(count(Status::pending), 0);
  EXPECT_EQ(seen.left_in_flight, 0u);
  EXPECT_FALSE(seen.wrong_data);
  EXPECT_GE(fired(run), 1u);
  EXPECT_EQ(violations(run, checks::Role::driver), std::vector<std::string>{});
}

// What was in flight when the device was reset was sent again, and nobody but the counters noticed.
void expect_recovered(const FaultRun& run) {
  expect_survived(run);
  EXPECT_EQ(count(Status::ok), kRequests);
  EXPECT_EQ(seen.counters.resets, 1u);
  EXPECT_GE(seen.counters.replays, 1u);
  EXPECT_LE(seen.counters.replays, std::uint64_t{kDepth});
}

// What happens in memory and to the function itself is the same on every target.
class FaultRunOn : public testing::TestWithParam<const char*> {};

TEST_P(FaultRunOn, SurpriseRemovalEndsEveryRequestAndGivesTheDeviceUp) {
  for (const Completion how : {Completion::msix, Completion::intx, Completion::polled}) {
    const FaultRun run = run_on(GetParam(), example("surprise-removal"), how);
    expect_survived(run);
    EXPECT_EQ(count(Status::ok), 2 * kDepth);
    EXPECT_EQ(count(Status::timed_out) + count(Status::device_lost), kRequests - 2 * kDepth);
    EXPECT_EQ(seen.statuses.back(), Status::device_lost);
    EXPECT_EQ(seen.counters.removals, 1u);
    EXPECT_EQ(seen.counters.replays, 0u);
    EXPECT_EQ(seen.counters.buffers_lost, 0u);
  }
}

TEST_P(FaultRunOn, UsedIdOutOfRangeIsCountedAndRecoveredFrom) {
  for (const Completion how : {Completion::msix, Completion::polled}) {
    const FaultRun run = run_on(GetParam(), example("used-id-out-of-range"), how);
    expect_recovered(run);
    EXPECT_EQ(seen.counters.used_id_out_of_range, 1u);
    EXPECT_TRUE(is_among("2.7.8", violations(run, checks::Role::device)));
  }
}

TEST_P(FaultRunOn, UsedIdNotInFlightIsCountedAndRecoveredFrom) {
  const FaultRun run = run_on(GetParam(), example("used-id-not-in-flight"));
  expect_recovered(run);
  EXPECT_EQ(seen.counters.used_id_not_in_flight, 1u);
}

TEST_P(FaultRunOn, UsedLengthIsClampedAndCounted) {
  const FaultRun run = run_on(GetParam(), example("used-length-too-long"));
  expect_survived(run);
  EXPECT_EQ(count(Status::ok), kRequests);
  EXPECT_EQ(seen.counters.used_length_clamped, 1u);
  EXPECT_EQ(seen.counters.resets, 0u);
  EXPECT_TRUE(is_among("used-dev-02", violations(run, checks::Role::device)));
}

TEST_P(FaultRunOn, UsedIndexThatJumpsIsRecoveredFrom) {
  const FaultRun run = run_on(GetParam(), example("used-index-jump"));
  expect_recovered(run);
  EXPECT_EQ(seen.counters.used_index_jumped, 1u);
  EXPECT_TRUE(is_among("2.7.8", violations(run, checks::Role::device)));
}

TEST_P(FaultRunOn, UnknownStatusIsAnErrorOfThatRequestOnly) {
  const FaultRun run = run_on(GetParam(), example("status-byte-unknown"));
  expect_survived(run);
  EXPECT_EQ(count(Status::io_error), 1);
  EXPECT_EQ(count(Status::ok), kRequests - 1);
  EXPECT_EQ(seen.counters.unknown_status, 1u);
  EXPECT_TRUE(is_among("5.2.6", violations(run, checks::Role::device)));
}

TEST_P(FaultRunOn, PlanThatNeverFiresIsNoPass) {
  const faults::Plan plan =
      faults::parse_plan("[[fault]]\non = \"doorbell\"\nnth = 1000\naction = \"removed\"\n", "never.toml");
  const FaultRun run = run_on(GetParam(), plan);
  EXPECT_EQ(run.result.outcome, targets::Outcome::failed);
  ASSERT_EQ(run.result.faults.size(), 1u);
  EXPECT_EQ(run.result.faults[0].fired, 0u);
}

TEST_P(FaultRunOn, LostDoorbellEndsAtTheDeadlineAndIsRecoveredFrom) {
  const FaultRun run = run_on(GetParam(), example("lost-doorbell"));
  expect_survived(run);
  EXPECT_EQ(count(Status::timed_out), std::ptrdiff_t{kDepth});
  EXPECT_EQ(count(Status::ok), kRequests - kDepth);
  EXPECT_EQ(seen.counters.timeouts, kDepth);
  EXPECT_EQ(seen.counters.queue_resets, 1u) << "the queue's reset is enough";
  EXPECT_EQ(seen.counters.resets, 0u);
  EXPECT_EQ(seen.counters.replays, 0u) << "what has timed out is not sent again";
}

TEST_P(FaultRunOn, InterruptWithoutACauseIsCounted) {
  for (const Completion how : {Completion::msix, Completion::intx}) {
    const FaultRun run = run_on(GetParam(), example("spurious-interrupt"), how);
    expect_survived(run);
    EXPECT_EQ(seen.counters.spurious_interrupts, 1u);
    EXPECT_EQ(count(Status::timed_out), std::ptrdiff_t{kDepth});
    EXPECT_EQ(count(Status::ok), kRequests - kDepth);
  }
}

TEST_P(FaultRunOn, NeedsResetIsAnsweredByAReset) {
  for (const Completion how : {Completion::msix, Completion::intx}) {
    expect_recovered(run_on(GetParam(), example("needs-reset"), how));
    EXPECT_EQ(seen.counters.timeouts, 0u) << "the device said so; nobody had to wait";
    EXPECT_EQ(seen.counters.needs_reset, 1u);
  }
}

TEST_P(FaultRunOn, StatusOfAllOnesIsAnsweredByAReset) {
  expect_recovered(run_on(GetParam(), example("status-all-ones")));
  EXPECT_EQ(seen.counters.timeouts, 0u);
}

INSTANTIATE_TEST_SUITE_P(Model, FaultRunOn, testing::Values("model"));
INSTANTIATE_TEST_SUITE_P(Qemu, FaultRunOn, testing::Values("qemu"));

// That an interrupt was lost shows only to a driver that has to wait for it. In the model a request takes its time;
// QEMU may have finished before the driver first looks.
TEST(FaultModel, LostInterruptIsFoundAtTheDeadline) {
  const FaultRun run = run_on("model", example("lost-interrupt"));
  expect_survived(run);
  EXPECT_EQ(count(Status::ok), kRequests);
  EXPECT_EQ(seen.counters.lost_interrupts, 1u);
  EXPECT_TRUE(is_among("usedsup-dev-05", violations(run, checks::Role::device)));
}

// The line stays masked until somebody acknowledges it.
TEST(FaultModel, LostLineInterruptIsFoundAtTheDeadline) {
  const FaultRun run = run_on("model", example("lost-interrupt"), Completion::intx);
  expect_survived(run);
  EXPECT_EQ(count(Status::ok), kRequests);
  EXPECT_EQ(seen.counters.lost_interrupts, 1u) << "the line was not re-armed";
  EXPECT_TRUE(is_among("usedsup-dev-05", violations(run, checks::Role::device)));
}

TEST(FaultModel, WhatThePlanCountsIsReported) {
  const FaultRun run = run_on("model", example("spurious-interrupt"));
  ASSERT_EQ(run.result.faults.size(), 2u);
  EXPECT_EQ(run.result.faults[0].name, "spurious-interrupt");
  EXPECT_EQ(run.result.faults[0].planned, 2u);
  EXPECT_EQ(run.result.faults[0].fired, 2u);
  EXPECT_EQ(run.result.faults[1].name, "lost-doorbell");
  EXPECT_EQ(run.result.faults[1].fired, 1u);
}

// A plan makes the same log each time: that is what a stored failure is replayed from.
TEST(FaultModel, SamePlanGivesTheSameLog) {
  const FaultRun first = run_on("model", example("needs-reset"));
  const FaultRun second = run_on("model", example("needs-reset"));
  ASSERT_EQ(first.log.size(), second.log.size());
  EXPECT_EQ(std::memcmp(first.log.data(), second.log.data(), first.log.size() * sizeof(trace::Record)), 0);
}

}  // namespace
}  // namespace ringside
