// The monitors over the bench's own scenarios.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "testbench/checks/monitors.h"
#include "testbench/targets/target.h"
#include "testbench/trace/memory_log.h"

namespace ringside::checks {
namespace {

using trace::MemoryLog;

// The scenarios of the bench on the model: whatever they do, the device keeps its side; and the driver keeps its own
// but where the scenario breaks a rule on purpose.
TEST(MonitorSoak, ScenariosRaiseNoFalseAlarm) {
  const std::map<std::string, std::set<std::string>> on_purpose = {
      // Reads the device configuration byte by byte, whatever was offered.
      {"identify", {"pcilayout-drv-01", "devcfg-drv-03", "blkinit-drv-04"}},
      {"refused", {"blkop-drv-02", "blkop-drv-06"}},
      // Negotiate each kind of doorbell, not only the one that a driver should.
      {"notification-data", {"resfeat-drv-13"}},
      {"packed-notification-data", {"resfeat-drv-13"}},
      {"ring-of-two", {"indirect-drv-03"}},  // what a queue of two is good for at all
  };
  for (const targets::Tracing tracing : {targets::Tracing::events, targets::Tracing::accesses}) {
    targets::RunSettings settings;
    settings.tracing = tracing;
    const auto target = targets::make_target(targets::TargetSpec::parse("model"), settings);
    for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
      MemoryLog log;
      static_cast<void>(target->run(scenario, settings, log));
      const auto allowed = on_purpose.find(scenario.name);
      for (const Violation& violation : run_monitors(log.records())) {
        const bool meant = violation.role == Role::driver && allowed != on_purpose.end() &&
                           allowed->second.count(violation.clause) != 0;
        EXPECT_TRUE(meant) << scenario.name << " #" << violation.index << ": " << to_string(violation.role)
                           << " breaks " << violation.clause << ": " << violation.text;
      }
    }
  }
}

}  // namespace
}  // namespace ringside::checks
