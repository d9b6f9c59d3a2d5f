#include "testbench/scenarios/list.h"

namespace ringside::scenarios {

void boot_log(Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  context.observe("sectors", disk->info().sectors);
  context.observe("queue size", disk->info().queue_size);
  context.observe("features", disk->info().features);
  disk->shutdown();
}

}  // namespace ringside::scenarios
