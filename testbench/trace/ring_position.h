// Positions in a queue, as records carry them: of a split ring the free-running 16-bit index, of a packed one the place
// in the ring with the wrap counter in bit 15 (VIRTIO 1.2, 2.8.10).
#pragma once

#include <cstdint>

#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {

class RingPositions {
 public:
  RingPositions() = default;
  RingPositions(std::uint64_t size, std::uint64_t accepted)
      : size_(static_cast<std::uint32_t>(size & 0xffff)), packed_((accepted >> VIRTIO_F_RING_PACKED & 1) != 0) {}

  [[nodiscard]] bool packed() const { return packed_; }
  // Where both sides begin: both wrap counters of a packed ring start at 1 (2.8.1).
  [[nodiscard]] std::uint16_t start() const { return packed_ ? kWrapCounter : std::uint16_t{0}; }
  // Steps from one position to another: less than 2^16, or twice the size of a packed ring.
  [[nodiscard]] std::uint32_t distance(std::uint16_t from, std::uint16_t to) const {
    if (!packed_ || size_ == 0) {
      return static_cast<std::uint16_t>(to - from);
    }
    return (linear(to) + 2 * size_ - linear(from)) % (2 * size_);
  }
  // Whether a move from `before` to `now` passes over the entry at `event` (2.7.7.2).
  [[nodiscard]] bool passes(std::uint16_t event, std::uint16_t before, std::uint16_t now) const {
    return distance(before, event) < distance(before, now);
  }

 private:
  static constexpr std::uint16_t kWrapCounter = 0x8000;

  [[nodiscard]] std::uint32_t linear(std::uint16_t position) const {
    const std::uint32_t place = (position & 0x7fffu) % size_;
    return (position & kWrapCounter) != 0 ? place : place + size_;
  }

  std::uint32_t size_ = 0;
  bool packed_ = false;
};

}  // namespace ringside::trace
