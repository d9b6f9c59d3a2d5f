// One event of a log as a line for people.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "testbench/trace/record.h"

namespace ringside::report {

// With the text that follows it, cut to what a line can show. A log is outside input: the bytes may be anything.
[[nodiscard]] std::string event_text(const std::vector<trace::Record>& log, std::size_t index);

}  // namespace ringside::report
