// splitmix64: small, fast, the same everywhere. No standard distribution: those differ between libraries.
#pragma once

#include <cstdint>

namespace ringside::model {

class Random {
 public:
  explicit Random(std::uint64_t seed = 0) : state_(seed) {}
  [[nodiscard]] std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace ringside::model
