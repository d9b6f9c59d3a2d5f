// The packed ring, in all its forms, and small enough that its wrap counters turn over thousands of times.
#include <initializer_list>

#include "driver/virtio/spec.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

void run(Context& context, const block::Options& options, const Workload& workload) {
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  context.check((disk->info().features & virtio::feature(virtio::VIRTIO_F_RING_PACKED)) != 0,
                "the ring is a packed one");
  context.observe("features", disk->info().features);
  run_workload(context, *disk, workload);
  check_counters(context, *disk);
  disk->shutdown();
}

}  // namespace

void packed(Context& context) {
  run(context, {}, Workload{});

  block::Options chains;
  chains.features &= ~virtio::feature(virtio::VIRTIO_F_INDIRECT_DESC);
  run(context, chains, Workload{});

  // Chains of three in a ring of 16: they lie across its end, at every place.
  chains.queue_size = 16;
  Workload many;
  many.requests = 6'000;
  many.depth = 5;
  many.batch = 2;
  many.sectors = 1;
  run(context, chains, many);
}

}  // namespace ringside::scenarios
