// Making a program that shows something as small as it can be and still show it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "testbench/programs/program.h"

namespace ringside::programs {

// The first of these that still shows it; nothing when none does. Asked with many at a time, so that they can be tried
// in parallel; that it is the first makes the result the same whatever the number of processors.
using FirstThatShows = std::function<std::optional<std::size_t>(const std::vector<Program>&)>;

struct ShrinkLimits {
  std::size_t tries = 600;  // programs that are run at most
};

// Fewer steps, then fewer properties and arguments, then smaller numbers. `program` itself shows it.
[[nodiscard]] Program shrink(Program program, const FirstThatShows& first_that_shows, const ShrinkLimits& limits = {});

}  // namespace ringside::programs
