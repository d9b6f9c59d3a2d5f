// Random numbers of a seed, one stream for each component that draws: a draw more in one changes no other, so that a
// change of the workload leaves every seed its machine and its faults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "testbench/scenarios/context.h"

namespace ringside::campaign {

class Stream {
 public:
  Stream(std::uint64_t seed, std::string_view component);

  [[nodiscard]] std::uint64_t next() { return random_.next(); }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  [[nodiscard]] std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + random_.below(most - least + 1);
  }
  [[nodiscard]] bool percent(unsigned chance) { return random_.below(100) < chance; }
  template <class T>
  [[nodiscard]] T one_of(std::initializer_list<T> values) {
    return values.begin()[random_.below(values.size())];
  }

 private:
  scenarios::Random random_;
};

}  // namespace ringside::campaign
