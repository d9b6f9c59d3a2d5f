// How this process was started, for starting it again in another way.
#pragma once

#include <string>
#include <vector>

namespace ringside::cli {

// The program's path and its arguments. Throws std::runtime_error.
[[nodiscard]] std::vector<std::string> own_command_line();

// The same for people to type, by the launcher's name.
[[nodiscard]] std::string this_command();

}  // namespace ringside::cli
