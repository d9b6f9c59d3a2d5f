// How much of a run is recorded: what a look into the rings from outside finds is what the driver's own accesses show.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "testbench/checks/monitors.h"
#include "testbench/scenarios/context.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/target.h"
#include "testbench/trace/memory_log.h"

namespace ringside::tests {
namespace {

using targets::Tracing;
using trace::Kind;

std::vector<trace::Record> log_of(const scenarios::Scenario& scenario, Tracing tracing) {
  targets::RunSettings settings;
  settings.machine.clear();
  settings.tracing = tracing;
  settings = targets::settings_for(scenario, settings);
  trace::MemoryLog log;
  const auto target = targets::make_target(targets::TargetSpec::parse("model"), settings);
  const targets::RunResult result = target->run(scenario, settings, log);
  EXPECT_EQ(result.outcome, targets::Outcome::held) << scenario.name << ": " << result.reason;
  return log.take();
}

// What was asked and what came of it, without data and times: in the order of each queue.
using Deed = std::tuple<Kind, std::uint32_t, std::uint16_t, std::uint64_t, std::uint64_t, std::uint64_t>;
std::map<std::pair<std::uint8_t, std::uint16_t>, std::vector<Deed>> deeds(const std::vector<trace::Record>& log) {
  std::map<std::pair<std::uint8_t, std::uint16_t>, std::vector<Deed>> queues;
  for (const trace::Record& record : log) {
    if (record.kind == Kind::request || record.kind == Kind::completion) {
      queues[{record.unit, record.queue}].emplace_back(record.kind, record.ordinal, record.flags, record.offset,
                                                       record.length, record.value);
    }
  }
  for (auto& [queue, all] : queues) {  // when the driver looks for completions is its own business
    std::ranges::stable_sort(all, {}, [](const Deed& deed) { return std::get<Kind>(deed); });
  }
  return queues;
}

std::size_t count(const std::vector<trace::Record>& log, Kind kind) {
  return static_cast<std::size_t>(std::ranges::count(log, kind, &trace::Record::kind));
}

class TracingDetail : public testing::TestWithParam<const char*> {};

TEST_P(TracingDetail, RequestsAloneAreTheSameRequests) {
  const auto list = scenarios::all_scenarios();
  const auto scenario = std::ranges::find(list, std::string(GetParam()), &scenarios::Scenario::name);
  ASSERT_NE(scenario, list.end());
  const std::vector<trace::Record> whole = log_of(*scenario, Tracing::events);
  const std::vector<trace::Record> requests = log_of(*scenario, Tracing::requests);
  EXPECT_GT(count(requests, Kind::request), 0u);
  EXPECT_TRUE(deeds(whole) == deeds(requests));
  EXPECT_EQ(count(whole, Kind::interrupt), count(requests, Kind::interrupt));
  EXPECT_EQ(count(whole, Kind::doorbell), count(requests, Kind::doorbell));
  checks::MonitorRun monitors(checks::View::outside);
  for (const trace::Record& record : requests) {
    // Of the device's side only what the model's simulator is asked before a reset.
    EXPECT_TRUE(record.tap != trace::Tap::device || record.kind >= Kind::dev_state);
    EXPECT_TRUE(record.kind != Kind::completion || record.hash == 0);
    monitors.append(record);
  }
  EXPECT_TRUE(monitors.finish().empty());
}

INSTANTIATE_TEST_SUITE_P(Scenarios, TracingDetail,
                         testing::Values("batch", "scatter-gather", "polled", "event-index", "queue-reset",
                                         "out-of-order", "legacy", "two-disks", "packed", "packed-event-index",
                                         "in-order", "packed-in-order"),
                         [](const auto& name) {
                           std::string text = name.param;
                           std::erase(text, '-');
                           return text;
                         });

TEST(TracingDetailRefused, WhereADeviceActsBetweenTwoLooks) {
  targets::RunSettings settings;
  settings.tracing = Tracing::requests;
  for (const char* spec : {"qemu", "guest", "model,memory=weak", "model,without=avail_notify"}) {
    EXPECT_THROW((void)targets::make_target(targets::TargetSpec::parse(spec), settings), targets::InputError) << spec;
  }
  const faults::Plan plan;
  settings.faults = &plan;
  EXPECT_THROW((void)targets::make_target(targets::TargetSpec::parse("model"), settings), targets::InputError);
}

}  // namespace
}  // namespace ringside::tests
