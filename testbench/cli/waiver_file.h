// Where the waivers of a comparison come from.
#pragma once

#include <string>

#include "testbench/trace/waivers.h"

namespace ringside::cli {

// `path`, or when it is empty the project's own: traces/waivers.toml under $RINGSIDE_ROOT, which the launcher sets, or
// beside the program, or one directory above it. No file there, no waivers. Throws trace::FileError.
[[nodiscard]] trace::Waivers load_waivers(const std::string& path);

}  // namespace ringside::cli
