// What is known of requests in flight on a queue, by ordinal. A table in one piece: a request costs no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "testbench/trace/virtio_layout.h"

namespace ringside::checks {

template <class T>
class InFlight {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }

  // Null when more are in flight than any queue holds: the driver is broken, which other monitors say.
  T* add(std::uint32_t ordinal, T value) {
    if (T* const known = find(ordinal); known != nullptr) {
      *known = std::move(value);
      return known;
    }
    if (size_ >= trace::kMaxQueueSize) {
      return nullptr;
    }
    if (2 * (size_ + 1) > slots_.size()) {
      grow();
    }
    ++size_;
    return &place(ordinal, std::move(value))->value;
  }

  [[nodiscard]] T* find(std::uint32_t ordinal) {
    for (std::size_t at = start(ordinal); !slots_.empty() && slots_[at].full; at = next(at)) {
      if (slots_[at].ordinal == ordinal) {
        return &slots_[at].value;
      }
    }
    return nullptr;
  }

  bool remove(std::uint32_t ordinal) {
    T* const value = find(ordinal);
    if (value == nullptr) {
      return false;
    }
    std::size_t hole = start(ordinal);
    while (&slots_[hole].value != value) {
      hole = next(hole);
    }
    close(hole);
    --size_;
    return true;
  }

  template <class Visit>
  void for_each(Visit visit) {
    for (Slot& slot : slots_) {
      if (slot.full) {
        visit(slot.ordinal, slot.value);
      }
    }
  }

 private:
  struct Slot {
    bool full = false;
    std::uint32_t ordinal = 0;
    T value{};
  };
  static constexpr std::size_t kFirstSlots = 64;

  // Ordinals count up, so their low bits spread them.
  [[nodiscard]] std::size_t start(std::uint32_t ordinal) const { return slots_.empty() ? 0 : ordinal & mask(); }
  [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & mask(); }

  Slot* place(std::uint32_t ordinal, T value) {
    std::size_t at = start(ordinal);
    while (slots_[at].full) {
      at = next(at);
    }
    slots_[at] = {true, ordinal, std::move(value)};
    return &slots_[at];
  }

  // Moves back what lies behind a hole, so that a search never stops too early.
  void close(std::size_t hole) {
    slots_[hole].full = false;
    for (std::size_t at = next(hole); slots_[at].full; at = next(at)) {
      const std::size_t wanted = start(slots_[at].ordinal);
      if (((at - wanted) & mask()) >= ((at - hole) & mask())) {
        slots_[hole] = std::move(slots_[at]);
        slots_[at].full = false;
        hole = at;
      }
    }
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? kFirstSlots : 2 * slots_.size());
    old.swap(slots_);
    for (Slot& slot : old) {
      if (slot.full) {
        place(slot.ordinal, std::move(slot.value));
      }
    }
  }

  std::vector<Slot> slots_;  // a power of two of them, at most half of them full
  std::size_t size_ = 0;
};

}  // namespace ringside::checks
