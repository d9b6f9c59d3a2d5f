// What a disk must hold: the contents of extents, as hashes, as far as a log tells them. A write that completed makes
// its extent known; write zeroes makes it zero; whatever overlaps makes it unknown again. Where requests that overlap
// were in flight together the specification orders nothing, and nothing is claimed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

namespace ringside::checks {

// In sectors, [begin, end).
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  [[nodiscard]] bool overlaps(const Extent& other) const { return begin < other.end && other.begin < end; }
};

struct Contents {
  bool zero = false;
  std::uint64_t hash = 0;  // unless zero
  std::size_t source = 0;  // the record of the completion that made it so
};

class DiskContents {
 public:
  // What is remembered; beyond that the extents with the lowest sectors are forgotten.
  static constexpr std::size_t kMaxExtents = 1u << 16;

  void forget(const Extent& extent);
  void learn(const Extent& extent, const Contents& contents);
  // Of exactly this extent, or of an extent inside zeroes.
  [[nodiscard]] std::optional<Contents> expected(const Extent& extent) const;
  void clear() { known_.clear(); }

 private:
  struct Known {
    std::uint64_t end = 0;
    Contents contents;
  };
  std::map<std::uint64_t, Known> known_;  // by first sector; they do not overlap
};

}  // namespace ringside::checks
