#include "testbench/cli/run_options.h"

#include <fmt/core.h>

#include <algorithm>
#include <thread>

#include "testbench/targets/machine_plan.h"

namespace ringside::cli {
namespace {

constexpr std::uint64_t kLongestTimeout = 24 * 60 * 60;
constexpr unsigned kMostWorkers = 256;

}  // namespace

std::string shell_quoted(const std::string& word) {
  constexpr char kPlain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./,:@%+";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
    return word;
  }
  std::string result = "'";
  for (const char c : word) {
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return result + "'";
}

void add_run_options(Command command, RunOptions& options) {
  command.option("scenario", options.scenarios,
                 "scenarios by name, and files (.toml) by path; globs of both, such as 'write-*'");
  command.option("--seed", options.seed, "seed of all random choices").shows_default();
  command.option("--timeout", options.timeout, "seconds of real time for one run")
      .within(1, kLongestTimeout)
      .shows_default();
  command.option("--machine", options.machine,
                 "pc, q35, or a versioned type such as pc-i440fx-7.2 (default: what the scenario is for, or pc)");
  command.option("--disk", options.disks, "raw image of a disk; runs see a private copy (repeatable)").one_value();
  command
      .option("--device", options.devices,
              "NAME=VALUE,...: properties of a disk, as `ringside list` shows them; the second one of these is "
              "the second disk's (repeatable)")
      .one_value();
  command.option("--set", options.values, "KEY=VALUE: a setting, as `ringside list` shows them (repeatable)")
      .one_value();
  command.option("-j,--jobs", options.parallel, "how many runs at a time (default: one for each core)")
      .within(1, kMostWorkers);
  command.flag("--json", options.json, "one JSON document on stdout, text on stderr");
  command.option("--junit", options.junit, "write the verdicts to this file as JUnit XML");
  command.option("--report", options.report,
                 "write DIR/index.html, a page with all that was found, and beside it logs, waves and GTKWave save "
                 "files of what did not go well");
  command.option("--shard", options.shard, "I/N: the I-th of N parts of what is selected");
}

targets::RunSettings settings_of(const RunOptions& options) {
  if (options.write_through && options.disks.empty()) {
    throw targets::InputError("--write-through: expected --disk IMAGE with it");
  }
  targets::RunSettings settings;
  settings.seed = options.seed;
  settings.machine = targets::machine_type(options.machine);
  settings.disks = options.disks;
  settings.devices = options.devices;
  settings.write_through = options.write_through;
  settings.timeout = std::chrono::seconds(options.timeout);
  for (const std::string& word : options.values) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw targets::InputError(fmt::format("--set {}: expected KEY=VALUE", word));
    }
    if (!settings.values.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      throw targets::InputError(fmt::format("--set {}: given twice; expected once", word.substr(0, equals)));
    }
  }
  targets::RunSettings some = settings;  // the mistakes that no scenario can mend are told before anything runs
  some.machine = some.machine.empty() ? targets::kPcType : some.machine;
  (void)targets::plan_machine(some);
  return settings;
}

unsigned workers_of(const RunOptions& options) {
  return options.parallel != 0 ? options.parallel : std::max(1u, std::thread::hardware_concurrency());
}

std::string repeated_options(const RunOptions& options) {
  std::string text = fmt::format(" --seed {}", options.seed);
  if (!options.machine.empty()) {
    text += " --machine " + shell_quoted(options.machine);
  }
  for (const std::string& disk : options.disks) {
    text += " --disk " + shell_quoted(disk);
  }
  for (const std::string& device : options.devices) {
    text += " --device " + shell_quoted(device);
  }
  for (const std::string& value : options.values) {
    text += " --set " + shell_quoted(value);
  }
  return text;
}

}  // namespace ringside::cli
