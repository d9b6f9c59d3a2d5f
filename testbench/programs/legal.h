// Random programs that any driver may run: whatever they do is allowed, so every world has to agree, and where the
// generator knows what a read returns it says so.
#pragma once

#include "testbench/programs/program.h"
#include "testbench/scenarios/context.h"

namespace ringside::programs {

struct Reach {
  // Properties of a disk that a stock QEMU has not: IN_ORDER, NOTIFICATION_DATA, LIFETIME and so on.
  bool bench_properties = false;
};

// The same program for the same random numbers, on every machine.
[[nodiscard]] Program make_legal(scenarios::Random& random, const Reach& reach);

}  // namespace ringside::programs
