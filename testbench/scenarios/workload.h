// A mixed asynchronous workload that checks its own data: what several scenarios run under different conditions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "testbench/scenarios/context.h"

namespace ringside::scenarios {

struct Workload {
  std::uint32_t requests = 200;
  std::uint16_t depth = 16;   // in flight at most, 1 .. 32
  std::uint16_t batch = 8;    // per doorbell, at most depth
  std::uint32_t sectors = 8;  // per request, at most 8
  std::uint16_t queues = 1;   // lane n sends on queue n mod queues
  // Waits for the queue that is to complete, instead of for any.
  bool wait_by_queue = false;
};

// Each of `depth` lanes owns a stretch of the disk and writes, then reads back, there: so requests in flight never
// overlap, and whatever order they complete in, each read's contents are known.
void run_workload(Context& context, block::BlockDevice& disk, const Workload& workload);

// Opens the disk with this kind of completion and runs the default workload, then one request at a time.
void run_with_completion(Context& context, block::Completion completion);

// What no correct device makes the driver count.
void check_counters(Context& context, const block::BlockDevice& disk);

}  // namespace ringside::scenarios
