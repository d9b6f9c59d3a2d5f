// Making a case that fails as small as it can be and still fail alike: fewest faults first, then fewest operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "testbench/campaign/case.h"

namespace ringside::campaign {

// The first of these that still fails alike; nothing when none does. Asked with several at a time, so that they can be
// tried in parallel; that it is the first makes the result the same whatever the number of processors.
using FirstThatFails = std::function<std::optional<std::size_t>(const std::vector<Case>&)>;

// Whether opportunities, values and requests are to be the smallest ones, too.
enum class Numbers : std::uint8_t { smaller, as_they_are };

// `subject` itself fails so.
[[nodiscard]] Case shrink_case(Case subject, const FirstThatFails& first_that_fails,
                               Numbers numbers = Numbers::smaller);

// Requests that the workload makes.
[[nodiscard]] std::size_t count_operations(const programs::Program& program);

}  // namespace ringside::campaign
