// What is left of one comparison or run for somebody to look at: logs, waves, save files for GTKWave, and a text that
// says what is what. The names are always the same.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "testbench/trace/log_file.h"

namespace ringside::cli {

struct RecordedSide {
  std::string stem;  // "left", "right", "run": the files' name
  const trace::LogFile* log = nullptr;
  std::size_t index = 0;  // of the record where the marker stands; the log's end: after it
};

struct FailureStory {
  std::string scenario;
  std::string verdict;
  std::string text;                    // of the report, several lines
  std::vector<std::string> reproduce;  // command lines
  std::vector<RecordedSide> sides;
};

// STEM.rlog, STEM.vcd, STEM.fst (where this build can write it) and STEM.gtkw of each side, and README.txt. Throws
// trace::FileError, std::system_error.
void write_failure_directory(const std::string& directory, const FailureStory& story);

}  // namespace ringside::cli
