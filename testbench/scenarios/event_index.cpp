// The same batches under every combination of event index and indirect descriptors. Asking for an interrupt after the
// last of 32 requests must not bring 32: the bound is what suppression promises, not an exact count.
#include <initializer_list>

#include "driver/virtio/spec.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

void run_without(Context& context, std::uint64_t features) {
  block::Options options;
  options.features &= ~features;
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  context.observe("features", disk->info().features);
  Workload workload;
  workload.requests = 256;
  workload.depth = 32;
  workload.batch = 32;
  run_workload(context, *disk, workload);
  check_counters(context, *disk);
  disk->shutdown();
}

void run_combinations(Context& context) {
  constexpr std::uint64_t kEvent = virtio::feature(virtio::VIRTIO_F_EVENT_IDX);
  constexpr std::uint64_t kIndirect = virtio::feature(virtio::VIRTIO_F_INDIRECT_DESC);
  for (const std::uint64_t without : {std::uint64_t{0}, kEvent, kIndirect, kEvent | kIndirect}) {
    run_without(context, without);
  }
}

}  // namespace

void event_index(Context& context) { run_combinations(context); }

// The same on a packed ring, where an event is a place in the ring and a wrap counter (VIRTIO 1.2, 2.8.10).
void packed_event_index(Context& context) { run_combinations(context); }

}  // namespace ringside::scenarios
