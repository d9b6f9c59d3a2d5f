// Some kinds of record.
#pragma once

#include <bitset>
#include <cstddef>
#include <span>

#include "testbench/trace/record.h"

namespace ringside::trace {

class KindSet {
 public:
  [[nodiscard]] static KindSet all() {
    KindSet set;
    set.kinds_.set();
    return set;
  }
  void add(std::span<const Kind> kinds) {
    for (const Kind kind : kinds) {
      kinds_.set(static_cast<std::size_t>(kind));
    }
  }
  [[nodiscard]] bool contains(Kind kind) const { return kinds_[static_cast<std::size_t>(kind)]; }

 private:
  std::bitset<256> kinds_;
};

}  // namespace ringside::trace
