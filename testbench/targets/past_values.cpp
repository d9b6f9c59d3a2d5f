#include "testbench/targets/past_values.h"

#include <algorithm>
#include <cstring>
#include <ranges>

#include "driver/hal/memory.h"

namespace ringside::targets {
namespace {

// A driver that never acquires may not make this grow for ever: the oldest values are the first that no load gives.
constexpr std::size_t kMostChanges = 4096;

bool inside(const std::uint8_t* at, const void* begin, std::size_t bytes) {
  const auto* const first = static_cast<const std::uint8_t*>(begin);
  return at >= first && at < first + bytes;
}

}  // namespace

void PastValues::watch(const std::uint8_t* begin, std::size_t bytes) {
  memories_.push_back({begin, std::vector<std::uint8_t>(begin, begin + bytes)});
}

void PastValues::forget(const void* begin, std::size_t bytes) {
  std::erase_if(memories_, [&](const Memory& memory) { return inside(memory.begin, begin, bytes); });
  std::erase_if(changes_, [&](const Change& change) { return inside(change.byte, begin, bytes); });
}

void PastValues::note_changes() {
  ++now_;
  for (Memory& memory : memories_) {
    note_changes(memory);
  }
  if (changes_.size() > kMostChanges) {
    changes_.erase(changes_.begin(), changes_.end() - kMostChanges);
  }
}

void PastValues::note_changes(Memory& memory) {
  constexpr std::size_t kPiece = 64;  // most of it has not changed
  const std::size_t bytes = memory.copy.size();
  for (std::size_t piece = 0; piece < bytes; piece += kPiece) {
    const std::size_t length = std::min(kPiece, bytes - piece);
    if (std::memcmp(memory.copy.data() + piece, memory.begin + piece, length) == 0) {
      continue;
    }
    for (std::size_t i = piece; i < piece + length; ++i) {
      if (memory.copy[i] != memory.begin[i]) {
        changes_.push_back({memory.begin + i, memory.copy[i], now_});
        memory.copy[i] = memory.begin[i];
      }
    }
  }
}

void PastValues::wrote(const void* address, unsigned size) {
  const auto* const at = static_cast<const std::uint8_t*>(address);
  std::erase_if(changes_, [&](const Change& change) { return inside(change.byte, address, size); });
  for (Memory& memory : memories_) {
    if (inside(at, memory.begin, memory.copy.size())) {
      const auto offset = static_cast<std::size_t>(at - memory.begin);
      std::memcpy(memory.copy.data() + offset, at, std::min<std::size_t>(size, memory.copy.size() - offset));
    }
  }
}

std::vector<std::uint64_t> PastValues::times(const std::uint8_t* at, unsigned size) const {
  std::vector<std::uint64_t> times;
  for (const Change& change : changes_) {
    if (inside(change.byte, at, size) && (times.empty() || times.back() != change.when)) {
      times.push_back(change.when);
    }
  }
  return times;
}

std::size_t PastValues::older(const void* address, unsigned size) const {
  return changes_.empty() ? 0 : times(static_cast<const std::uint8_t*>(address), size).size();
}

std::uint64_t PastValues::load(const void* address, unsigned size, std::size_t nth) {
  std::uint64_t value = hal::load_shared(address, size);
  if (changes_.empty()) {
    return value;
  }
  const auto* const at = static_cast<const std::uint8_t*>(address);
  const std::vector<std::uint64_t> changed = times(at, size);
  // As it was before the change of this time.
  const std::uint64_t until = nth < changed.size() ? changed[nth] : ~std::uint64_t{0};
  for (const Change& change : std::views::reverse(changes_)) {
    if (change.when >= until && inside(change.byte, at, size)) {
      const auto shift = 8 * static_cast<unsigned>(change.byte - at);
      value = (value & ~(std::uint64_t{0xff} << shift)) | std::uint64_t{change.before} << shift;
    }
  }
  std::erase_if(changes_, [&](const Change& change) { return change.when < until && inside(change.byte, at, size); });
  return value;
}

void PastValues::restore(std::uint8_t* begin, std::size_t bytes) const {
  for (const Change& change : std::views::reverse(changes_)) {
    if (inside(change.byte, begin, bytes)) {
      begin[change.byte - begin] = change.before;
    }
  }
}

}  // namespace ringside::targets
