// The n-th random program of a seed.
#pragma once

#include <cstdint>

#include "testbench/programs/legal.h"
#include "testbench/programs/program.h"

namespace ringside::programs {

struct RandomMix {
  std::uint64_t seed = 1;
  unsigned illegal_percent = 0;  // of programs that no driver may run
  Reach reach;
};

// The same for the same mix and index, on every machine and whatever came before. Its name says which it is.
[[nodiscard]] Program random_program(const RandomMix& mix, std::uint64_t index);

}  // namespace ringside::programs
