// The smallest ring and the largest (VIRTIO 1.2, 2.7: a power of two up to 32768).
#include <initializer_list>

#include "driver/virtio/spec.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

void run_with_ring_of(Context& context, std::uint16_t size, const Workload& workload) {
  block::Options options;
  options.queue_size = size;
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  context.check(disk->info().queue_size == size, "the ring has the size asked for");
  run_workload(context, *disk, workload);
  check_counters(context, *disk);
  disk->shutdown();
}

}  // namespace

// A ring of two holds a request of three pieces only in an indirect table; without those the driver says no.
void ring_of_two(Context& context) {
  Workload workload;
  workload.depth = 4;
  workload.batch = 4;
  run_with_ring_of(context, 2, workload);
  run_with_ring_of(context, 4, workload);

  block::Options options;
  options.queue_size = 2;
  options.features &= ~virtio::feature(virtio::VIRTIO_F_INDIRECT_DESC);
  context.check(context.try_open(options) == nullptr, "without indirect descriptors a ring of two is turned down");
}

void largest_ring(Context& context) {
  Workload workload;
  workload.depth = 32;
  workload.batch = 32;
  workload.requests = 40'000;  // once round the ring
  workload.sectors = 1;
  run_with_ring_of(context, virtio::kMaxQueueSize, workload);
}

}  // namespace ringside::scenarios
