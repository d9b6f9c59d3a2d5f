// A disk of one run in this process's memory. Campaigns make a run of every fraction of a millisecond, and each changes
// a few sectors: a disk that was used gets back what was changed, and the next run uses it again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/ram_storage.h"

namespace ringside::targets {

class MemoryDisk {
 public:
  // `pristine` outlives it.
  explicit MemoryDisk(const std::vector<std::uint8_t>& pristine);
  ~MemoryDisk();
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {memory_, size_}; }
  // The disk as a device's storage. It stays where it is, and nobody else writes to it.
  [[nodiscard]] model::RamStorage storage() { return model::RamStorage(memory_, written_); }
  // What is new is zeroes. False when it would be too big.
  [[nodiscard]] bool resize(std::uint64_t bytes);
  // As it was at first.
  void restore();

 private:
  const std::vector<std::uint8_t>& pristine_;
  std::uint64_t room_;  // bytes at memory_: zeroes, but for what the disk held at first and what was written
  std::uint8_t* memory_;
  std::uint64_t size_ = 0;
  model::WrittenRange written_;  // all that differs from what it was at first lies in here
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
