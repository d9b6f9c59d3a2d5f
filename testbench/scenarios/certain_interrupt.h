// An interrupt that is certain to come. Of a used buffer a device tells only a driver that is about to wait for it, and
// which of the two is faster differs from world to world; of a change of its configuration it tells always.
#pragma once

#include <cstdint>

#include "testbench/scenarios/context.h"

namespace ringside::scenarios {

// Gives the disk that many sectors; whether an interrupt on `vector` said so.
[[nodiscard]] bool change_interrupts(Context& context, unsigned vector, std::uint64_t sectors);

// Opens the disk with this kind of completion, lets it grow and shrink, and checks that the CPU was interrupted.
bool check_interrupt(Context& context, block::Completion completion);

}  // namespace ringside::scenarios
