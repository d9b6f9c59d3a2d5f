// A campaign's directory: campaign.toml says what the campaign is, runs.tsv has a line for each run that ended, and
// failures/seed-N.toml each run that failed. Whoever is killed and starts again finds what was done.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "testbench/campaign/case_file.h"
#include "testbench/campaign/parameters.h"
#include "testbench/campaign/results.h"
#include "testbench/campaign/summary.h"

namespace ringside::campaign {

[[nodiscard]] std::string parameters_path(const std::string& directory);
[[nodiscard]] std::string runs_path(const std::string& directory);
[[nodiscard]] std::string failure_path(const std::string& directory, std::uint64_t seed);

// Throws trace::FileError.
[[nodiscard]] Parameters read_parameters(const std::string& directory);
// All or nothing: a reader never sees half of it. Throws trace::FileError.
void write_whole_file(const std::string& path, const std::string& text);

// For writing. One process at a time has it.
class Directory {
 public:
  // Makes it, or goes on with what is there. Throws targets::InputError when that is another campaign, or somebody is
  // at work on it; trace::FileError when it cannot be used.
  Directory(std::string path, const Parameters& parameters);
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // Of earlier runs, each seed once.
  [[nodiscard]] std::vector<RunRow> take_done() { return std::move(done_); }
  // Appends; in the file when it returns. Throws trace::FileError.
  void append(const std::string& lines);

 private:
  std::string path_;
  int runs_ = -1;
  std::vector<RunRow> done_;
};

}  // namespace ringside::campaign
