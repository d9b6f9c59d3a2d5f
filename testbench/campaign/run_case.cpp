#include "testbench/campaign/run_case.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "testbench/campaign/leak_watch.h"
#include "testbench/campaign/observations.h"
#include "testbench/campaign/verdict.h"
#include "testbench/checks/monitors.h"
#include "testbench/scenarios/campaign_workload.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/memory_order.h"
#include "testbench/targets/target.h"
#include "testbench/trace/hash.h"
#include "testbench/trace/kind_set.h"

namespace ringside::campaign {
namespace {

// What any of the watches but the monitors, who know themselves, takes: few records are anything to them.
const trace::KindSet kWatched = [] {
  constexpr std::array kKinds = {
      trace::Kind::text,           trace::Kind::check,         trace::Kind::observe,        trace::Kind::ask,
      trace::Kind::register_write, trace::Kind::queue_enabled, trace::Kind::queue_disabled, trace::Kind::device_status,
      trace::Kind::features,       trace::Kind::dma_alloc,     trace::Kind::dma_free,       trace::Kind::dma_map,
      trace::Kind::dma_unmap,      trace::Kind::request,       trace::Kind::completion,     trace::Kind::dev_fault};
  trace::KindSet watched;
  watched.add(kKinds);
  return watched;
}();

// Everybody who reads the log of a run while it is made.
class Watchers final : public trace::Sink {
 public:
  explicit Watchers(trace::Sink* also) : also_(also) {}
  void append(const trace::Record& record) override {
    const std::size_t index = index_++;
    if (kWatched.contains(record.kind)) {
      evidence_.states.see(record, index);
      evidence_.leaks.see(record);
      evidence_.observations.see(record, index);
    }
    monitors_.append(record);
    if (also_ != nullptr) {
      also_->append(record);
    }
  }
  void expect_weak(bool weak) { evidence_.weak = weak; }
  [[nodiscard]] const Evidence& finish() {
    evidence_.violations = monitors_.finish();
    return evidence_;
  }

 private:
  trace::Sink* also_;
  std::size_t index_ = 0;
  Evidence evidence_;
  checks::MonitorRun monitors_;
};

class Hasher final : public trace::Sink {
 public:
  Hasher() { stream_.begin(); }
  void append(const trace::Record& record) override { stream_.add(&record, sizeof record); }
  [[nodiscard]] std::uint64_t end() const { return stream_.end(); }

 private:
  trace::HashStream stream_;
};

targets::RunSettings settings_of(const Case& subject, const RunLimits& limits) {
  targets::RunSettings settings;
  settings.seed = subject.seed;
  settings.machine = subject.program.machine;
  settings.values = subject.settings;
  settings.disk_seed = scenarios::kCampaignDiskSeed;
  settings.timeout = std::chrono::seconds(limits.seconds);
  settings.faults = &subject.plan;
  return settings;
}

struct CaseTarget {
  std::unique_ptr<targets::Target> target;
  bool weak = false;  // in the order of its memory
};

// Made once in a process for each machine: to look for what a target needs costs as much as a good part of a run.
const CaseTarget& target_for(const std::string& text, const targets::RunSettings& settings) {
  static std::map<std::pair<std::string, std::string>, CaseTarget> made;
  CaseTarget& known = made[{text, settings.machine}];
  if (!known.target) {
    const targets::TargetSpec spec = targets::TargetSpec::parse(text);
    known.weak = targets::memory_order(spec).weak;
    known.target = targets::make_target(spec, settings);
  }
  return known;
}

scenarios::Scenario scenario_of(const Case& subject) {
  scenarios::Scenario scenario{scenarios::kCampaignWorkload, "", scenarios::campaign_workload};
  for (std::size_t i = 0; i < std::min<std::size_t>(subject.program.devices.size(), scenarios::kMostDisks); ++i) {
    scenario.setup.devices[i] = subject.program.devices[i].c_str();
  }
  scenario.setup.disk_sectors = subject.program.disk_sectors;
  scenario.steps = {subject.program.steps.data(), static_cast<std::uint32_t>(subject.program.steps.size())};
  return scenario;
}

}  // namespace

Ending run_case(const Case& subject, const RunLimits& limits, trace::Sink* also) {
  const scenarios::Scenario scenario = scenario_of(subject);
  targets::RunSettings settings = targets::settings_for(scenario, settings_of(subject, limits));
  if (also == nullptr) {
    static const trace::KindSet wanted = checks::kinds_taken();
    settings.wanted = wanted;
  }
  const CaseTarget& on = target_for(subject.target, settings);
  Watchers watchers(also);
  watchers.expect_weak(on.weak);
  const targets::RunResult result = on.target->run(scenario, settings, watchers);
  return judge(subject.plan, result, watchers.finish());
}

std::uint64_t log_hash(const Case& subject, const RunLimits& limits) {
  Hasher hasher;
  (void)run_case(subject, limits, &hasher);
  return hasher.end();
}

std::string Ending::kind() const {
  return is_failure(outcome) ? fmt::format("{}: {}", to_string(outcome), where) : std::string();
}

std::string Ending::signature() const {
  if (!is_failure(outcome)) {
    return {};
  }
  constexpr std::size_t kMostNames = 3;
  std::set<std::string> names;
  for (const FaultEnd& fault : faults) {
    if (fault.fired) {
      names.insert(fault.name);
    }
  }
  const std::string which = names.empty()               ? "no fault"
                            : names.size() > kMostNames ? "several faults"
                                                        : fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{} [{}]", kind(), which);
}

}  // namespace ringside::campaign
