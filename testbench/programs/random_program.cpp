#include "testbench/programs/random_program.h"

#include <fmt/core.h>

#include "testbench/programs/illegal.h"

namespace ringside::programs {

Program random_program(const RandomMix& mix, std::uint64_t index) {
  // Two rounds, so that neighbouring seeds and indexes have nothing to do with each other.
  scenarios::Random of_seed(mix.seed);
  scenarios::Random random(of_seed.next() + index * 0x9e37'79b9'7f4a'7c15);
  (void)random.next();
  const bool illegal = random.below(100) < mix.illegal_percent;
  Program program = illegal ? make_illegal(random) : make_legal(random, mix.reach);
  program.name = fmt::format("random-{}-{}", mix.seed, index);
  return program;
}

}  // namespace ringside::programs
