// The options that say how scenarios are run, the same for every command that runs some.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "testbench/cli/command_line.h"
#include "testbench/targets/target.h"

namespace ringside::cli {

struct RunOptions {
  std::vector<std::string> scenarios;
  std::uint64_t seed = 1;
  std::uint64_t timeout = 60;
  std::string machine;  // empty: the one that the scenario wants, or pc
  std::vector<std::string> disks;
  std::vector<std::string> devices;
  bool write_through = false;
  std::vector<std::string> values;
  unsigned parallel = 0;  // 0: a worker for each core
  bool json = false;
  std::string junit;
  std::string report;
  std::string shard;
};

void add_run_options(Command command, RunOptions& options);

// Throws targets::InputError.
[[nodiscard]] targets::RunSettings settings_of(const RunOptions& options);
[[nodiscard]] unsigned workers_of(const RunOptions& options);

// A word as a POSIX shell reads it back.
[[nodiscard]] std::string shell_quoted(const std::string& word);

// What of these options a reproduction command has to repeat, each with a space before it.
[[nodiscard]] std::string repeated_options(const RunOptions& options);

}  // namespace ringside::cli
