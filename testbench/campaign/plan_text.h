// A fault plan as the file that it could have come from.
#pragma once

#include <string>

#include "testbench/faults/plan.h"

namespace ringside::campaign {

[[nodiscard]] std::string print_plan(const faults::Plan& plan);

}  // namespace ringside::campaign
