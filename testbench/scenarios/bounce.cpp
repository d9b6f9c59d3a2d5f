// Data where no device can reach it, or not aligned as asked, goes through a buffer of the driver's own. Requests with
// good and with bounced data are in flight together.
#include <initializer_list>

#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint32_t kBytes = 24u << 10;
// As many as the driver can bounce at a time. One more would have to wait for another's buffer, and whose that will be,
// and when, is for completions to say: a scenario's requests must not depend on those.
constexpr std::uint16_t kLanes = 8;

struct Lane {
  block::Request request;
  block::Segment pieces[3];
  std::uint8_t* data = nullptr;
  unsigned completions = 0;
};

void done(block::Request& request) { ++static_cast<Lane*>(request.user)->completions; }

std::uint8_t* private_memory(Context& context, std::size_t size) {
  void* const place = context.machine().alloc_private(size, 4096);
  context.check(place != nullptr, "there is private memory");
  return static_cast<std::uint8_t*>(place);
}

// A sector and a bit, a bit, and the rest.
void cut(Lane& lane) {
  lane.pieces[0] = {lane.data, 700};
  lane.pieces[1] = {lane.data + 700, 3};
  lane.pieces[2] = {lane.data + 703, kBytes - 703};
}

bool run_all(Context& context, block::BlockDevice& disk, Lane* lanes, block::Operation operation) {
  block::Request* batch[kLanes];
  for (std::uint16_t i = 0; i < kLanes; ++i) {
    lanes[i].request.operation = operation;
    lanes[i].completions = 0;
    batch[i] = &lanes[i].request;
  }
  for (std::size_t taken = 0; taken < kLanes;) {
    const std::size_t now = disk.submit(batch + taken, kLanes - taken);
    taken += now;
    if (now == 0 && disk.wait(1) == 0) {
      return context.check(false, "every request is taken");
    }
  }
  while (disk.in_flight() != 0) {
    if (disk.wait(disk.in_flight()) == 0) {
      return context.check(false, "every request completes");
    }
  }
  bool right = true;
  for (std::uint16_t i = 0; i < kLanes; ++i) {
    right = right && lanes[i].completions == 1 && lanes[i].request.status == block::Status::ok;
  }
  return context.check(right, "every request completes once, and succeeds");
}

// Lanes in DMA memory as asked, in DMA memory at odd addresses, and in private memory, in turn.
void mixed(Context& context, block::BlockDevice& disk, std::uint8_t* hidden) {
  const Buffer memory(context, kLanes * std::size_t{2 * kBytes}, 4096);
  void* const table = context.machine().alloc_private(kLanes * sizeof(Lane), alignof(Lane));
  if (!memory.valid() || table == nullptr) {
    return;
  }
  auto* const lanes = static_cast<Lane*>(table);
  const std::uint64_t first = random_place(context, disk.info().sectors, kLanes * (kBytes / block::kSectorSize));
  for (std::uint16_t i = 0; i < kLanes; ++i) {
    Lane& lane = lanes[i] = Lane{};
    const std::size_t at = i * std::size_t{kBytes};
    lane.data = i % 3 == 2 ? hidden + at : memory.data(2 * at + (i % 3 == 1 ? 1u + i : 0u));
    cut(lane);
    lane.request.segments = lane.pieces;
    lane.request.segment_count = 3;
    lane.request.sector = first + i * std::uint64_t{kBytes / block::kSectorSize};
    lane.request.done = done;
    lane.request.user = &lane;
    fill(lane.data, kBytes, first + i);
  }
  if (!run_all(context, disk, lanes, block::Operation::write)) {
    return;
  }
  for (std::uint16_t i = 0; i < kLanes; ++i) {
    fill(lanes[i].data, kBytes, ~(first + i));
  }
  if (!run_all(context, disk, lanes, block::Operation::read)) {
    return;
  }
  bool right = true;
  for (std::uint16_t i = 0; i < kLanes; ++i) {
    right = right && is_filled(lanes[i].data, kBytes, first + i);
  }
  context.check(right, "what was written is read");
}

// More than fits into one of the driver's bounce buffers, so that it goes as several requests.
void long_hidden(Context& context, block::BlockDevice& disk, std::uint8_t* hidden) {
  constexpr std::uint32_t kAll = kLanes * kBytes;
  const std::uint64_t place = random_place(context, disk.info().sectors, kAll / block::kSectorSize);
  const std::uint64_t key = context.random().next();
  fill(hidden, kAll, key);
  context.check(disk.write(place, hidden, kAll) == block::Status::ok, "a long write from private memory succeeds");
  fill(hidden, kAll, ~key);
  context.check(disk.read(place, hidden, kAll) == block::Status::ok, "a long read to private memory succeeds");
  context.check(is_filled(hidden, kAll, key), "what was written is read");
}

void hidden_id(Context& context, block::BlockDevice& disk) {
  const Buffer reachable(context, block::kIdSize, 512);
  std::uint8_t* const hidden = private_memory(context, block::kIdSize);
  if (!reachable.valid() || hidden == nullptr) {
    return;
  }
  context.check(disk.get_id(reachable.data()) == block::Status::ok, "the device names itself");
  context.check(disk.get_id(hidden) == block::Status::ok, "the device names itself in private memory");
  bool same = true;
  bool ended = false;  // some devices write no further than the name's NUL
  for (std::size_t i = 0; i < block::kIdSize && !ended; ++i) {
    same = same && hidden[i] == *reachable.data(i);
    ended = hidden[i] == 0;
  }
  context.check(same, "it is the same name");
}

}  // namespace

void bounce(Context& context) {
  for (const std::uint32_t alignment : {1u, 512u}) {
    block::Options options;
    options.data_alignment = alignment;
    block::BlockDevice* const disk = context.open(options);
    if (disk == nullptr ||
        !context.check(disk->info().sectors >= kLanes * (kBytes / block::kSectorSize), "the disk is big enough")) {
      return;
    }
    std::uint8_t* const hidden = private_memory(context, kLanes * std::size_t{kBytes});
    if (hidden != nullptr) {
      mixed(context, *disk, hidden);
      long_hidden(context, *disk, hidden);
    }
    hidden_id(context, *disk);
    disk->shutdown();
  }
}

}  // namespace ringside::scenarios
