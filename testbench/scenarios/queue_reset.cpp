#include <initializer_list>

#include "driver/virtio/spec.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {

void queue_reset(Context& context) {
  block::BlockDevice* disk = context.open();
  if (disk == nullptr) {
    return;
  }
  Workload workload;
  workload.requests = 64;
  const std::uint16_t full = disk->info().queue_size;
  const bool offered = (disk->info().features & virtio::feature(virtio::VIRTIO_F_RING_RESET)) != 0;
  for (const std::uint16_t size : {std::uint16_t{0}, std::uint16_t{64}, std::uint16_t{16}, full}) {
    run_workload(context, *disk, workload);
    const block::Status expected = !offered       ? block::Status::unsupported
                                   : size <= full ? block::Status::ok
                                                  : block::Status::refused;
    context.check(disk->reset_queue(size) == expected, "the queue resets and comes back, where it can");
    context.observe("queue size", disk->info().queue_size);
  }
  run_workload(context, *disk, workload);
  context.check(disk->reset_queue(24) == (offered ? block::Status::refused : block::Status::unsupported),
                "a size that is no power of two is refused");
  check_counters(context, *disk);
  disk->shutdown();

  block::Options options;
  options.features &= ~virtio::feature(virtio::VIRTIO_F_RING_RESET);
  disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  context.check(disk->reset_queue(0) == block::Status::unsupported, "without the feature there is no queue reset");
  disk->shutdown();
}

}  // namespace ringside::scenarios
