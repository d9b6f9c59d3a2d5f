#include "testbench/programs/program_scenario.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "testbench/targets/machine_plan.h"
#include "testbench/trace/file_error.h"

namespace ringside::programs {
namespace {

namespace fs = std::filesystem;
using scenarios::Op;

constexpr std::size_t kMostFiles = 10'000;

unsigned asks_of(const Program& program) {
  unsigned asks = 0;
  for (const scenarios::Step& step : program.steps) {
    if (step.op == Op::ask) {
      asks |= scenarios::asking(static_cast<scenarios::Ask>(step.args[scenarios::AskArgs::what]));
    }
  }
  return asks;
}

// What no command line can mend is told with the file's name, and before anything runs.
void require_machine(const Program& program) {
  targets::RunSettings settings;
  settings.machine = targets::machine_type(program.machine.empty() ? "pc" : program.machine);
  settings.devices = program.devices;
  try {
    (void)targets::plan_machine(settings);
  } catch (const targets::InputError& problem) {
    throw trace::FileError(fmt::format("{}:1: {}", program.file, problem.what()));
  }
}

std::vector<fs::path> files_below(const std::string& path) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".toml" && files.size() < kMostFiles) {
      files.push_back(at->path());
    }
  }
  if (error) {
    throw trace::FileError(fmt::format("{}: cannot be read: {}", path, error.message()));
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

ProgramScenario::ProgramScenario(Program program) : program_(std::move(program)) {
  require_machine(program_);
  scenario_.name = program_.name.c_str();
  scenario_.summary = program_.summary.c_str();
  scenario_.run = scenarios::run_program;
  scenario_.setup.machine = program_.machine.empty() ? nullptr : program_.machine.c_str();
  for (std::size_t i = 0; i < program_.devices.size() && i < scenarios::kMostDisks; ++i) {
    scenario_.setup.devices[i] = program_.devices[i].c_str();
  }
  scenario_.setup.disk_sectors = program_.disk_sectors;
  scenario_.setup.asks = asks_of(program_);
  scenario_.steps = {program_.steps.data(), static_cast<std::uint32_t>(program_.steps.size())};
  scenario_.file = program_.file.empty() ? nullptr : program_.file.c_str();
}

std::unique_ptr<ProgramScenario> load_scenario(const std::string& path) {
  return std::make_unique<ProgramScenario>(load_program(path));
}

std::vector<std::unique_ptr<ProgramScenario>> load_directory(const std::string& path) {
  std::vector<std::unique_ptr<ProgramScenario>> loaded;
  std::map<std::string, std::string> names;
  for (const fs::path& file : files_below(path)) {
    loaded.push_back(load_scenario(file.string()));
    const auto [known, fresh] = names.emplace(loaded.back()->program().name, file.string());
    if (!fresh) {
      throw trace::FileError(
          fmt::format("{}: expected a name of its own; {} has the same", file.string(), known->second));
    }
  }
  if (loaded.empty()) {
    throw trace::FileError(fmt::format("{}: no scenario file there; expected *.toml", path));
  }
  return loaded;
}

}  // namespace ringside::programs
