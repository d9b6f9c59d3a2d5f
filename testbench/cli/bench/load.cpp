#include "testbench/cli/bench/load.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include "testbench/scenarios/context.h"

namespace ringside::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPreparedRequests = 4096;  // a multiple of every depth
constexpr std::size_t kBatchesPerLook = 16;      // at the clock
constexpr std::uint32_t kFillBytes = 64 * 1024;
constexpr std::size_t kPage = 4096;
constexpr std::uint8_t kFillByte = 0x5a;  // what fill_disk() writes everywhere, and every write after it

}  // namespace

const std::vector<LoadShape>& load_shapes() {
  static const std::vector<LoadShape> shapes{
      {"read4k_qd32", block::Operation::read, 4096, 32},
      {"read4k_qd1", block::Operation::read, 4096, 1},
      {"read512_qd32", block::Operation::read, 512, 32},
      {"write4k_qd32", block::Operation::write, 4096, 32},
  };
  return shapes;
}

Load::Load(hal::Machine& machine, block::BlockDevice& disk, const LoadShape& shape)
    : machine_(machine),
      disk_(disk),
      depth_(shape.depth),
      data_kept_(shape.data),
      data_(machine.alloc_dma_buffer(shape.depth * shape.bytes, kPage)),
      segments_(shape.depth),
      requests_(kPreparedRequests),
      pointers_(kPreparedRequests) {
  if (data_.cpu == nullptr) {
    throw std::runtime_error("no DMA memory for a benchmark's buffers");
  }
  for (std::size_t i = 0; i < depth_; ++i) {
    segments_[i] = {static_cast<std::uint8_t*>(data_.cpu) + i * shape.bytes, shape.bytes};
  }
  std::memset(data_.cpu, shape.operation == block::Operation::write ? kFillByte : 0, data_.size);
  const std::uint64_t sectors_each = shape.bytes / block::kSectorSize;
  scenarios::Random random(1);
  for (std::size_t i = 0; i < kPreparedRequests; ++i) {
    requests_[i].operation = shape.operation;
    requests_[i].sector = random.below(disk.info().sectors / sectors_each) * sectors_each;
    requests_[i].segments = &segments_[i % depth_];
    requests_[i].segment_count = 1;
    pointers_[i] = &requests_[i];
  }
}

Load::~Load() { machine_.free_dma_buffer(data_); }

void Load::batch(std::size_t first) {
  if (disk_.submit(&pointers_[first], depth_) != depth_ || disk_.wait(depth_) != depth_) {
    throw std::runtime_error("a benchmark's batch was not taken or not completed in full");
  }
}

// A device that is fast because it moves no data would be found out here.
void Load::require_success() const {
  const auto* const bytes = static_cast<const std::uint8_t*>(data_.cpu);
  if (data_kept_ && std::any_of(bytes, bytes + data_.size, [](std::uint8_t byte) { return byte != kFillByte; })) {
    throw std::runtime_error("a benchmark's reads did not bring what was written");
  }
  for (const block::Request& request : requests_) {
    if (request.status != block::Status::ok) {
      throw std::runtime_error(std::string("a benchmark's request ended with: ") + block::to_string(request.status));
    }
  }
}

double Load::run(double seconds) {
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::size_t next = 0;
  std::uint64_t done = 0;
  auto now = start;
  while (now < end) {
    for (std::size_t i = 0; i < kBatchesPerLook; ++i) {
      batch(next);
      next = (next + depth_) % kPreparedRequests;
    }
    done += kBatchesPerLook * depth_;
    now = Clock::now();
  }
  require_success();
  return static_cast<double>(done) / std::chrono::duration<double>(now - start).count();
}

double Load::run_batches(std::size_t batches) {
  const auto start = Clock::now();
  for (std::size_t i = 0; i < batches; ++i) {
    batch(i * depth_ % kPreparedRequests);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  require_success();
  return seconds;
}

void fill_disk(hal::Machine& machine, block::BlockDevice& disk) {
  const hal::DmaBuffer data = machine.alloc_dma_buffer(kFillBytes, kPage);
  if (data.cpu == nullptr) {
    throw std::runtime_error("no DMA memory to fill the disk from");
  }
  std::memset(data.cpu, kFillByte, data.size);
  for (std::uint64_t sector = 0; sector < disk.info().sectors; sector += kFillBytes / block::kSectorSize) {
    if (const block::Status status = disk.write(sector, data.cpu, kFillBytes); status != block::Status::ok) {
      throw std::runtime_error(std::string("filling the disk: ") + block::to_string(status));
    }
  }
  machine.free_dma_buffer(data);
}

}  // namespace ringside::cli
