// Which scenarios the words of a command line mean.
#pragma once

#include <string>
#include <vector>

#include "testbench/scenarios/context.h"

namespace ringside::cli {

// Names and globs, in the order of all_scenarios(), each once, and then files (scenario_files.h); no word means all
// that are compiled in. Throws targets::InputError for a word that matches nothing, and for two scenarios of one name;
// trace::FileError for a file.
[[nodiscard]] std::vector<const scenarios::Scenario*> choose_scenarios(const std::vector<std::string>& words);

}  // namespace ringside::cli
