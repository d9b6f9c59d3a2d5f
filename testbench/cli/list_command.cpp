// `ringside list`: what can be run, and where.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "testbench/cli/command.h"
#include "testbench/faults/plan.h"
#include "testbench/scenarios/context.h"
#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

using nlohmann::ordered_json;

void print_text() {
  fmt::print("scenarios:\n");
  for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
    fmt::print("  {:<18} {}\n", scenario.name, scenario.summary);
  }
  fmt::print("\ntargets (NAME[,OPTION=VALUE...]):\n");
  for (const targets::TargetSummary& target : targets::all_targets()) {
    fmt::print("  {:<18} {}\n", target.name, target.summary);
    for (const auto& [option, meaning] : target.options) {
      fmt::print("    {:<16} {}\n", option, meaning);
    }
    if (!target.missing.empty()) {
      fmt::print("    cannot run here: {}\n", target.missing);
    }
  }
  fmt::print("\nfaults (action = \"...\" in a plan for --faults):\n");
  for (const faults::ActionSummary& action : faults::all_actions()) {
    fmt::print("  {:<18} {}\n", action.name, action.summary);
  }
}

ordered_json document() {
  ordered_json scenario_list = ordered_json::array();
  for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
    scenario_list.push_back({{"name", scenario.name}, {"summary", scenario.summary}});
  }
  ordered_json target_list = ordered_json::array();
  for (const targets::TargetSummary& target : targets::all_targets()) {
    ordered_json options = ordered_json::array();
    for (const auto& [option, meaning] : target.options) {
      options.push_back({{"name", option}, {"meaning", meaning}});
    }
    target_list.push_back({{"name", target.name},
                           {"summary", target.summary},
                           {"options", options},
                           {"available", target.missing.empty()},
                           {"missing", target.missing}});
  }
  ordered_json fault_list = ordered_json::array();
  for (const faults::ActionSummary& action : faults::all_actions()) {
    fault_list.push_back({{"action", action.name}, {"summary", action.summary}});
  }
  return {
      {"schema", "ringside.list/1"}, {"scenarios", scenario_list}, {"targets", target_list}, {"faults", fault_list}};
}

}  // namespace

void add_list(CLI::App& program, Action& chosen) {
  CLI::App* const command = program.add_subcommand("list", "scenarios, targets with their options, and faults");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "one JSON document on stdout");
  command->callback([&chosen, json] {
    chosen = [json] {
      if (*json) {
        fmt::print("{}\n", document().dump(2));
      } else {
        print_text();
      }
      return ExitStatus::holds;
    };
  });
}

}  // namespace ringside::cli
