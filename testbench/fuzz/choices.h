// Raw bytes as decisions: what a fuzzer's input means to an entry that is no parser. Every input means something: where
// the bytes have run out, each decision is zero.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "testbench/fuzz/fuzz_target.h"

namespace ringside::fuzz {

class Choices {
 public:
  explicit Choices(Input input) : rest_(input) {}

  [[nodiscard]] bool spent() const { return rest_.empty(); }
  // Little-endian.
  template <std::unsigned_integral T>
  [[nodiscard]] T take() {
    T value = 0;
    const std::size_t bytes = std::min(sizeof value, rest_.size());
    std::memcpy(&value, rest_.data(), bytes);
    rest_ = rest_.subspan(bytes);
    return value;
  }
  // 0 .. bound-1, out of one byte.
  [[nodiscard]] unsigned below(unsigned bound) { return take<std::uint8_t>() % bound; }

 private:
  Input rest_;
};

}  // namespace ringside::fuzz
