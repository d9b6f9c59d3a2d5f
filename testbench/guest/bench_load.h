// What the benchmarks do on the CPU: one kind of request, so many in flight, and what that took.
#pragma once

#include "driver/hal/machine.h"
#include "testbench/guest/mailbox.h"

namespace ringside::guest {

// Opens the machine's first disk with the plain policy, does what the order says and shuts the disk down. Everything
// that does not come about, a disk or memory included, is an error in the result.
void run_bench(hal::Machine& machine, const BenchOrder& order, BenchResult& result);

}  // namespace ringside::guest
