// With VIRTIO_F_IN_ORDER requests complete in the order in which they were made available, however long each takes.
#include "driver/virtio/spec.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint16_t kRequests = 32;
constexpr std::uint32_t kMostSectors = 16;

struct Finish {
  std::uint16_t next = 0;  // whose turn it is
  bool in_order = true;
  bool succeeded = true;
};

struct Numbered {
  block::Request request;
  block::Segment segment;
  Finish* finish = nullptr;
  std::uint16_t number = 0;
};

void done(block::Request& request) {
  const Numbered& self = *static_cast<Numbered*>(request.user);
  Finish& finish = *self.finish;
  finish.in_order = finish.in_order && self.number == finish.next;
  finish.succeeded = finish.succeeded && request.status == block::Status::ok;
  ++finish.next;
}

// Long and short ones in turn: a device that completed each when it is ready would not keep their order.
void read_in_order(Context& context, block::BlockDevice& disk, Buffer& data) {
  Finish finish;
  Numbered all[kRequests];
  block::Request* batch[kRequests];
  for (std::uint16_t i = 0; i < kRequests; ++i) {
    Numbered& one = all[i];
    const std::uint32_t sectors = i % 2 == 0 ? kMostSectors : 1;
    one.segment = {data.data(i * std::size_t{kMostSectors} * block::kSectorSize), sectors * block::kSectorSize};
    one.request.sector = random_place(context, disk.info().sectors, sectors);
    one.request.segments = &one.segment;
    one.request.segment_count = 1;
    one.request.done = done;
    one.request.user = &one;
    one.finish = &finish;
    one.number = i;
    batch[i] = &one.request;
  }
  std::size_t taken = 0;
  while (taken < kRequests) {
    taken += disk.submit(batch + taken, kRequests - taken);
    if (taken < kRequests && disk.wait(1) == 0) {
      break;
    }
  }
  while (finish.next < taken && disk.wait(1) != 0) {
  }
  context.check(finish.next == kRequests, "every request completes");
  context.check(finish.in_order, "the requests complete in the order in which they were sent");
  context.check(finish.succeeded, "every request succeeds");
}

}  // namespace

void in_order(Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  context.check((disk->info().features & virtio::feature(virtio::VIRTIO_F_IN_ORDER)) != 0, "in-order use is agreed on");
  {
    Buffer data(context, kRequests * std::size_t{kMostSectors} * block::kSectorSize, 4096);
    if (data.valid()) {
      read_in_order(context, *disk, data);
    }
  }
  Workload workload;
  workload.requests = 1'000;
  workload.depth = 32;
  workload.batch = 32;
  run_workload(context, *disk, workload);
  check_counters(context, *disk);
  disk->shutdown();
}

}  // namespace ringside::scenarios
