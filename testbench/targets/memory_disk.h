// A disk of one run in this process's memory. Campaigns make a run of every fraction of a millisecond, and each changes
// a few sectors: a disk that was used gets back what was changed, and the next run uses it again.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/ram_storage.h"

namespace ringside::targets {

class MemoryDisk {
 public:
  // `pristine` outlives it.
  explicit MemoryDisk(const std::vector<std::uint8_t>& pristine) : pristine_(pristine), bytes_(pristine) {}
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }
  // The disk as a device's storage, until the next resize. Nobody else writes to it.
  [[nodiscard]] model::RamStorage storage() { return model::RamStorage(bytes_.data(), written_); }
  // What is new is zeroes.
  void resize(std::uint64_t bytes);
  // As it was at first.
  void restore();

 private:
  const std::vector<std::uint8_t>& pristine_;
  std::vector<std::uint8_t> bytes_;
  model::WrittenRange written_;
};

// Puts a disk where the next take_memory_disk() finds it.
struct MemoryDiskReturn {
  std::vector<std::unique_ptr<MemoryDisk>>* shelf = nullptr;
  void operator()(MemoryDisk* disk) const;
};
using LentMemoryDisk = std::unique_ptr<MemoryDisk, MemoryDiskReturn>;

// A disk with these contents. They are made once, by `make`, for all disks of that size and seed.
[[nodiscard]] LentMemoryDisk take_memory_disk(std::uint64_t bytes, std::uint64_t seed,
                                              std::vector<std::uint8_t> (*make)(std::uint64_t bytes,
                                                                                std::uint64_t seed));

}  // namespace ringside::targets
