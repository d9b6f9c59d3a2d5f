// Making programs in code, as generators do.
#pragma once

#include <cstdint>

#include "testbench/programs/program.h"
#include "testbench/scenarios/context.h"
#include "testbench/scenarios/program_table.h"

namespace ringside::programs {

template <class Enum>
std::uint64_t num(Enum value) {
  return static_cast<std::uint64_t>(value);
}

// As if a file had said it.
inline scenarios::Step& set(scenarios::Step& step, unsigned slot, std::uint64_t value) {
  step.args[slot] = value;
  step.given = static_cast<std::uint16_t>(step.given | 1u << slot);
  return step;
}

// An address that counts from something: "buffer:3+16".
inline scenarios::Step& set_address(scenarios::Step& step, unsigned slot, scenarios::Base base, std::uint32_t which,
                                    std::uint64_t offset = 0) {
  set(step, slot, offset);
  step.args[slot + 1] = scenarios::base_word(base, which);
  return step;
}

// The new last step; the reference is good until the next one.
inline scenarios::Step& add(Program& program, scenarios::Op op) {
  return program.steps.emplace_back(scenarios::step_of(op));
}

// True once in `of` times.
inline bool once_in(scenarios::Random& random, std::uint64_t of) { return random.below(of) == 0; }

}  // namespace ringside::programs
