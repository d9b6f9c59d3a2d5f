// What tracing costs: 4 KiB reads at depth 32 on the model, without the tap; with the tap and nobody who takes its
// records; and with each of those who do, files complete. All take turns in one process.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "testbench/cli/bench/qemu_bench.h"

namespace ringside::cli {

// The names of all rows that measure_tracing() gives.
[[nodiscard]] std::vector<std::string> tracing_rows();

using RowChoice = std::function<bool(const std::string& name)>;

// Those who have a row that is wanted, and what they are compared with; `seconds` of one turn without the tap. Throws
// std::runtime_error when a run does not hold.
[[nodiscard]] std::vector<Measured> measure_tracing(unsigned repetitions, double seconds, const RowChoice& wanted);

}  // namespace ringside::cli
