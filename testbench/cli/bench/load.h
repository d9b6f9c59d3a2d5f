// What the benchmarks do to a disk: one kind of request, so many in flight, in batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "driver/block/block_device.h"
#include "driver/hal/machine.h"

namespace ringside::cli {

struct LoadShape {
  std::string name;  // "read4k_qd32"
  block::Operation operation;
  std::uint32_t bytes;  // per request
  std::size_t depth;    // requests per doorbell, all completed before the next
  bool data = true;     // reads bring what was written; false: of a disk that has no data
};

// The four shapes that the project publishes figures for.
[[nodiscard]] const std::vector<LoadShape>& load_shapes();

// One shape on one open disk. Requests are made before the clock starts, at places that depend on nothing but the
// shape, so that every disk of the same size gets the same ones.
class Load {
 public:
  // Throws std::runtime_error when there is no memory for the buffers.
  Load(hal::Machine& machine, block::BlockDevice& disk, const LoadShape& shape);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Batches until `seconds` have passed. Returns requests per second. Throws std::runtime_error when one fails.
  [[nodiscard]] double run(double seconds);
  // So many batches. Returns the seconds that they took. Throws std::runtime_error when one fails.
  [[nodiscard]] double run_batches(std::size_t batches);

 private:
  void batch(std::size_t first);
  void require_success() const;

  hal::Machine& machine_;
  block::BlockDevice& disk_;
  std::size_t depth_;
  bool data_kept_;
  hal::DmaBuffer data_;
  std::vector<block::Segment> segments_;
  std::vector<block::Request> requests_;
  std::vector<block::Request*> pointers_;
};

// Writes every sector once, so that nothing is measured on memory that was never touched.
void fill_disk(hal::Machine& machine, block::BlockDevice& disk);

}  // namespace ringside::cli
