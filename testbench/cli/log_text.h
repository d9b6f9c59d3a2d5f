// What a log says in words.
#pragma once

#include <string>
#include <vector>

#include "testbench/trace/record.h"

namespace ringside::cli {

// The lines that the driver logged.
[[nodiscard]] std::vector<std::string> driver_lines(const std::vector<trace::Record>& log);

// The names of the checks that did not hold.
[[nodiscard]] std::vector<std::string> failed_checks(const std::vector<trace::Record>& log);

}  // namespace ringside::cli
