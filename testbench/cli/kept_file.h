// What `replay` and `shrink` take, told apart by what is in it.
#pragma once

#include <string>

#include "testbench/programs/program.h"

namespace ringside::cli {

struct CompareOptions;

enum class KeptFile { campaign_case, program };

// Throws trace::FileError for a file that is neither.
[[nodiscard]] KeptFile kind_of_file(const std::string& path);

// The comparison that kept the program of this file; a program that somebody wrote is compared as `compare` does it.
[[nodiscard]] CompareOptions comparison_of(const programs::Program& program);

}  // namespace ringside::cli
