// The disk is pulled out, idle or with requests in flight, and put back.
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
  [[nodiscard]] bool lost() const {
    for (const block::Request& request : requests) {
      if (request.status != block::Status::device_lost) {
        return false;
      }
    }
    return true;
  }
};

enum class Moment : std::uint8_t {
  before_requests,  // they go to an empty slot
  in_flight,        // the device has them and holds them back
};

// Pulled out at that moment, with the requests sent.
bool send_and_pull(Context& context, block::BlockDevice& disk, Flight& flight, Buffer& buffer, Moment moment) {
  const auto pull = [&context] { return context.bench().ask(Ask::unplug, 0) == 1; };
  if (moment == Moment::before_requests) {
    return context.check(pull(), "the disk is pulled out") &&
           context.check(flight.submit(disk, buffer), "the requests are taken");
  }
  return context.check(context.bench().ask(Ask::hold, 0) != kNotAvailable, "completions are held back") &&
         context.check(flight.submit(disk, buffer), "the requests are taken") &&
         context.check(pull(), "the disk is pulled out") &&
         context.check(context.bench().ask(Ask::release, 0) != kNotAvailable, "nothing is held back");
}

bool found(Context& context) {
  pci::Bus bus(context.machine());
  return context.check(bus.init(), "the bus is scanned") && block::find_virtio_block_device(bus) != nullptr;
}

void lose(Context& context, block::Completion completion, Moment moment) {
  block::Options options;
  options.completion = completion;
  options.timeout = 100 * hal::kMillisecond;
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  Buffer buffer(context, kInFlight * std::size_t{kBytes}, 4096);
  Flight flight;
  if (buffer.valid() && send_and_pull(context, *disk, flight, buffer, moment)) {
    static_cast<void>(disk->wait(kInFlight));
    context.check(flight.lost() && disk->in_flight() == 0, "every request ends, lost");
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

void pull_out_and_put_back(Context& context, Moment moment) {
  for (const block::Completion completion :
       {block::Completion::msix, block::Completion::intx, block::Completion::polled}) {
    lose(context, completion, moment);
    find_again(context);
  }
}

}  // namespace

void removal(Context& context) { pull_out_and_put_back(context, Moment::before_requests); }

void removal_in_flight(Context& context) { pull_out_and_put_back(context, Moment::in_flight); }

}  // namespace ringside::scenarios
