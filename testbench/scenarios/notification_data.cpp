// Doorbells that say where the ring stands (VIRTIO 1.2, 2.9), and that name the queue by a value which the device chose
// (4.1.5.2): each alone, both, and neither.
#include <initializer_list>

#include "driver/virtio/spec.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {

void notification_data(Context& context) {
  constexpr std::uint64_t kPosition = virtio::feature(virtio::VIRTIO_F_NOTIFICATION_DATA);
  constexpr std::uint64_t kValue = virtio::feature(virtio::VIRTIO_F_NOTIF_CONFIG_DATA);
  for (const std::uint64_t without : {std::uint64_t{0}, kPosition, kValue, kPosition | kValue}) {
    block::Options options;
    options.features &= ~without;
    options.queues = 2;
    block::BlockDevice* const disk = context.open(options);
    if (disk == nullptr) {
      return;
    }
    context.check((disk->info().features & (kPosition | kValue)) == ((kPosition | kValue) & ~without),
                  "what kind of doorbell it is, is agreed on");
    Workload workload;
    workload.queues = disk->info().queues;
    run_workload(context, *disk, workload);
    check_counters(context, *disk);
    disk->shutdown();
  }
}

}  // namespace ringside::scenarios
