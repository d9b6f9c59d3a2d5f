// The modern structures reached through configuration space, as firmware does that has not mapped the BARs.
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {

void pci_cfg_window(Context& context) {
  block::Options options;
  options.transport = block::TransportChoice::pci_cfg_window;
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  context.observe("features", disk->info().features);
  context.observe("sectors", disk->info().sectors);
  run_workload(context, *disk, Workload{});
  check_counters(context, *disk);
  disk->shutdown();
}

}  // namespace ringside::scenarios
