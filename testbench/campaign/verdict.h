// What a run's log and its result say together.
#pragma once

#include <vector>

#include "testbench/campaign/driver_state.h"
#include "testbench/campaign/leak_watch.h"
#include "testbench/campaign/observations.h"
#include "testbench/campaign/run_case.h"
#include "testbench/checks/monitor.h"
#include "testbench/faults/plan.h"
#include "testbench/targets/target.h"

namespace ringside::campaign {

struct Evidence {
  DriverStateWatch states;
  LeakWatch leaks;
  Observations observations;
  std::vector<checks::Violation> violations;
  bool weak = false;  // the memory: a doorbell is in the log when it arrives
};

[[nodiscard]] Ending judge(const faults::Plan& plan, const targets::RunResult& result, const Evidence& evidence);

}  // namespace ringside::campaign
