// Stores that a CPU has executed and that nobody else sees yet. They leave in any order, but those to the same bytes in
// theirs (coherence), and none passes a barrier that was executed between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "driver/hal/memory.h"

namespace ringside::targets {

class StoreBuffer {
 public:
  struct Store {
    std::uint8_t* address = nullptr;
    unsigned size = 0;
    std::uint64_t value = 0;
  };

  void add(const Store& store) { entries_.push_back({store, std::nullopt}); }
  // The stores after it leave when those before it have left.
  void add(hal::Fence fence) { entries_.push_back({{}, fence}); }

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  // How many are to choose from, the ones in front of the first barrier.
  [[nodiscard]] std::size_t candidates() const;
  // The n-th of them; or an older one to the same bytes, which must leave first.
  [[nodiscard]] Store take(std::size_t nth);
  // A barrier in front of which nothing is left. Taken out.
  [[nodiscard]] std::optional<hal::Fence> take_fence();

  // The youngest store that concerns any of these bytes; null when there is none.
  [[nodiscard]] const Store* youngest(const void* address, unsigned size) const;

 private:
  struct Entry {
    Store store;
    std::optional<hal::Fence> fence;  // then there is no store
  };

  std::vector<Entry> entries_;  // in the order of the program
};

[[nodiscard]] inline bool overlap(const std::uint8_t* a, std::size_t a_bytes, const std::uint8_t* b,
                                  std::size_t b_bytes) {
  return a < b + b_bytes && b < a + a_bytes;
}

}  // namespace ringside::targets
