// The order in which chains were made available, which with VIRTIO_F_IN_ORDER is the order in which they are used
// (VIRTIO 1.2, 2.7.9 and 2.8.8): a device may then report the last chain of several alone, and all the older ones are
// used with it. Private memory: the device cannot reach it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/hal/machine.h"

namespace ringside::virtio {

class FlightOrder {
 public:
  // False when memory has run out. Called again, it keeps its memory if that is big enough.
  [[nodiscard]] bool init(hal::Machine& machine, std::uint16_t size) {
    if (capacity_ < size) {
      heads_ = static_cast<std::uint16_t*>(machine.alloc_private(size * sizeof(std::uint16_t), alignof(std::uint16_t)));
      capacity_ = heads_ == nullptr ? std::uint16_t{0} : size;
    }
    size_ = size;
    first_ = count_ = reported_ = 0;
    return heads_ != nullptr;
  }

  // At most `size` chains are in flight, so there is always room.
  void append(std::uint16_t head) {
    heads_[place(count_)] = head;
    ++count_;
  }

  // The device reported `head`: it and all the older ones are used. False when that are more than `limit`, or it is not
  // among them.
  [[nodiscard]] bool report(std::uint16_t head, std::uint32_t limit) {
    for (std::uint16_t i = 0; i < count_ && i < limit; ++i) {
      if (heads_[place(i)] == head) {
        reported_ = static_cast<std::uint16_t>(i + 1);
        return true;
      }
    }
    return false;
  }

  // In flight with `older` older ones.
  [[nodiscard]] std::uint16_t at(std::uint16_t older) const { return heads_[place(older)]; }

  // How many are reported and not taken.
  [[nodiscard]] std::uint16_t reported() const { return reported_; }

  // The oldest; only when one is reported.
  [[nodiscard]] std::uint16_t take() {
    const std::uint16_t head = heads_[first_];
    first_ = place(1);
    --count_;
    --reported_;
    return head;
  }

 private:
  [[nodiscard]] std::uint16_t place(std::uint16_t distance) const {
    const unsigned place = unsigned{first_} + distance;
    return static_cast<std::uint16_t>(place < size_ ? place : place - size_);
  }

  std::uint16_t* heads_ = nullptr;
  std::uint16_t capacity_ = 0;
  std::uint16_t size_ = 0;
  std::uint16_t first_ = 0;
  std::uint16_t count_ = 0;
  std::uint16_t reported_ = 0;
};

}  // namespace ringside::virtio
