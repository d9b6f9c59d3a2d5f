// What is known beforehand of faults, and why: which nothing can tell from a correct device, which end the device,
// which outcomes a fault cannot have.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "testbench/campaign/driver_state.h"

namespace ringside::campaign {

// All by a fault's action.
// The device is gone afterwards, and nothing brings it back.
[[nodiscard]] bool is_for_good(std::string_view action);
// Data is wrong, or a request is taken for done, in a way that no driver can tell from a correct device.
[[nodiscard]] bool cannot_be_noticed(std::string_view action);
// A driver that has looked has to have counted it, or failed a request.
[[nodiscard]] bool must_be_noticed(std::string_view action);

// A driver that seems to break a rule does not, if a fault of these changed what the monitor goes by.
[[nodiscard]] bool is_explained(std::string_view clause, const std::vector<std::string>& fired);

// The names of the driver's counters, as the workload observes them.
[[nodiscard]] std::span<const char* const> all_counters();

// Why a fault never fires in a state; empty when there is no reason to be given.
[[nodiscard]] std::string why_never(std::string_view action, DriverState state);

}  // namespace ringside::campaign
