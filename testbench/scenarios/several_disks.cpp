// Several disks in one machine, on their own slots or as functions of one device: found in order, in use at the same
// time, and none of them sees what is meant for another.
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

constexpr unsigned kDisks = 2;
constexpr std::uint32_t kBytes = 8 * block::kSectorSize;
constexpr int kRounds = 40;

struct Pair {
  block::BlockDevice* disks[kDisks] = {};

  [[nodiscard]] bool open(Context& context, block::Completion completion) {
    for (unsigned i = 0; i < kDisks; ++i) {
      block::Options options;
      options.disk = i;
      options.completion = completion;
      disks[i] = context.open(options);
      if (disks[i] == nullptr) {
        return false;
      }
    }
    return true;
  }
  void shutdown() const {
    for (block::BlockDevice* const disk : disks) {
      if (disk != nullptr) {
        disk->shutdown();
      }
    }
  }
};

struct Transfer {
  block::Request request;
  block::Segment segment;

  void prepare(block::Operation operation, std::uint64_t sector, std::uint8_t* data) {
    segment = {data, kBytes};
    request = block::Request{};
    request.operation = operation;
    request.sector = sector;
    request.segments = &segment;
    request.segment_count = 1;
  }
};

// The same operation on both at once; waited for in the order opposite to that of submission.
bool run_both(const Pair& pair, Transfer (&transfers)[kDisks]) {
  for (unsigned i = 0; i < kDisks; ++i) {
    block::Request* const request = &transfers[i].request;
    if (pair.disks[i]->submit(&request, 1) != 1) {
      return false;
    }
  }
  bool ok = true;
  for (unsigned i = kDisks; i-- != 0;) {
    while (transfers[i].request.status == block::Status::pending && pair.disks[i]->wait(1) != 0) {
    }
    ok = ok && transfers[i].request.status == block::Status::ok;
  }
  return ok;
}

void interleave(Context& context, const Pair& pair) {
  Buffer memory(context, kDisks * std::size_t{kBytes}, 4096);
  if (!memory.valid()) {
    return;
  }
  Transfer transfers[kDisks];
  bool done = true;
  bool right = true;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t sector = random_place(context, pair.disks[0]->info().sectors, kBytes / block::kSectorSize);
    const std::uint64_t key = context.random().next();
    for (unsigned i = 0; i < kDisks; ++i) {
      std::uint8_t* const data = memory.data(i * std::size_t{kBytes});
      fill(data, kBytes, key + i);
      transfers[i].prepare(block::Operation::write, sector, data);
    }
    done = run_both(pair, transfers) && done;
    for (unsigned i = 0; i < kDisks; ++i) {
      std::uint8_t* const data = memory.data(i * std::size_t{kBytes});
      fill(data, kBytes, ~key);
      transfers[i].prepare(block::Operation::read, sector, data);
    }
    done = run_both(pair, transfers) && done;
    for (unsigned i = 0; i < kDisks; ++i) {
      right = right && is_filled(memory.data(i * std::size_t{kBytes}), kBytes, key + i);
    }
  }
  context.check(done, "every request succeeds");
  context.check(right, "each disk keeps what was written to it, not to the other");
}

void use_together(Context& context, block::Completion completion) {
  Pair pair;
  if (pair.open(context, completion)) {
    interleave(context, pair);
    for (block::BlockDevice* const disk : pair.disks) {
      context.observe("sectors", disk->info().sectors);
      check_counters(context, *disk);
    }
  }
  pair.shutdown();
}

}  // namespace

void two_disks(Context& context) {
  use_together(context, block::Completion::msix);
  use_together(context, block::Completion::intx);  // on one line
}

void multi_function(Context& context) { use_together(context, block::Completion::msix); }

}  // namespace ringside::scenarios
