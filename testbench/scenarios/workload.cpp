#include "testbench/scenarios/workload.h"

#include "testbench/scenarios/data.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint16_t kMaxDepth = 32;
constexpr std::uint32_t kMaxSectors = 8;
constexpr std::uint32_t kLaneBytes = kMaxSectors * block::kSectorSize;

struct Lane {
  block::Request request;
  block::Segment segment;
  std::uint64_t key = 0;
  std::uint8_t* data = nullptr;
  bool busy = false;
};

struct Run {
  Context* context;
  block::BlockDevice* disk;
  const Workload* workload;
  Lane lanes[kMaxDepth];
  std::uint32_t prepared = 0;
  std::uint32_t wrong = 0;
};

// Odd requests of a lane write, even ones read back what was written.
void prepare(Run& run, std::uint16_t index) {
  Lane& lane = run.lanes[index];
  const bool read_back = lane.request.operation == block::Operation::write && lane.key != 0;
  if (!read_back) {
    const auto sectors = static_cast<std::uint32_t>(1 + run.context->random().below(run.workload->sectors));
    const std::uint64_t stretch = run.disk->info().sectors / run.workload->depth;
    lane.key = run.context->random().next() | 1;
    lane.segment = {lane.data, sectors * block::kSectorSize};
    lane.request.sector = stretch * index + random_place(*run.context, stretch, sectors);
  }
  fill(lane.data, lane.segment.size, read_back ? ~lane.key : lane.key);
  lane.request.operation = read_back ? block::Operation::read : block::Operation::write;
  lane.busy = true;
  ++run.prepared;
}

void done(block::Request& request) {
  Run& run = *static_cast<Run*>(request.user);
  for (std::uint16_t i = 0; i < run.workload->depth; ++i) {
    Lane& lane = run.lanes[i];
    if (&lane.request == &request) {
      lane.busy = false;
      const bool intact =
          request.operation == block::Operation::write || is_filled(lane.data, lane.segment.size, lane.key);
      run.wrong += request.status == block::Status::ok && intact ? 0 : 1;
    }
  }
}

// Fills up to a batch of idle lanes and submits them with one doorbell. Returns how many.
std::uint16_t submit_batch(Run& run) {
  block::Request* batch[kMaxDepth];
  std::uint16_t count = 0;
  for (std::uint16_t i = 0; i < run.workload->depth && count < run.workload->batch; ++i) {
    if (!run.lanes[i].busy && run.prepared < run.workload->requests) {
      prepare(run, i);
      batch[count++] = &run.lanes[i].request;
    }
  }
  std::size_t taken = 0;
  while (taken < count) {
    const std::size_t now = run.disk->submit(batch + taken, count - taken);
    taken += now;
    if (now == 0 && run.disk->wait(1) == 0) {
      break;  // a full ring that never empties: the checks will say so
    }
  }
  return count;
}

}  // namespace

void run_workload(Context& context, block::BlockDevice& disk, const Workload& workload) {
  Buffer memory(context, workload.depth * std::size_t{kLaneBytes}, 4096);
  if (!memory.valid() ||
      !context.check(disk.info().sectors >= workload.depth * kMaxSectors, "the disk is big enough")) {
    return;
  }
  Run run{&context, &disk, &workload, {}, 0, 0};
  for (std::uint16_t i = 0; i < workload.depth; ++i) {
    Lane& lane = run.lanes[i];
    lane.data = memory.data(i * std::size_t{kLaneBytes});
    lane.request.operation = block::Operation::read;
    lane.request.segments = &lane.segment;
    lane.request.segment_count = 1;
    lane.request.done = done;
    lane.request.user = &run;
  }
  std::uint32_t completed = 0;
  while (completed < workload.requests) {
    static_cast<void>(submit_batch(run));
    // Half of what flies: so that submission and completion overlap.
    const std::size_t finished = disk.wait(1 + disk.in_flight() / 2);
    completed += static_cast<std::uint32_t>(finished);
    if (!context.check(finished != 0, "requests complete")) {
      break;
    }
  }
  context.check(run.wrong == 0, "every request succeeds and every read finds what was written");
  context.check(completed == workload.requests, "every request completes");
}

void run_with_completion(Context& context, block::Completion completion) {
  block::Options options;
  options.completion = completion;
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  run_workload(context, *disk, Workload{});
  Workload one_by_one;
  one_by_one.requests = 32;
  one_by_one.depth = 1;
  one_by_one.batch = 1;
  run_workload(context, *disk, one_by_one);
  check_counters(context, *disk);
  disk->shutdown();
}

void check_counters(Context& context, const block::BlockDevice& disk) {
  const block::Counters& counters = disk.counters();
  context.check(counters.used_id_out_of_range == 0, "no used id out of range");
  context.check(counters.used_id_not_in_flight == 0, "no used id that was not in flight");
  context.check(counters.used_index_jumped == 0, "the used index never jumped");
  context.check(counters.used_length_clamped == 0, "no used length beyond what was given");
  context.check(counters.unknown_status == 0, "no unknown status byte");
  context.check(counters.timeouts == 0, "no request timed out");
  context.check(counters.lost_interrupts == 0, "no interrupt was lost");
  context.check(counters.resets == 0, "no recovery was needed");
}

}  // namespace ringside::scenarios
