#include "testbench/cli/scenario_files.h"

#include <fmt/core.h>
#include <glob.h>

#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "testbench/programs/program_scenario.h"
#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

using Loaded = std::unique_ptr<programs::ProgramScenario>;

// By path, so that a file that two words name is one scenario.
std::map<std::string, Loaded>& kept() {
  static std::map<std::string, Loaded> scenarios;
  return scenarios;
}

const scenarios::Scenario* keep(Loaded loaded) {
  const std::string path = loaded->program().file;
  return &kept().try_emplace(path, std::move(loaded)).first->second->scenario();
}

const scenarios::Scenario* load(const std::string& path) {
  const auto known = kept().find(path);
  return known != kept().end() ? &known->second->scenario() : keep(programs::load_scenario(path));
}

std::vector<std::string> expand(const std::string& pattern) {
  glob_t matches{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
    paths.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  }
  ::globfree(&matches);
  return paths;
}

bool is_glob(const std::string& word) { return word.find_first_of("*?[") != std::string::npos; }

}  // namespace

bool names_a_file(const std::string& word) { return word.find('/') != std::string::npos || word.ends_with(".toml"); }

std::vector<const scenarios::Scenario*> scenarios_in(const std::string& word) {
  std::vector<const scenarios::Scenario*> found;
  if (std::error_code error; std::filesystem::is_directory(word, error)) {
    for (Loaded& loaded : programs::load_directory(word)) {
      found.push_back(keep(std::move(loaded)));
    }
    return found;
  }
  if (std::error_code error; !is_glob(word) || std::filesystem::exists(word, error)) {
    return {load(word)};
  }
  for (const std::string& path : expand(word)) {
    found.push_back(load(path));
  }
  if (found.empty()) {
    throw targets::InputError(fmt::format("no file matches \"{}\"; expected scenario files (.toml)", word));
  }
  return found;
}

std::string word_for(const scenarios::Scenario& scenario) {
  return scenario.file != nullptr ? scenario.file : scenario.name;
}

}  // namespace ringside::cli
