// Which live queue a byte of ring memory belongs to.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>

#include "testbench/trace/queue_watch.h"

namespace ringside::trace {

class RingMemory {
 public:
  // `watch` outlives its entries here.
  void add(QueueWatch& watch) {
    for (const QueueWatch::Range& range : watch.ranges()) {
      ranges_[address_of(range.begin)] = {range.bytes, &watch};
    }
  }
  void remove(const QueueWatch& watch) {
    std::erase_if(ranges_, [&](const auto& entry) { return entry.second.watch == &watch; });
  }
  // Null when no queue has anything there.
  [[nodiscard]] QueueWatch* at(const void* address) const {
    const auto after = ranges_.upper_bound(address_of(address));
    if (after == ranges_.begin()) {
      return nullptr;
    }
    const auto& [begin, range] = *std::prev(after);
    return address_of(address) - begin < range.bytes ? range.watch : nullptr;
  }

 private:
  struct Owned {
    std::size_t bytes = 0;
    QueueWatch* watch = nullptr;
  };
  static std::uintptr_t address_of(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

  std::map<std::uintptr_t, Owned> ranges_;  // by their first byte
};

}  // namespace ringside::trace
