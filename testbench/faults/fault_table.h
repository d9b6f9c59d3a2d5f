// The table of docs/faults.md, made from the table of actions.
#pragma once

#include <string>

namespace ringside::faults {

// As Markdown, a line for each action.
[[nodiscard]] std::string fault_table();

}  // namespace ringside::faults
