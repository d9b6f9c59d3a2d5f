#include "testbench/cli/scenario_choice.h"

#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>

#include "testbench/cli/scenario_files.h"
#include "testbench/targets/near_name.h"
#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

bool matches(const std::string& word, const char* name) { return ::fnmatch(word.c_str(), name, 0) == 0; }

[[noreturn]] void refuse(const std::string& word) {
  if (word.find_first_of("*?[") != std::string::npos) {
    throw targets::InputError(fmt::format("no scenario matches \"{}\"; `ringside list` shows them", word));
  }
  std::vector<std::string> names;
  for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
    names.emplace_back(scenario.name);
  }
  throw targets::InputError(
      fmt::format("unknown scenario \"{}\"{}; `ringside list` shows them", word, targets::suggestion(word, names)));
}

// Their names tell apart what is written of them.
void add_files(const std::string& word, std::vector<const scenarios::Scenario*>& chosen) {
  for (const scenarios::Scenario* const scenario : scenarios_in(word)) {
    const auto same = std::ranges::find_if(
        chosen, [&](const auto* other) { return std::string_view(other->name) == scenario->name; });
    if (same == chosen.end()) {
      chosen.push_back(scenario);
    } else if (*same != scenario) {
      throw targets::InputError(
          fmt::format("{}: expected a name of its own; {} is chosen too", word_for(*scenario), word_for(**same)));
    }
  }
}

}  // namespace

std::vector<const scenarios::Scenario*> choose_scenarios(const std::vector<std::string>& words) {
  const scenarios::ScenarioList all = scenarios::all_scenarios();
  for (const std::string& word : words) {
    if (!names_a_file(word) &&
        std::none_of(all.begin(), all.end(), [&](const auto& scenario) { return matches(word, scenario.name); })) {
      refuse(word);
    }
  }
  std::vector<const scenarios::Scenario*> chosen;
  for (const scenarios::Scenario& scenario : all) {
    if (words.empty() || std::any_of(words.begin(), words.end(), [&](const auto& word) {
          return !names_a_file(word) && matches(word, scenario.name);
        })) {
      chosen.push_back(&scenario);
    }
  }
  for (const std::string& word : words) {
    if (names_a_file(word)) {
      add_files(word, chosen);
    }
  }
  return chosen;
}

}  // namespace ringside::cli
