// The model shows what another run showed, where the other run showed it.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "testbench/programs/program_scenario.h"
#include "testbench/targets/target.h"
#include "testbench/trace/memory_log.h"
#include "testbench/trace/schedule.h"

namespace ringside::targets {
namespace {

struct Ran {
  RunResult result;
  std::vector<trace::Record> log;

  // Of disk `unit`, by ordinal.
  [[nodiscard]] std::vector<std::uint32_t> completions(std::uint8_t unit) const {
    std::vector<std::uint32_t> ordinals;
    for (const trace::Record& record : log) {
      if (record.tap == trace::Tap::driver && record.kind == trace::Kind::completion && record.unit == unit) {
        ordinals.push_back(record.ordinal);
      }
    }
    return ordinals;
  }
  [[nodiscard]] std::size_t count(trace::Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(log, kind, &trace::Record::kind));
  }
};

Ran run(const std::string& devices, const std::string& steps, const trace::Schedule* follow,
        const std::string& on = "model") {
  const programs::ProgramScenario scenario(programs::parse_program(
      "program = 1\nsummary = \"s\"\ndisk_sectors = 4096\ndevices = [" + devices + "]\nsteps = [\n" + steps + "\n]\n",
      "test.toml"));
  RunSettings settings;
  settings.follow = follow;
  const auto target = make_target(TargetSpec::parse(on), settings);
  trace::MemoryLog log;
  Ran ran;
  ran.result = target->run(scenario.scenario(), settings, log);
  ran.log = log.take();
  return ran;
}

const std::string kFourReads =
    "{do = \"read\", disk = 0, sector = 0, sectors = 8, batch = true},\n"
    "{do = \"read\", disk = 0, sector = 8, sectors = 8, batch = true},\n"
    "{do = \"read\", disk = 0, sector = 16, sectors = 8, batch = true},\n"
    "{do = \"read\", disk = 0, sector = 24, sectors = 8, batch = true},\n{do = \"finish\", disk = 0},\n";

// Each four complete in another order than the model would have by itself: one that it has from the schedule alone.
trace::Schedule backwards(const Ran& ran) {
  trace::Schedule schedule = trace::schedule_of(ran.log);
  std::vector<std::uint32_t>& order = schedule.queues.at(0).at(0).completion_order;
  for (auto first = order.begin(); order.end() - first >= 4; first += 4) {
    std::reverse(first, first + 4);
  }
  return schedule;
}

// The driver asks for one interrupt after all four, and finds them with a look each.
TEST(FollowTest, AWaitForManyOnAPackedRingIsFollowedToItsEnd) {
  const std::string devices = "\"packed=on\"";
  const std::string steps = "{do = \"open\", completion = \"msix\"},\n" + kFourReads;
  const Ran free = run(devices, steps, nullptr);
  ASSERT_EQ(free.completions(0), (std::vector<std::uint32_t>{0, 1, 2, 3}));
  ASSERT_EQ(free.count(trace::Kind::wait), 1u) << "this test is about a wait";
  const trace::Schedule schedule = backwards(free);
  const Ran followed = run(devices, steps, &schedule);
  EXPECT_EQ(followed.result.outcome, Outcome::held) << followed.result.reason;
  EXPECT_EQ(followed.completions(0), (std::vector<std::uint32_t>{3, 2, 1, 0}));
  EXPECT_EQ(followed.count(trace::Kind::wait_timeout), 0u);
}

// A disk that is polled comes to its requests after the wait; they are not what it waits for.
TEST(FollowTest, AWaitDoesNotReachForWhatAnotherDiskIsSentLater) {
  const std::string devices = "\"packed=on\", \"\"";
  const std::string steps =
      "{do = \"open\", disk = 0, completion = \"msix\"},\n{do = \"open\", disk = 1, completion = \"polled\"},\n" +
      kFourReads + "{do = \"read\", disk = 1, sector = 0},\n" + kFourReads;
  const Ran free = run(devices, steps, nullptr);
  const trace::Schedule schedule = backwards(free);
  const Ran followed = run(devices, steps, &schedule);
  EXPECT_EQ(followed.result.outcome, Outcome::held) << followed.result.reason;
  EXPECT_EQ(followed.completions(0), (std::vector<std::uint32_t>{3, 2, 1, 0, 7, 6, 5, 4}));
  EXPECT_EQ(followed.completions(1), free.completions(1));
}

}  // namespace
}  // namespace ringside::targets
