// A log as a file, in the format that the file's name asks for.
#pragma once

#include <span>
#include <string>

#include "testbench/trace/log_file.h"

namespace ringside::cli {

enum class Format { rlog, jsonl, vcd, timeline };

// Throws targets::InputError when the name of the file ends in none of those allowed.
[[nodiscard]] Format format_of(const std::string& path, std::span<const Format> allowed);

// Throws trace::FileError when the file cannot be written in full.
void write_projection(const std::string& path, Format format, const trace::LogFile& log);

}  // namespace ringside::cli
