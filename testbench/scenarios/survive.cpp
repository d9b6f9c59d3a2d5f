// Writes, flushes and reads back, whatever comes of it: for runs with faults. Every request has to end, and what ends
// well has to be right. Requests are big and in flight together, so that a device is still busy when the driver first
// looks: most faults need a driver that has to wait.
#include <array>

#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

using block::Status;

constexpr unsigned kRounds = 8;
constexpr unsigned kDepth = 8;
constexpr std::uint32_t kBytes = 128u << 10;
constexpr std::uint64_t kTimeout = 500 * hal::kMillisecond;  // of a request: what a fault may cost

struct Lane {
  block::Request request;
  block::Segment segment;
  std::uint8_t* data = nullptr;
  bool written = false;  // by the round before
};

struct Endings {
  std::uint64_t well = 0;
  std::uint64_t with_error = 0;
  bool last_well = false;
  bool all_ended = true;
  bool all_right = true;
};

// Even rounds write, odd ones read back what they wrote.
void play_round(block::BlockDevice& disk, std::array<Lane, kDepth>& lanes, unsigned round, Endings& endings) {
  const bool write = round % 2 == 0;
  std::array<block::Request*, kDepth> batch{};
  const auto key_of = [round](unsigned lane) { return std::uint64_t{round / 2 + 1} * kDepth + lane; };
  for (unsigned i = 0; i < kDepth; ++i) {
    Lane& lane = lanes[i];
    fill(lane.data, kBytes, write ? key_of(i) : ~key_of(i));
    lane.segment = {lane.data, kBytes};
    lane.request = {};
    lane.request.operation = write ? block::Operation::write : block::Operation::read;
    lane.request.sector = key_of(i) * kBytes / block::kSectorSize;
    lane.request.segments = &lane.segment;
    lane.request.segment_count = 1;
    batch[i] = &lane.request;
  }
  const std::size_t taken = disk.submit(batch.data(), kDepth);
  while (disk.in_flight() != 0 && disk.wait(disk.in_flight()) != 0) {
  }
  for (unsigned i = 0; i < taken; ++i) {
    Lane& lane = lanes[i];
    const bool well = lane.request.status == Status::ok;
    const bool checked = !write && lane.written && well;
    endings.all_right = endings.all_right && (!checked || is_filled(lane.data, kBytes, key_of(i)));
    endings.all_ended = endings.all_ended && lane.request.status != Status::pending;
    lane.written = write && well;
    (well ? endings.well : endings.with_error) += 1;
    endings.last_well = well;
  }
  endings.all_ended = endings.all_ended && taken == kDepth;
}

void report(Context& context, const Endings& endings, const block::Counters& counters) {
  context.check(endings.all_ended, "every request ended");
  context.check(endings.all_right, "what was read is what was written");
  context.observe("ended well", endings.well);
  context.observe("ended with an error", endings.with_error);
  context.observe("the last ended well", endings.last_well ? 1 : 0);
  context.observe("resets", counters.resets + counters.queue_resets);
  context.observe("noticed", counters.used_id_out_of_range + counters.used_id_not_in_flight +
                                 counters.used_out_of_order + counters.used_index_jumped +
                                 counters.used_length_clamped + counters.unknown_status + counters.timeouts +
                                 counters.lost_interrupts + counters.config_changes + counters.spurious_interrupts);
}

}  // namespace

void survive(Context& context) {
  block::Options options;
  options.timeout = kTimeout;
  block::BlockDevice* const disk = context.try_open(options);
  context.observe("the disk came up", disk != nullptr ? 1 : 0);
  if (disk == nullptr) {
    return;
  }
  Endings endings;
  {
    Buffer data(context, kDepth * std::size_t{kBytes}, 4096);
    if (!data.valid()) {
      return;
    }
    std::array<Lane, kDepth> lanes{};
    for (unsigned i = 0; i < kDepth; ++i) {
      lanes[i].data = data.data(i * std::size_t{kBytes});
    }
    for (unsigned round = 0; round < kRounds; ++round) {
      play_round(*disk, lanes, round, endings);
      if (disk->info().flush && round % 2 == 0) {
        endings.with_error += disk->flush() == Status::ok ? 0 : 1;
      }
    }
  }
  context.check(disk->in_flight() == 0, "nothing is in flight any more");
  report(context, endings, disk->counters());
  disk->shutdown();
}

}  // namespace ringside::scenarios
