// What tracing costs: 4 KiB reads at depth 32 on the model, without the tap; with the tap and nobody who takes its
// records; and with each of those who do, files complete. All take turns in one process.
#pragma once

#include <string>
#include <vector>

#include "testbench/cli/bench/qemu_bench.h"

namespace ringside::cli {

// The names of all rows that measure_tracing() gives.
[[nodiscard]] std::vector<std::string> tracing_rows();

// `seconds` of one turn without the tap. Throws std::runtime_error when a run does not hold.
[[nodiscard]] std::vector<Measured> measure_tracing(unsigned repetitions, double seconds);

}  // namespace ringside::cli
