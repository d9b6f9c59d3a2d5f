#include "testbench/guest/bench_load.h"

#include <cstddef>
#include <cstdint>
#include <new>

#include "driver/block/block_device.h"
#include "driver/block/open.h"
#include "driver/hal/memory.h"
#include "testbench/scenarios/context.h"

namespace ringside::guest {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::uint32_t kMostDepth = 128;     // a ring of 256 takes that many without indirect tables
constexpr std::uint32_t kMostSectors = 2048;  // 1 MiB a request
constexpr std::size_t kPreparedRounds = 128;  // places on the disk repeat after that many rounds

std::uint64_t time_stamp() {
  std::uint32_t low;
  std::uint32_t high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
  return std::uint64_t{high} << 32 | low;
}

// Two readings with nothing between them: what the readings themselves cost.
std::uint64_t reading_ticks() {
  const std::uint64_t start = time_stamp();
  return time_stamp() - start;
}

std::uint64_t known_loop_ticks() {
  std::uint64_t rounds = kKnownLoopInstructions / 2;
  const std::uint64_t start = time_stamp();
  asm volatile("1: dec %0\n\tjnz 1b" : "+r"(rounds) : : "cc", "memory");
  return time_stamp() - start - reading_ticks();
}

bool sensible(const BenchOrder& order) {
  return order.requests != 0 && order.depth != 0 && order.depth <= kMostDepth && order.batch != 0 &&
         order.depth % order.batch == 0 && order.sectors != 0 && order.sectors <= kMostSectors;
}

// Requests are made before the clock starts, at places that depend on nothing but order and disk.
class Load {
 public:
  Load(hal::Machine& machine, block::BlockDevice& disk, const BenchOrder& order)
      : machine_(machine), disk_(disk), order_(order) {}

  [[nodiscard]] bool prepare();
  // Each makes at least so many requests, and returns false when the driver did not take or not complete one.
  [[nodiscard]] bool run(std::uint64_t requests);
  // Here all `depth` are completed before the next.
  [[nodiscard]] bool run_counted(std::uint64_t requests, std::uint64_t& driver_ticks);

  [[nodiscard]] std::uint64_t completed() const { return completed_; }
  [[nodiscard]] std::uint64_t errors() const { return errors_; }

 private:
  [[nodiscard]] std::size_t prepared() const { return kPreparedRounds * order_.depth; }
  [[nodiscard]] block::Request* const* next(std::size_t count);
  [[nodiscard]] std::size_t submit(block::Request* const* round);
  void look_at(block::Request* const* requests, std::size_t count);
  void give_time() const;

  hal::Machine& machine_;
  block::BlockDevice& disk_;
  const BenchOrder& order_;
  block::Request** pointers_ = nullptr;
  std::size_t next_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t errors_ = 0;
};

template <class T>
T* new_array(hal::Machine& machine, std::size_t count) {
  return static_cast<T*>(machine.alloc_private(count * sizeof(T), alignof(T)));
}

bool Load::prepare() {
  const std::uint32_t bytes = order_.sectors * block::kSectorSize;
  const std::uint64_t places = disk_.info().sectors / order_.sectors;
  const hal::DmaBuffer data = machine_.alloc_dma_buffer(std::size_t{order_.depth} * bytes, kPage);
  auto* const segments = new_array<block::Segment>(machine_, order_.depth);
  auto* const requests = new_array<block::Request>(machine_, prepared());
  pointers_ = new_array<block::Request*>(machine_, prepared());
  if (places == 0 || data.cpu == nullptr || segments == nullptr || requests == nullptr || pointers_ == nullptr) {
    return false;
  }
  scenarios::Random random(1);
  for (std::size_t i = 0; i < prepared(); ++i) {
    const std::size_t slot = i % order_.depth;
    segments[slot] = {static_cast<std::uint8_t*>(data.cpu) + slot * bytes, bytes};
    block::Request& request = *new (requests + i) block::Request;
    request.operation = order_.write != 0 ? block::Operation::write : block::Operation::read;
    request.sector = random.below(places) * order_.sectors;
    request.segments = segments + slot;
    request.segment_count = 1;
    pointers_[i] = &request;
  }
  return true;
}

block::Request* const* Load::next(std::size_t count) {
  block::Request* const* const requests = pointers_ + next_;
  next_ = next_ + count == prepared() ? 0 : next_ + count;
  return requests;
}

std::size_t Load::submit(block::Request* const* round) {
  std::size_t taken = 0;
  while (taken < order_.depth && disk_.submit(round + taken, order_.batch) == order_.batch) {
    taken += order_.batch;
  }
  return taken;
}

void Load::look_at(block::Request* const* requests, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    errors_ += requests[i]->status == block::Status::ok ? 0 : 1;
  }
}

// A batch is sent as soon as there is room for it, so that driver and device work at the same time.
bool Load::run(std::uint64_t requests) {
  std::uint64_t sent = 0;
  std::uint64_t in_flight = 0;
  while (sent < requests || in_flight != 0) {
    for (; sent < requests && in_flight + order_.batch <= order_.depth; sent += order_.batch) {
      block::Request* const* const batch = next(order_.batch);
      look_at(batch, order_.batch);  // what it was the last time: the device has had the others since
      if (disk_.submit(batch, order_.batch) != order_.batch) {
        return false;
      }
      in_flight += order_.batch;
    }
    const std::size_t completed = disk_.wait(order_.batch);
    if (completed == 0) {
      return false;
    }
    in_flight -= completed;
    completed_ += completed;
  }
  return true;
}

// To the device, so that one poll() mostly finds a whole round.
void Load::give_time() const {
  const std::uint64_t end = machine_.now() + 100 * hal::kMicrosecond;
  while (machine_.now() < end) {
    machine_.relax(end);
  }
}

// A poll() that finds nothing is waiting for the device and does not count.
bool Load::run_counted(std::uint64_t requests, std::uint64_t& driver_ticks) {
  const std::uint64_t reading = reading_ticks();
  for (std::uint64_t done = 0; done < requests; done += order_.depth) {
    block::Request* const* const round = next(order_.depth);
    const std::uint64_t start = time_stamp();
    const std::size_t taken = submit(round);
    driver_ticks += time_stamp() - start - reading;
    if (taken != order_.depth) {
      return false;
    }
    const std::uint64_t deadline = machine_.now() + hal::kSecond;
    for (std::size_t completed = 0; completed < order_.depth;) {
      give_time();
      const std::uint64_t before = time_stamp();
      const std::size_t found = disk_.poll();
      const std::uint64_t after = time_stamp();
      driver_ticks += found != 0 ? after - before - reading : 0;
      completed += found;
      if (found == 0 && machine_.now() >= deadline) {
        return false;
      }
    }
    look_at(round, order_.depth);
    completed_ += order_.depth;
  }
  return true;
}

void measure(hal::Machine& machine, block::BlockDevice& disk, const BenchOrder& order, BenchResult& result) {
  Load load(machine, disk, order);
  // The first rounds touch what no round touched before.
  if (!load.prepare() || !load.run(std::uint64_t{order.depth} * kPreparedRounds)) {
    ++result.errors;
    return;
  }
  const std::uint64_t warm = load.completed();  // and every request was sent once
  const std::uint64_t start = machine.now();
  const bool complete =
      order.counted != 0 ? load.run_counted(order.requests, result.driver_ticks) : load.run(order.requests);
  result.nanoseconds = machine.now() - start;
  result.requests = load.completed() - warm;
  result.errors = load.errors() + (complete ? 0 : 1);
}

}  // namespace

void run_bench(hal::Machine& machine, const BenchOrder& order, BenchResult& result) {
  result = {};
  result.known_loop_ticks = known_loop_ticks();
  block::Options options;
  options.completion = order.polled != 0 ? block::Completion::polled : block::Completion::msix;
  block::BlockDevice* const disk = sensible(order) ? block::open_disk(machine, hal::Plain{}, options) : nullptr;
  if (disk == nullptr) {
    ++result.errors;
    return;
  }
  measure(machine, *disk, order, result);
  disk->shutdown();
}

}  // namespace ringside::guest
