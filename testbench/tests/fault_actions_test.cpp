// Every plan in traces/faults against the real driver, on the model: whatever happens, every request ends, what ends
// well is right unless no driver could tell, and the driver makes of it what the table of actions says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "testbench/faults/fault_table.h"
#include "testbench/faults/plan.h"
#include "testbench/scenarios/list.h"
#include "testbench/targets/target.h"
#include "testbench/trace/memory_log.h"
#include "testbench/trace/text.h"

namespace ringside {
namespace {

// The machine that a plan is for, where not every one has what it breaks.
struct Machine {
  const char* type = "pc-i440fx-7.2";
  const char* device = "";
};
Machine machine_for(const std::string& plan) {
  if (plan == "used-flags") {
    return {"pc-i440fx-7.2", "packed=on"};
  }
  if (plan == "completion-out-of-order") {
    return {"pc-i440fx-7.2", "in-order=on"};
  }
  if (plan == "line-stuck") {
    return {"pc-i440fx-7.2", "vectors=0"};
  }
  if (plan == "queue-count-none") {
    return {"pc-i440fx-7.2", "num-queues=4,vectors=5"};
  }
  if (plan == "function-reset") {
    return {"pc-q35-7.2", "bus=port0"};
  }
  return {};
}

std::vector<std::string> all_plans() {
  std::vector<std::string> plans;
  for (const auto& entry : std::filesystem::directory_iterator(RINGSIDE_SOURCE_DIR "/traces/faults")) {
    if (entry.path().extension() == ".toml") {
      plans.push_back(entry.path().stem());
    }
  }
  std::ranges::sort(plans);
  return plans;
}

faults::Plan plan_named(const std::string& name) {
  return faults::load_plan(RINGSIDE_SOURCE_DIR "/traces/faults/" + name + ".toml");
}

const scenarios::Scenario& survive() {
  const auto list = scenarios::all_scenarios();
  return *std::find_if(list.begin(), list.end(),
                       [](const auto& one) { return std::string_view(one.name) == "survive"; });
}

struct FaultRun {
  targets::RunResult result;
  std::map<std::string, std::uint64_t> seen;  // what the scenario observed
  std::vector<trace::Record> log;
};

FaultRun run_on(const std::string& target, const std::string& name, const faults::Plan& plan) {
  targets::RunSettings settings;
  const Machine machine = machine_for(name);
  settings.machine = machine.type;
  if (*machine.device != 0) {
    settings.devices = {machine.device};
  }
  settings.faults = &plan;
  trace::MemoryLog log;
  FaultRun run;
  run.result = targets::make_target(targets::TargetSpec::parse(target), settings)->run(survive(), settings, log);
  const std::vector<trace::Record> records = log.take();
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].kind == trace::Kind::observe) {
      run.seen[trace::text_at(records, i + 1)] = records[i].value;
    }
  }
  run.log = records;
  return run;
}

// What device and driver did, and when. Not what the bench says of it, by which a fault has fired.
std::vector<trace::Record> events_of(std::vector<trace::Record> log) {
  std::erase_if(log, [](const trace::Record& record) { return record.tap == trace::Tap::bench; });
  return log;
}

bool same(const std::vector<trace::Record>& one, const std::vector<trace::Record>& other) {
  return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size() * sizeof(trace::Record)) == 0;
}

unsigned reaction_in(const std::map<std::string, std::uint64_t>& seen) {
  if (!seen.contains("ended well")) {
    return seen.contains("the disk came up") ? faults::kNotUsable : 0;
  }
  if (seen.at("the last ended well") == 0) {
    return faults::kGivenUp;
  }
  return seen.at("ended with an error") != 0 ? faults::kErrorTold
         : seen.at("resets") != 0            ? faults::kRetried
         : seen.at("noticed") != 0           ? faults::kNoticed
                                             : faults::kUnnoticed;
}

// What the driver makes of each plan. Whether it sends again what was in flight, or tells of an error, is a matter of
// its options: both are a recovery.
constexpr unsigned kRecovered = faults::kRetried | faults::kErrorTold;
unsigned expected_of(const std::string& plan) {
  using namespace faults;
  static const std::map<std::string, unsigned> kExpected = {
      {"avail-event", kRecovered},
      {"bar-size", kNotUsable},
      {"bus-master-off", kRecovered | kGivenUp},
      {"capability-dangling", kUnnoticed},
      {"capability-loop", kUnnoticed},
      {"capability-outside-bar", kUnnoticed},  // the legacy interface is there, too
      {"completion-delayed", kUnnoticed},
      {"completion-late", kRecovered},
      {"completion-never", kRecovered},
      {"completion-out-of-order", kUnnoticed},  // the one that overtakes stands for the other
      {"completion-twice", kRecovered},
      {"config-all-ones", kNotUsable},
      {"config-storm", kUnnoticed | kNoticed},
      {"descriptors-rewritten", kRecovered},
      {"dma-not-mapped", kRecovered},
      {"dma-partial-write", kUnnoticed},
      {"dma-stale-read", kRecovered},
      {"dma-write-beyond", kUnnoticed},
      {"dma-wrong-address", kUnnoticed},
      {"feature-bit-changes", kNotUsable | kUnnoticed},
      {"features-refused", kNotUsable},
      {"function-absent", kNotUsable},
      {"function-reset", kGivenUp | kRecovered},
      {"generation-races", kNotUsable},
      {"interrupt-early", kUnnoticed | kNoticed},
      {"interrupt-pending", kNoticed},
      {"interrupt-storm", kUnnoticed | kNoticed},
      {"interrupt-twice", kUnnoticed | kNoticed},
      {"interrupt-wrong-vector", kUnnoticed | kNoticed},
      {"line-stuck", kUnnoticed | kNoticed},
      {"lost-doorbell", kRecovered},
      {"lost-interrupt", kNoticed},
      {"media-corrupted", kUnnoticed},
      {"media-error", kErrorTold},
      {"media-error-flush", kErrorTold},
      {"media-error-once", kErrorTold},
      {"media-error-read", kErrorTold},
      {"media-error-sector", kErrorTold},
      {"media-lost-write", kUnnoticed},
      {"media-misdirected", kUnnoticed},
      {"media-short", kUnnoticed | kErrorTold},
      {"media-slow", kUnnoticed},
      {"media-unsupported", kErrorTold},
      {"needs-reset", kRecovered},
      {"queue-count-none", kNotUsable},
      {"queue-size-none", kNotUsable},
      {"queue-size-odd", kNotUsable},
      {"queue-size-too-large", kNotUsable},
      {"register-all-ones", kUnnoticed | kNotUsable},
      {"replugged", kGivenUp},
      {"replugged-in-enumeration", kNotUsable},
      {"reset-stuck", kUnnoticed | kNotUsable},
      {"resized", kUnnoticed | kNoticed},
      {"self-reset", kRecovered},
      {"several-at-once", kRecovered},
      {"spurious-interrupt", kRecovered},  // and a doorbell is lost
      {"status-all-ones", kRecovered},
      {"status-byte-unknown", kErrorTold},
      {"surprise-removal", kGivenUp},
      {"unplugged", kGivenUp},
      {"unplugged-in-enumeration", kNotUsable},
      {"used-flags", kRecovered},
      {"used-id-not-in-flight", kRecovered},
      {"used-id-out-of-range", kRecovered},
      {"used-index-back", kRecovered},
      {"used-index-jump", kRecovered},
      {"used-length-too-long", kNoticed},
      {"used-length-zero", kUnnoticed},  // devices that tell no length are tolerated
      {"used-twice", kRecovered},
  };
  const auto found = kExpected.find(plan);
  return found == kExpected.end() ? 0 : found->second;
}

class FaultPlanOn : public testing::TestWithParam<std::string> {};

TEST_P(FaultPlanOn, ModelIsSurvived) {
  const faults::Plan plan = plan_named(GetParam());
  const FaultRun run = run_on("model", GetParam(), plan);
  const unsigned harm = harm_of(plan);
  const bool misled = (harm & faults::kDeceives) != 0 && run.result.reason == "what was read is what was written";
  EXPECT_TRUE(run.result.outcome == targets::Outcome::held || misled) << run.result.reason;
  for (const faults::FaultCount& count : run.result.faults) {
    EXPECT_GE(count.fired, 1u) << count.name;
  }
  if ((harm & faults::kEndsRun) != 0) {
    return;
  }
  const unsigned reaction = reaction_in(run.seen);
  RecordProperty("reaction", faults::reaction_names(reaction));
  EXPECT_NE(reaction & expected_of(GetParam()), 0u) << faults::reaction_names(reaction);
  unsigned possible = 0;  // as the table of actions has it
  for (const faults::Fault& fault : plan.faults) {
    possible |= summary_of(fault.action).reactions;
  }
  EXPECT_NE(reaction & possible, 0u) << faults::reaction_names(reaction);
}

// Many of them a driver survives without a trace. That something was done at all shows in the log: it is another one
// than where the same faults wait for events that never come.
TEST_P(FaultPlanOn, ModelShowsIt) {
  const faults::Plan plan = plan_named(GetParam());
  faults::Plan idle = plan;
  for (faults::Fault& fault : idle.faults) {
    fault.nth = 1'000'000'000;
  }
  EXPECT_FALSE(
      same(events_of(run_on("model", GetParam(), plan).log), events_of(run_on("model", GetParam(), idle).log)));
}

INSTANTIATE_TEST_SUITE_P(Faults, FaultPlanOn, testing::ValuesIn(all_plans()), [](const auto& plan) {
  std::string name = plan.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

class SharedFaultPlanOn : public testing::TestWithParam<std::string> {};

// What a user of the driver sees of the same plan on two devices: how requests ended, and what it took.
TEST_P(SharedFaultPlanOn, ModelAndQemuHaveTheSameOutcome) {
  const faults::Plan plan = plan_named(GetParam());
  std::map<std::string, std::string> reactions;
  for (const char* const target : {"model", "qemu"}) {
    const FaultRun run = run_on(target, GetParam(), plan);
    EXPECT_EQ(run.result.outcome, targets::Outcome::held) << target << ": " << run.result.reason;
    reactions[target] = faults::reaction_names(reaction_in(run.seen));
  }
  EXPECT_EQ(reactions["model"], reactions["qemu"]);
}

// Whether the driver has to wait for an interrupt, who writes avail_event last, and how far requests have come when
// descriptors are overwritten, is a race on QEMU, whose device works beside the driver.
bool is_a_race(const std::string& plan) {
  return plan == "lost-interrupt" || plan == "avail-event" || plan == "descriptors-rewritten";
}

std::vector<std::string> shared_plans() {
  std::vector<std::string> plans = all_plans();
  std::erase_if(plans, [](const std::string& name) {
    return is_a_race(name) || !gap_on(faults::kOnQemu, plan_named(name)).empty();
  });
  return plans;
}
INSTANTIATE_TEST_SUITE_P(Faults, SharedFaultPlanOn, testing::ValuesIn(shared_plans()), [](const auto& plan) {
  std::string name = plan.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(FaultActions, EnoughOfThemAreTheSameOnQemu) { EXPECT_GE(shared_plans().size(), 25u); }

// Made by `ringside list --faults`.
TEST(FaultActions, TheirTableIsInTheDocuments) {
  std::ifstream file(RINGSIDE_SOURCE_DIR "/docs/faults.md");
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_NE(page.find(faults::fault_table()), std::string::npos);
}

// As one of what can go wrong, or as a combination of these.
TEST(FaultActions, EveryPlanIsInTheDocuments) {
  std::ifstream file(RINGSIDE_SOURCE_DIR "/docs/faults.md");
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const std::string& plan : all_plans()) {
    EXPECT_NE(page.find("`" + plan + "`"), std::string::npos) << plan;
    const bool ends_run = (harm_of(plan_named(plan)) & faults::kEndsRun) != 0;
    EXPECT_TRUE(ends_run || expected_of(plan) != 0) << plan << " has no expected outcome";
  }
}

TEST(FaultActions, EachHasAPlan) {
  std::set<faults::Action> planned;
  for (const std::string& name : all_plans()) {
    for (const faults::Fault& fault : plan_named(name).faults) {
      planned.insert(fault.action);
    }
  }
  for (const faults::ActionSummary& action : faults::all_actions()) {
    EXPECT_TRUE(planned.contains(action.action)) << action.name;
  }
}

TEST(FaultActions, NamesAndValuesMakeSense) {
  std::set<std::string> names;
  for (const faults::ActionSummary& action : faults::all_actions()) {
    EXPECT_TRUE(names.insert(action.name).second) << action.name;
    EXPECT_NE(action.reactions, 0u) << action.name;
    EXPECT_EQ(action.takes_value, action.most != 0) << action.name;
    EXPECT_LE(action.least, action.most) << action.name;
    EXPECT_EQ(happens_in_device(action.action), action.where == faults::kOnModel && !is_of_target(action.action))
        << action.name;
  }
}

TEST(FaultActions, WhatCannotHappenOnATargetIsSkippedThereWithTheReason) {
  const faults::Plan plan = plan_named("dma-stale-read");
  const FaultRun run = run_on("qemu", "dma-stale-read", plan);
  EXPECT_EQ(run.result.outcome, targets::Outcome::skipped);
  EXPECT_NE(run.result.reason.find("dma-stale-read happens inside the model"), std::string::npos) << run.result.reason;
}

// A plan is what is stored of a failure.
TEST(FaultActions, EveryPlanCanBePrintedAndReadAgain) {
  for (const std::string& name : all_plans()) {
    const faults::Plan plan = plan_named(name);
    const std::string text = to_toml(plan);
    const faults::Plan again = faults::parse_plan(text, "again.toml");
    ASSERT_EQ(again.faults.size(), plan.faults.size()) << text;
    EXPECT_EQ(to_toml(again), text);
    for (std::size_t i = 0; i < plan.faults.size(); ++i) {
      const faults::Fault& one = plan.faults[i];
      const faults::Fault& other = again.faults[i];
      EXPECT_TRUE(one.kind == other.kind && one.nth == other.nth && one.queue == other.queue &&
                  one.unit == other.unit && one.action == other.action && one.value == other.value &&
                  one.times == other.times && one.sector == other.sector && one.request == other.request &&
                  one.name == other.name)
          << text;
    }
  }
}

}  // namespace
}  // namespace ringside
