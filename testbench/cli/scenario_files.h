// Scenarios that come out of files, among the words of a command line.
#pragma once

#include <string>
#include <vector>

#include "testbench/scenarios/context.h"

namespace ringside::cli {

// A word that has a '/' or ends in ".toml" means files, and no scenario that is compiled in.
[[nodiscard]] bool names_a_file(const std::string& word);

// The scenarios of these files; a glob stands for all that it matches, a directory for every *.toml below it. They live
// as long as the process, as those do that are compiled in: workers and reports keep pointers to both. Throws
// trace::FileError.
[[nodiscard]] std::vector<const scenarios::Scenario*> scenarios_in(const std::string& word);

// What a command line has to say to mean this scenario: its file, or its name.
[[nodiscard]] std::string word_for(const scenarios::Scenario& scenario);

}  // namespace ringside::cli
