// `ringside compare --random N`: random programs on two targets; what does not agree is made small and written as a
// file.
#pragma once

#include <cstdint>
#include <string>

#include "testbench/cli/exit_status.h"
#include "testbench/cli/run_options.h"

namespace ringside::cli {

struct RandomOptions {
  std::string left, right;
  std::string waivers;
  std::uint64_t count = 0;       // programs
  unsigned illegal_percent = 0;  // of them
  std::string keep = ".";        // where files go
};

[[nodiscard]] ExitStatus compare_random(const RunOptions& run, const RandomOptions& random);

}  // namespace ringside::cli
