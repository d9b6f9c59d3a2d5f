// Why nothing stands in a cell of a campaign's coverage, which is fault x driver state x outcome. A cell that could
// have something in it and has not is what a campaign has missed.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "testbench/campaign/driver_state.h"
#include "testbench/campaign/outcome.h"
#include "testbench/faults/action.h"

namespace ringside::campaign {

// The outcomes that cells are for: what a driver may make of a fault that happened. A failure is none of them.
[[nodiscard]] std::span<const Outcome> outcomes_of_cells();

// Of an outcome that was never seen, though the fault happened `times` times in that state. Empty when there is no
// reason to be given.
[[nodiscard]] std::string_view why_never(const faults::ActionSummary& action, DriverState state, Outcome outcome,
                                         std::uint64_t times);

}  // namespace ringside::campaign
