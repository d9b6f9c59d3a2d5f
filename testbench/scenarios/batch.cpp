#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {

void batch(Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  Workload workload;
  workload.requests = 640;
  workload.depth = 32;
  workload.batch = 32;
  run_workload(context, *disk, workload);
  check_counters(context, *disk);
  disk->shutdown();
}

}  // namespace ringside::scenarios
