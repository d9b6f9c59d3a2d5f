// `ringside compare`, for commands that run a comparison again.
#pragma once

#include <string>

#include "testbench/cli/exit_status.h"
#include "testbench/cli/random_compare.h"
#include "testbench/cli/run_options.h"

namespace ringside::cli {

struct CompareOptions : RunOptions {
  std::string left = "model";
  std::string right = "qemu";
  std::string waivers;
  std::string scenario_files;
  std::string faults;
  unsigned repeat = 1;
  RandomOptions random;
  std::string expected;  // of one scenario that is run again: how it ended before (signature_of()); empty: not known
};

[[nodiscard]] ExitStatus compare(CompareOptions& options);

}  // namespace ringside::cli
