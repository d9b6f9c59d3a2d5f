// Which scenarios the words of a command line mean.
#pragma once

#include <string>
#include <vector>

#include "testbench/scenarios/context.h"

namespace ringside::cli {

// Names and globs, in the order of all_scenarios(), each once; no word means all. Throws targets::InputError for a
// word that matches nothing.
[[nodiscard]] std::vector<const scenarios::Scenario*> choose_scenarios(const std::vector<std::string>& words);

}  // namespace ringside::cli
