// The disk is pulled out while requests are in flight, and put back.
#include <initializer_list>

#include "driver/block/find.h"
#include "driver/pci/bus.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

constexpr std::size_t kInFlight = 8;
constexpr std::uint32_t kBytes = block::kBlockSize;

struct Flight {
  block::Request requests[kInFlight];
  block::Segment segments[kInFlight];

  [[nodiscard]] bool submit(block::BlockDevice& disk, Buffer& buffer) {
    block::Request* pointers[kInFlight];
    for (std::size_t i = 0; i < kInFlight; ++i) {
      segments[i] = {buffer.data(i * kBytes), kBytes};
      requests[i] = block::Request{};
      requests[i].sector = i * (kBytes / block::kSectorSize);
      requests[i].segments = &segments[i];
      requests[i].segment_count = 1;
      pointers[i] = &requests[i];
    }
    return disk.submit(pointers, kInFlight) == kInFlight;
  }
  // What the device had done before it went may have succeeded; nothing may wait for ever or be called timed out.
  [[nodiscard]] bool ended() const {
    for (const block::Request& request : requests) {
      if (request.status != block::Status::ok && request.status != block::Status::device_lost) {
        return false;
      }
    }
    return true;
  }
};

bool found(Context& context) {
  pci::Bus bus(context.machine());
  return context.check(bus.init(), "the bus is scanned") && block::find_virtio_block_device(bus) != nullptr;
}

void lose(Context& context, block::Completion completion) {
  block::Options options;
  options.completion = completion;
  options.timeout = 100 * hal::kMillisecond;
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  Buffer buffer(context, kInFlight * std::size_t{kBytes}, 4096);
  Flight flight;
  if (buffer.valid() && context.check(flight.submit(*disk, buffer), "the requests are taken")) {
    context.check(context.bench().ask(Ask::unplug, 0) == 1, "the disk is pulled out");
    static_cast<void>(disk->wait(kInFlight));
    context.check(flight.ended() && disk->in_flight() == 0, "every request ends, done or lost");
    context.check(disk->read(0, buffer.data(), kBytes) == block::Status::device_lost, "the next one is lost too");
  }
  disk->shutdown();
  context.check(!found(context), "a scan finds it no more");
}

void find_again(Context& context) {
  context.check(context.bench().ask(Ask::plug, 0) == 1, "the disk is put back");
  context.check(found(context), "a scan finds it");
  block::BlockDevice* const disk = context.open();
  if (disk != nullptr) {
    run_workload(context, *disk, Workload{});
    check_counters(context, *disk);
    disk->shutdown();
  }
}

}  // namespace

void removal(Context& context) {
  for (const block::Completion completion :
       {block::Completion::msix, block::Completion::intx, block::Completion::polled}) {
    lose(context, completion);
    find_again(context);
  }
}

}  // namespace ringside::scenarios
