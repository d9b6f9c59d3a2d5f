// Files that belong to the project and not to the program: golden logs, waivers, scenario files.
#pragma once

#include <filesystem>
#include <optional>

namespace ringside::cli {

// Under $RINGSIDE_ROOT, which the launcher sets, or beside the program, or one directory above it; nothing when it is
// in none of them.
[[nodiscard]] std::optional<std::filesystem::path> project_file(const std::filesystem::path& relative);

}  // namespace ringside::cli
