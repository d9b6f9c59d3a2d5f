// Which live queue a byte of ring memory belongs to.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

#include "testbench/trace/queue_watch.h"

namespace ringside::trace {

class RingMemory {
 public:
  // `watch` outlives its entries here.
  void add(QueueWatch& watch) {
    for (const QueueWatch::Range& range : watch.ranges()) {
      const Owned owned{address_of(range.begin), range.bytes, &watch};
      ranges_.insert(std::ranges::upper_bound(ranges_, owned.begin, {}, &Owned::begin), owned);
    }
  }
  void remove(const QueueWatch& watch) {
    std::erase_if(ranges_, [&](const Owned& range) { return range.watch == &watch; });
  }
  // Null when no queue has anything there. Asked for every access of the driver.
  [[nodiscard]] QueueWatch* at(const void* address) const {
    const auto after = std::ranges::upper_bound(ranges_, address_of(address), {}, &Owned::begin);
    if (after == ranges_.begin()) {
      return nullptr;
    }
    const Owned& range = *std::prev(after);
    return address_of(address) - range.begin < range.bytes ? range.watch : nullptr;
  }

 private:
  struct Owned {
    std::uintptr_t begin = 0;
    std::size_t bytes = 0;
    QueueWatch* watch = nullptr;
  };
  static std::uintptr_t address_of(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

  std::vector<Owned> ranges_;  // by their first byte
};

}  // namespace ringside::trace
