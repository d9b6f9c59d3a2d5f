// Long writes, short reads and a flush in flight together: nothing orders them (VIRTIO 1.2, 5.2.6), so a device with
// more than one thing to do at a time completes them as it likes. Each completion must find its own request.
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

constexpr unsigned kLanes = 8;
constexpr unsigned kRounds = 24;
constexpr std::uint32_t kLongSectors = 32;
constexpr std::uint32_t kLongBytes = kLongSectors * block::kSectorSize;
constexpr std::uint32_t kShortBytes = block::kSectorSize;
constexpr std::uint64_t kLaneSectors = kLongSectors + 1;
constexpr std::size_t kLaneBytes = kLongBytes + kShortBytes;
constexpr std::size_t kBatch = 2 * kLanes + 1;

// One request and what is expected of it.
struct Job {
  block::Request request;
  block::Segment segment;
  std::uint64_t key = 0;  // of the data on the disk
  unsigned completed = 0;
};

struct Run {
  Context& context;
  block::BlockDevice& disk;
  std::uint64_t first_sector = 0;  // of the first lane
  Job jobs[kBatch];                // a long and a short one for each lane; the flush is the last
};

void done(block::Request& request) { ++static_cast<Job*>(request.user)->completed; }

void prepare_jobs(Run& run, const Buffer& memory) {
  for (unsigned i = 0; i < kBatch; ++i) {
    Job& job = run.jobs[i];
    job.request.done = done;
    job.request.user = &job;
    if (i == kBatch - 1) {
      job.request.operation = block::Operation::flush;
      continue;
    }
    const bool is_long = i % 2 == 0;
    const unsigned lane = i / 2;
    job.segment = {memory.data(lane * kLaneBytes + (is_long ? 0 : kLongBytes)), is_long ? kLongBytes : kShortBytes};
    job.request.segments = &job.segment;
    job.request.segment_count = 1;
    job.request.sector = run.first_sector + lane * kLaneSectors + (is_long ? 0 : kLongSectors);
  }
}

// Long ones write while short ones read, and the other way round in the next round. What is read was written before.
void next_round(Run& run, unsigned round) {
  for (unsigned i = 0; i + 1 < kBatch; ++i) {
    Job& job = run.jobs[i];
    const bool writes = i % 2 == round % 2;
    job.request.operation = writes ? block::Operation::write : block::Operation::read;
    job.key = writes ? run.context.random().next() : job.key;
    fill(static_cast<std::uint8_t*>(job.segment.data), job.segment.size, writes ? job.key : ~job.key);
  }
}

// False when a request did not come back.
bool play_round(Run& run) {
  block::Request* batch[kBatch];
  for (unsigned i = 0; i < kBatch; ++i) {
    run.jobs[i].completed = 0;
    batch[i] = &run.jobs[i].request;
  }
  const bool taken = run.context.check(run.disk.submit(batch, kBatch) == kBatch, "the ring takes the round");
  static_cast<void>(run.disk.wait(kBatch));
  return taken;
}

bool is_right(const Job& job) {
  const bool reads = job.request.operation == block::Operation::read;
  return job.completed == 1 && job.request.status == block::Status::ok &&
         (!reads || is_filled(static_cast<const std::uint8_t*>(job.segment.data), job.segment.size, job.key));
}

void play(Run& run, const Buffer& memory) {
  prepare_jobs(run, memory);
  bool right = true;
  bool alive = true;
  for (unsigned round = 0; alive && round < kRounds; ++round) {
    next_round(run, round);
    alive = play_round(run);
    for (unsigned i = 0; i < kBatch; ++i) {
      const bool nothing_written_yet = round == 0 && run.jobs[i].request.operation == block::Operation::read;
      right = right && (nothing_written_yet ? run.jobs[i].completed == 1 : is_right(run.jobs[i]));
    }
  }
  run.context.check(right, "every request completes once, and every read finds what was written");
}

}  // namespace

void out_of_order(Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  {
    const Buffer memory(context, kLanes * kLaneBytes, 4096);
    Run run{context, *disk, 0, {}};
    const bool big_enough = context.check(disk->info().sectors >= kLanes * kLaneSectors, "the disk is big enough");
    if (memory.valid() && big_enough) {
      run.first_sector = random_place(context, disk->info().sectors, kLanes * kLaneSectors);
      play(run, memory);
    }
  }
  check_counters(context, *disk);
  disk->shutdown();
}

}  // namespace ringside::scenarios
