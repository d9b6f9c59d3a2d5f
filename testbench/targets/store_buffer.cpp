#include "testbench/targets/store_buffer.h"

#include <algorithm>
#include <ranges>

namespace ringside::targets {

std::size_t StoreBuffer::candidates() const {
  const auto first_fence = std::ranges::find_if(entries_, [](const Entry& entry) { return entry.fence.has_value(); });
  return static_cast<std::size_t>(first_fence - entries_.begin());
}

StoreBuffer::Store StoreBuffer::take(std::size_t nth) {
  std::size_t chosen = nth;
  for (std::size_t i = nth; i-- > 0;) {
    const Store& older = entries_[i].store;
    const Store& store = entries_[chosen].store;
    chosen = overlap(older.address, older.size, store.address, store.size) ? i : chosen;
  }
  const Store store = entries_[chosen].store;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(chosen));
  return store;
}

std::optional<hal::Fence> StoreBuffer::take_fence() {
  if (entries_.empty() || !entries_.front().fence.has_value()) {
    return std::nullopt;
  }
  const std::optional<hal::Fence> fence = entries_.front().fence;
  entries_.erase(entries_.begin());
  return fence;
}

const StoreBuffer::Store* StoreBuffer::youngest(const void* address, unsigned size) const {
  const auto* const at = static_cast<const std::uint8_t*>(address);
  for (const Entry& entry : std::views::reverse(entries_)) {
    if (!entry.fence.has_value() && overlap(entry.store.address, entry.store.size, at, size)) {
      return &entry.store;
    }
  }
  return nullptr;
}

}  // namespace ringside::targets
