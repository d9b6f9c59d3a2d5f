#include "testbench/targets/memory_disk.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <utility>

namespace ringside::targets {
namespace {

constexpr std::uint64_t kRoomToGrow = 16u << 20;

// Disks that are alike, and those of them that nobody uses.
struct Kind {
  std::vector<std::uint8_t> pristine;
  std::vector<std::unique_ptr<MemoryDisk>> shelf;
};

}  // namespace

// Address space, of which the kernel fills in what is used.
MemoryDisk::MemoryDisk(const std::vector<std::uint8_t>& pristine)
    : pristine_(pristine), room_(std::max<std::uint64_t>(pristine.size(), kRoomToGrow)) {
  void* const memory =
      ::mmap(nullptr, room_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::bad_alloc();
  }
  memory_ = static_cast<std::uint8_t*>(memory);
  written_.add(0, pristine.size());
  restore();
}

MemoryDisk::~MemoryDisk() { ::munmap(memory_, room_); }

bool MemoryDisk::resize(std::uint64_t bytes) {
  if (bytes > room_) {
    return false;
  }
  const std::uint64_t used = std::min(bytes, std::max<std::uint64_t>(written_.end, pristine_.size()));
  if (used > size_) {
    std::memset(memory_ + size_, 0, used - size_);
    written_.add(size_, used - size_);
  }
  size_ = bytes;
  return true;
}

void MemoryDisk::restore() {
  for (std::uint64_t at = written_.first; at < written_.end;) {
    const bool of_pristine = at < pristine_.size();
    const std::uint64_t end = of_pristine ? std::min<std::uint64_t>(written_.end, pristine_.size()) : written_.end;
    if (of_pristine) {
      std::memcpy(memory_ + at, pristine_.data() + at, end - at);
    } else {
      std::memset(memory_ + at, 0, end - at);
    }
    at = end;
  }
  written_ = {};
  size_ = pristine_.size();
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
