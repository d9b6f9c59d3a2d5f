#include "testbench/targets/memory_disk.h"

#include <algorithm>
#include <map>
#include <utility>

namespace ringside::targets {
namespace {

// Disks that are alike, and those of them that nobody uses.
struct Kind {
  std::vector<std::uint8_t> pristine;
  std::vector<std::unique_ptr<MemoryDisk>> shelf;
};

}  // namespace

void MemoryDisk::resize(std::uint64_t bytes) {
  const std::uint64_t before = bytes_.size();
  written_.add(std::min(before, bytes), std::max(before, bytes) - std::min(before, bytes));
  bytes_.resize(bytes);
}

void MemoryDisk::restore() {
  bytes_.resize(pristine_.size());
  const std::uint64_t end = std::min<std::uint64_t>(written_.end, pristine_.size());
  if (written_.first < end) {
    std::copy(pristine_.begin() + static_cast<std::ptrdiff_t>(written_.first),
              pristine_.begin() + static_cast<std::ptrdiff_t>(end),
              bytes_.begin() + static_cast<std::ptrdiff_t>(written_.first));
  }
  written_ = {};
}

void MemoryDiskReturn::operator()(MemoryDisk* disk) const {
  disk->restore();
  shelf->emplace_back(disk);
}

LentMemoryDisk take_memory_disk(std::uint64_t bytes, std::uint64_t seed,
                                std::vector<std::uint8_t> (*make)(std::uint64_t bytes, std::uint64_t seed)) {
  static std::map<std::pair<std::uint64_t, std::uint64_t>, Kind> kinds;
  Kind& kind = kinds[{bytes, seed}];
  if (kind.pristine.empty()) {
    kind.pristine = make(bytes, seed);
  }
  if (kind.shelf.empty()) {
    kind.shelf.push_back(std::make_unique<MemoryDisk>(kind.pristine));
  }
  LentMemoryDisk disk(kind.shelf.back().release(), MemoryDiskReturn{&kind.shelf});
  kind.shelf.pop_back();
  return disk;
}

}  // namespace ringside::targets
