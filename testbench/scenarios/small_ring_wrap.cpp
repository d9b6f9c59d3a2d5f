// 70,000 is more than 65,536: avail.idx, used.idx and the event indices wrap, on a ring that goes round 4,375 times.
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {

void small_ring_wrap(Context& context) {
  block::Options options;
  options.queue_size = 16;
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  context.check(disk->info().queue_size == 16, "the ring has 16 entries");
  Workload workload;
  workload.requests = 70'000;
  workload.depth = 16;
  workload.batch = 8;
  workload.sectors = 1;
  run_workload(context, *disk, workload);
  check_counters(context, *disk);
  disk->shutdown();
}

}  // namespace ringside::scenarios
