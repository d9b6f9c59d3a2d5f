// Several request queues, each with its ring, its vector and its own path of completion.
#include <initializer_list>

#include "driver/virtio/spec.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

void run_on(Context& context, const block::Options& options, std::uint16_t expected_queues, bool wait_by_queue) {
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  context.check(disk->info().queues == expected_queues, "as many queues as asked for");
  Workload workload;
  workload.depth = 32;
  workload.batch = 16;
  workload.requests = 512;
  workload.queues = disk->info().queues;
  workload.wait_by_queue = wait_by_queue;
  run_workload(context, *disk, workload);
  check_counters(context, *disk);
  disk->shutdown();
}

}  // namespace

// All eight, some, and one; waiting for each queue on its own, and for whichever is first.
void multi_queue(Context& context) {
  for (const std::uint16_t queues : {std::uint16_t{8}, std::uint16_t{3}, std::uint16_t{1}}) {
    block::Options options;
    options.queues = queues;
    run_on(context, options, queues, true);
    run_on(context, options, queues, false);
  }
}

// More queues than the machine has vectors: the last ones share.
void many_queues(Context& context) {
  block::Options options;
  options.queues = block::kMaxQueues;
  options.queue_size = 16;
  // With it a queue may grow, so that there is memory for the largest one: 64 times 1 MiB on a device that shows 1024.
  options.features &= ~virtio::feature(virtio::VIRTIO_F_RING_RESET);
  run_on(context, options, block::kMaxQueues, true);
  run_on(context, options, block::kMaxQueues, false);
}

// One vector for all four queues; then fewer vectors than queues, so that the last three share one; then the INTx line.
void shared_vector(Context& context) {
  block::Options options;
  options.queues = 4;
  options.vectors = block::VectorUse::shared;
  run_on(context, options, 4, true);
  run_on(context, options, 4, false);
  options.vectors = block::VectorUse::per_queue;
  run_on(context, options, 4, true);
  run_on(context, options, 4, false);
  options.completion = block::Completion::intx;
  run_on(context, options, 4, true);
  run_on(context, options, 4, false);
}

// A device without MSI-X: who asks for it gets the INTx line.
void no_vector(Context& context) {
  block::Options options;
  options.queues = 2;
  run_on(context, options, 2, true);
  run_on(context, options, 2, false);
}

}  // namespace ringside::scenarios
