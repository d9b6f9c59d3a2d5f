// `ringside mutants --by campaign`: each deliberate mistake of the driver is looked for by a fault campaign, and what
// finds it is made small.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "testbench/cli/exit_status.h"
#include "testbench/targets/model_mistakes.h"

namespace ringside::cli {

struct MutantCampaignOptions {
  std::vector<targets::Mistake> mistakes;
  std::uint64_t seeds = 20'000;  // at most, for each
  unsigned parallel = 0;         // workers; 0: one for each core
  std::string keep;              // a directory for the small cases; empty: none are kept
  bool json = false;
};

// Holds when each was found, with few faults and few operations left of it.
[[nodiscard]] ExitStatus hunt_mutants(const MutantCampaignOptions& options);

}  // namespace ringside::cli
