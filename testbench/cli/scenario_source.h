// Where a scenario is written down.
#pragma once

#include <string>

namespace ringside::cli {

// From the root of the repository: itself, if it is a file, or where it is in the source. Empty when it is in neither.
[[nodiscard]] std::string file_of_scenario(const std::string& scenario);

}  // namespace ringside::cli
