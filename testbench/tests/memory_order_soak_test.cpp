// The driver under a weak memory: it holds with all its barriers, and fails without any one of them; and only a weak
// memory can tell.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "testbench/checks/monitors.h"
#include "testbench/programs/program_scenario.h"
#include "testbench/scenarios/workload.h"
#include "testbench/targets/target.h"
#include "testbench/trace/memory_log.h"

namespace ringside::tests {
namespace {

using targets::Outcome;
using targets::RunResult;

// Rings of every kind, short, so that they wrap; doorbells that follow one another closely, and sleeps, on one queue
// and on any; several lives, as a driver without the event index changes its mind about interrupts once in each.
template <class Open>
void work_on(scenarios::Context& context, Open open) {
  block::Options options;
  options.queues = 4;
  options.queue_size = 16;
  for (const std::uint16_t batch : {std::uint16_t{1}, std::uint16_t{3}, std::uint16_t{6}}) {
    block::BlockDevice* const disk = open(options);
    if (!context.check(disk != nullptr, "the disk comes up")) {
      return;
    }
    for (const bool wait_by_queue : {true, false}) {
      scenarios::Workload work;
      work.requests = 24;
      work.depth = 6;
      work.batch = batch;
      work.sectors = 2;
      work.queues = disk->info().queues;
      work.wait_by_queue = wait_by_queue;
      scenarios::run_workload(context, *disk, work);
    }
    scenarios::check_counters(context, *disk);
    disk->shutdown();
  }
}

void short_work(scenarios::Context& context) {
  work_on(context, [&](const block::Options& options) { return context.try_open(options); });
}

constexpr std::array kRings{
    "packed=off",
    "packed=off,event_idx=off",
    "packed=off,indirect_desc=off",
    "packed=off,in_order=on",
    "packed=off,in_order=on,indirect_desc=off,event_idx=off",
    "packed=off,num-queues=4",
    "packed=off,vectors=0",
    "disable-modern=on",
    "packed=on,disable-legacy=on",
    "packed=on,event_idx=off,disable-legacy=on",
    "packed=on,indirect_desc=off,disable-legacy=on",
    "packed=on,in_order=on,disable-legacy=on",
    "packed=on,in_order=on,indirect_desc=off,event_idx=off,disable-legacy=on",
    "packed=on,num-queues=4,disable-legacy=on",
};

// The names of all checks that did not hold.
class FailedChecks final : public trace::Sink {
 public:
  void append(const trace::Record& record) override {
    if (record.kind == trace::Kind::text) {
      name_.append(reinterpret_cast<const char*>(&record.offset), failed_ ? record.width : 0u);
      return;
    }
    if (failed_) {
      names.insert(std::exchange(name_, {}));
    }
    failed_ = record.kind == trace::Kind::check && record.value == 0;
  }
  std::set<std::string> names;

 private:
  std::string name_;
  bool failed_ = false;
};

scenarios::Scenario short_work_on(const char* ring) {
  scenarios::Scenario scenario{"short-work", "", short_work};
  scenario.setup.devices[0] = ring;
  scenario.setup.disk_sectors = 2048;
  return scenario;
}

std::set<std::string> failed_checks(const std::string& target, const char* ring, std::uint64_t seed) {
  targets::RunSettings settings;
  settings.seed = seed;
  FailedChecks log;
  const RunResult result =
      targets::make_target(targets::TargetSpec::parse(target), settings)->run(short_work_on(ring), settings, log);
  if (result.outcome == Outcome::error || result.outcome == Outcome::skipped) {
    log.names.insert(result.reason);
  }
  return log.names;
}

// RINGSIDE_SEEDS=200: so many instead, and without a barrier all of them, and what they end in, as docs/memory-order.md
// has it.
std::optional<std::uint64_t> wanted_seeds() {
  const char* const text = std::getenv("RINGSIDE_SEEDS");
  return text == nullptr ? std::nullopt : std::optional<std::uint64_t>(std::strtoull(text, nullptr, 10));
}

// --- With all barriers

TEST(MemoryOrderSoak, TheDriverHoldsOnEveryRing) {
  const std::uint64_t seeds = wanted_seeds().value_or(25);
  for (const char* const ring : kRings) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      EXPECT_EQ(failed_checks("model,memory=weak", ring, seed), std::set<std::string>{}) << ring << ", seed " << seed;
    }
  }
}

// Barriers are told where they stand between stores, so that a log with accesses shows nothing out of order either. But
// a doorbell is told when it arrives: the queue may have gone on since, and another one may have been read meanwhile.
TEST(MemoryOrderSoak, MonitorsFindNoFaultWithTheDriver) {
  const std::set<std::string> judged_late{"availsup-drv-07"};
  targets::RunSettings settings;
  settings.tracing = targets::Tracing::accesses;
  for (const char* const ring : kRings) {
    const auto target = targets::make_target(targets::TargetSpec::parse("model,memory=weak"), settings);
    trace::MemoryLog log;
    EXPECT_EQ(target->run(short_work_on(ring), settings, log).outcome, Outcome::held) << ring;
    for (const checks::Violation& violation : checks::run_monitors(log.records())) {
      EXPECT_TRUE(judged_late.contains(violation.clause))
          << ring << " #" << violation.index << ": " << to_string(violation.role) << " breaks " << violation.clause
          << ": " << violation.text;
    }
  }
}

// Programs touch rings by their own steps, with the same barriers: what devices do with their mistakes does not change.
TEST(MemoryOrderSoak, ProgramsEndAsOnPlainMemory) {
  const targets::RunSettings settings;
  const auto plain = targets::make_target(targets::TargetSpec::parse("model"), settings);
  const auto weak = targets::make_target(targets::TargetSpec::parse("model,memory=weak"), settings);
  unsigned programs = 0;
  for (const auto& file : std::filesystem::directory_iterator(RINGSIDE_SOURCE_DIR "/traces/errors")) {
    const std::string name = file.path().string();
    if (!file.path().filename().string().starts_with("packed-") || file.path().extension() != ".toml") {
      continue;  // one kind of ring is enough of them
    }
    std::ostringstream text;
    text << std::ifstream(name).rdbuf();
    const programs::ProgramScenario program(programs::parse_program(text.str(), name));
    FailedChecks log;
    const RunResult expected = plain->run(program.scenario(), settings, log);
    const RunResult result = weak->run(program.scenario(), settings, log);
    EXPECT_EQ(result.outcome, expected.outcome) << name << ": " << result.reason;
    EXPECT_EQ(result.reason, expected.reason) << name;
    ++programs;
  }
  EXPECT_GT(programs, 10u);
}

// --- Without one of them

constexpr char kWrong[] = "every request succeeds and every read finds what was written";
constexpr char kTimedOut[] = "no request timed out";
constexpr char kRecovered[] = "no recovery was needed";
constexpr char kUnknownStatus[] = "no unknown status byte";
constexpr char kForeignId[] = "no used id that was not in flight";
constexpr char kTooLong[] = "no used length beyond what was given";
constexpr char kOutOfOrder[] = "in order, nothing was used before its turn";
constexpr char kWildId[] = "no used id out of range";
constexpr char kStray[] = "no device wrote outside the buffers it was given";
constexpr char kOverslept[] = "no deadline woke the driver for what an interrupt was due for";
constexpr char kLostInterrupt[] = "no interrupt was lost";

struct Barrier {
  const char* name;
  std::set<std::string> failures;  // the checks that may not hold
};

std::ostream& operator<<(std::ostream& out, const Barrier& barrier) { return out << barrier.name; }

const Barrier kBarriers[] = {
    // The device takes entries, descriptors, headers or data from before.
    {"avail_publish",
     {kWrong, kUnknownStatus, kForeignId, kWildId, kTooLong, kOutOfOrder, kStray, kOverslept, kTimedOut, kRecovered}},
    // The doorbell comes before the index, or none does: the request lies there until its deadline.
    {"avail_notify", {kWrong, kTimedOut, kOverslept, kLostInterrupt, kRecovered}},
    // The driver takes used elements, status bytes or data from before.
    {"used_consume", {kWrong, kUnknownStatus, kForeignId, kTooLong, kOutOfOrder, kRecovered}},
    // What was done before the device knew that an interrupt was wanted.
    {"used_rearm", {kOverslept, kLostInterrupt}},
};

class MemoryOrderSoakWithout : public testing::TestWithParam<Barrier> {};

TEST_P(MemoryOrderSoakWithout, ASeedAmongTheFirstFailsOnEveryRing) {
  const bool all = wanted_seeds().has_value();
  const std::uint64_t seeds = wanted_seeds().value_or(200);  // most rings need one or two, the worst 50
  std::map<std::string, unsigned> failures;
  unsigned failed = 0;
  for (const char* const ring : kRings) {
    const unsigned before = failed;
    for (std::uint64_t seed = 1; seed <= seeds && (all || failed == before); ++seed) {
      const auto checks = failed_checks(std::string("model,memory=weak,without=") + GetParam().name, ring, seed);
      failed += checks.empty() ? 0 : 1;
      for (const std::string& check : checks) {
        ++failures[check];
      }
    }
    EXPECT_NE(failed, before) << ring;
  }
  if (all) {
    fmt::print("without {}: {} of {} runs\n", GetParam().name, failed, seeds * kRings.size());
  }
  for (const auto& [check, count] : failures) {
    EXPECT_TRUE(GetParam().failures.contains(check)) << check;
    if (all) {
      fmt::print("  {:5} do not hold: {}\n", count, check);
    }
  }
}

TEST_P(MemoryOrderSoakWithout, PlainMemoryDoesNotNotice) {
  for (const char* const ring : kRings) {
    EXPECT_EQ(failed_checks(std::string("model,without=") + GetParam().name, ring, 1), std::set<std::string>{}) << ring;
  }
}

INSTANTIATE_TEST_SUITE_P(Barriers, MemoryOrderSoakWithout, testing::ValuesIn(kBarriers),
                         [](const auto& instance) { return std::string(instance.param.name); });

// --- Mistakes that are no barriers: what a device does between two accesses is enough to tell

// A driver that arms its interrupt and does not look again: it takes the look before for the one after.
class NoSecondLook final : public hal::Observer {
 public:
  explicit NoSecondLook(hal::Observer& inner) : inner_(inner) {}

  std::uint64_t load(const void* address, unsigned size) override {
    const auto known = last_.find(address);
    if (armed_ && known != last_.end()) {
      armed_ = false;
      return known->second;
    }
    return last_[address] = inner_.load(address, size);
  }
  void store(void* address, unsigned size, std::uint64_t value) override { inner_.store(address, size, value); }
  void fence(hal::Fence fence) override {
    armed_ = fence == hal::Fence::used_rearm;
    inner_.fence(fence);
  }

 private:
  hal::Observer& inner_;
  std::map<const void*, std::uint64_t> last_;
  bool armed_ = false;
};

void work_without_a_second_look(scenarios::Context& context) {
  NoSecondLook memory(*context.observer());
  work_on(context, [&](const block::Options& options) {
    return block::open_disk(context.machine(), hal::Observed(memory), options);
  });
}

TEST(MemoryOrderSoak, AMissingSecondLookIsFound) {
  constexpr std::uint64_t kSeeds = 20;
  // Without a barrier that plain memory does not need, so that sleeps are watched there too.
  for (const char* const target : {"model,memory=weak", "model,without=avail_publish"}) {
    unsigned failed = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      targets::RunSettings settings;
      settings.seed = seed;
      FailedChecks log;
      scenarios::Scenario scenario = short_work_on(kRings[0]);
      scenario.run = work_without_a_second_look;
      static_cast<void>(
          targets::make_target(targets::TargetSpec::parse(target), settings)->run(scenario, settings, log));
      failed += log.names.contains(kOverslept) ? 1 : 0;
    }
    EXPECT_EQ(failed != 0, target == std::string("model,memory=weak"));
  }
}

// --- A run and its seed

std::vector<trace::Record> log_of(const std::string& target, std::uint64_t seed) {
  targets::RunSettings settings;
  settings.seed = seed;
  settings.tracing = targets::Tracing::accesses;
  trace::MemoryLog log;
  static_cast<void>(
      targets::make_target(targets::TargetSpec::parse(target), settings)->run(short_work_on(kRings[0]), settings, log));
  return {log.records().begin(), log.records().end()};
}

bool same(const std::vector<trace::Record>& a, const std::vector<trace::Record>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(trace::Record)) == 0;
}

TEST(MemoryOrderSoak, ASeedReplaysExactly) {
  const auto first = log_of("model,memory=weak", 7);
  EXPECT_TRUE(same(first, log_of("model,memory=weak", 7)));
  EXPECT_FALSE(same(first, log_of("model,memory=weak", 8)));
  EXPECT_FALSE(same(first, log_of("model", 7)));
}

TEST(MemoryOrderSoak, TheLogSaysSo) {
  std::string text;
  for (const trace::Record& record : log_of("model,memory=weak,without=used_rearm", 1)) {
    if (record.kind == trace::Kind::text) {
      text.append(reinterpret_cast<const char*>(&record.offset), record.width);
    }
  }
  EXPECT_NE(text.find("memory order: weak, without used_rearm"), std::string::npos);
}

}  // namespace
}  // namespace ringside::tests
