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
  bool wrong = false;
};

struct Run {
  Context& context;
  block::BlockDevice& disk;
  const Workload& workload;
  Lane lanes[kMaxDepth];
};

void done(block::Request& request) {
  Lane& lane = *static_cast<Lane*>(request.user);
  const bool intact = request.operation == block::Operation::write || is_filled(lane.data, lane.segment.size, lane.key);
  lane.wrong = lane.wrong || request.status != block::Status::ok || !intact;
  lane.busy = false;
}

// A lane's requests alternate: one writes, the next reads back what was written.
void prepare(Run& run, std::uint16_t index) {
  Lane& lane = run.lanes[index];
  const bool read_back = lane.request.operation == block::Operation::write;
  if (!read_back) {
    const std::uint32_t unit = run.disk.info().block_size / block::kSectorSize;  // whole blocks only
    const std::uint32_t most = run.workload.sectors > unit ? run.workload.sectors / unit : 1;
    const auto blocks = static_cast<std::uint32_t>(1 + run.context.random().below(most));
    const std::uint64_t stretch = run.disk.info().sectors / unit / run.workload.depth;
    lane.key = run.context.random().next();
    lane.segment = {lane.data, blocks * unit * block::kSectorSize};
    lane.request.sector = (stretch * index + random_place(run.context, stretch, blocks)) * unit;
  }
  fill(lane.data, lane.segment.size, read_back ? ~lane.key : lane.key);
  lane.request.operation = read_back ? block::Operation::read : block::Operation::write;
  lane.busy = true;
}

std::size_t wait_once(Run& run, const block::Request& request) {
  return run.workload.wait_by_queue ? run.disk.wait_queue(request.queue, 1) : run.disk.wait(1);
}

// False when nothing completes any more.
bool wait_for(Run& run, std::uint16_t index) {
  while (run.lanes[index].busy) {
    if (wait_once(run, run.lanes[index].request) == 0) {
      return false;
    }
  }
  return true;
}

bool submit_all(Run& run, block::Request* const* requests, std::uint16_t count) {
  std::size_t taken = 0;
  while (taken < count) {
    const std::size_t now = run.disk.submit(requests + taken, count - taken);
    taken += now;
    if (now == 0 && wait_once(run, *requests[taken]) == 0) {
      return false;  // a full ring that never empties
    }
  }
  return true;
}

// Requests go out in one order, request n in lane n mod depth, in batches of one size: only when they go depends on
// completions, never what goes.
bool send_batch(Run& run, std::uint32_t first) {
  block::Request* batch[kMaxDepth];
  std::uint16_t count = 0;
  for (; count < run.workload.batch && first + count < run.workload.requests; ++count) {
    const auto index = static_cast<std::uint16_t>((first + count) % run.workload.depth);
    if (!wait_for(run, index)) {
      return false;
    }
    prepare(run, index);
    batch[count] = &run.lanes[index].request;
  }
  return submit_all(run, batch, count);
}

}  // namespace

void run_workload(Context& context, block::BlockDevice& disk, const Workload& workload) {
  Buffer memory(context, workload.depth * std::size_t{kLaneBytes}, 4096);
  if (!memory.valid() ||
      !context.check(disk.info().sectors >= workload.depth * kMaxSectors, "the disk is big enough") ||
      !context.check(disk.info().block_size <= kLaneBytes, "its blocks are small enough")) {
    return;
  }
  Run run{context, disk, workload, {}};
  for (std::uint16_t i = 0; i < workload.depth; ++i) {
    Lane& lane = run.lanes[i];
    lane.data = memory.data(i * std::size_t{kLaneBytes});
    lane.request.operation = block::Operation::read;
    lane.request.queue = static_cast<std::uint16_t>(i % workload.queues);
    lane.request.segments = &lane.segment;
    lane.request.segment_count = 1;
    lane.request.done = done;
    lane.request.user = &lane;
  }
  bool alive = true;
  for (std::uint32_t first = 0; alive && first < workload.requests; first += workload.batch) {
    alive = send_batch(run, first);
  }
  bool right = true;
  for (std::uint16_t i = 0; i < workload.depth; ++i) {
    alive = alive && wait_for(run, i);
    right = right && !run.lanes[i].wrong;
  }
  context.check(alive, "every request completes");
  context.check(right, "every request succeeds and every read finds what was written");
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
  if (completion == block::Completion::intx) {  // a line that is never lowered: the driver looks for itself in the end
    context.check(disk->counters().spurious_interrupts == 0, "no interrupt was for nothing");
  }
  disk->shutdown();
}

void check_counters(Context& context, const block::BlockDevice& disk) {
  const block::Counters& counters = disk.counters();
  context.check(counters.used_id_out_of_range == 0, "no used id out of range");
  context.check(counters.used_id_not_in_flight == 0, "no used id that was not in flight");
  context.check(counters.used_out_of_order == 0, "in order, nothing was used before its turn");
  context.check(counters.used_index_jumped == 0, "the used index never jumped");
  context.check(counters.used_length_clamped == 0, "no used length beyond what was given");
  context.check(counters.unknown_status == 0, "no unknown status byte");
  context.check(counters.timeouts == 0, "no request timed out");
  context.check(counters.lost_interrupts == 0, "no interrupt was lost");
  const std::uint64_t recovered = counters.resets + counters.queue_resets + counters.replays;
  const std::uint64_t failed = counters.needs_reset + counters.removals + counters.resets_unfinished;
  context.check(recovered + failed == 0, "no recovery was needed");
}

}  // namespace ringside::scenarios
