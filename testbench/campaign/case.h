// One run of a campaign, complete: what it takes to do it again, wherever that is.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "testbench/faults/plan.h"
#include "testbench/programs/program.h"

namespace ringside::campaign {

struct Case {
  std::uint64_t seed = 0;                       // of the campaign; also of what the target itself decides at random
  std::string target = "model";                 // as on the command line
  programs::Program program;                    // the machine, its disk, and the steps of the workload
  std::map<std::string, std::string> settings;  // --set
  faults::Plan plan;
};

}  // namespace ringside::campaign
