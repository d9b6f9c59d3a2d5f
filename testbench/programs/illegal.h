// Random programs that no driver may run: mistakes in requests, chains, rings and registers, among requests that are
// good. Every world must end each of them in the same way, and work again after a reset.
#pragma once

#include "testbench/programs/program.h"
#include "testbench/scenarios/context.h"

namespace ringside::programs {

// The same program for the same random numbers, on every machine.
[[nodiscard]] Program make_illegal(scenarios::Random& random);

}  // namespace ringside::programs
