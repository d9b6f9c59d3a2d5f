// VIRTIO_F_ACCESS_PLATFORM: the device reaches memory through the platform's translation. The driver must not notice:
// it hands out no address but those that alloc_dma_buffer and map gave it.
#include "driver/virtio/spec.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {

void platform_translation(Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  context.check((disk->info().features & virtio::feature(virtio::VIRTIO_F_ACCESS_PLATFORM)) != 0,
                "translated access is agreed on");
  run_workload(context, *disk, Workload{});
  check_counters(context, *disk);
  disk->shutdown();
}

}  // namespace ringside::scenarios
