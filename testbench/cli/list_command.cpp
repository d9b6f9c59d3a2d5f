// `ringside list`: what can be run, where, and why not elsewhere.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "testbench/cli/command.h"
#include "testbench/cli/quirk_page.h"
#include "testbench/faults/action.h"
#include "testbench/faults/fault_table.h"
#include "testbench/scenarios/context.h"
#include "testbench/targets/device_properties.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/model_target.h"
#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::array kMachines{"pc", "q35"};

// One target on one machine: a column of the matrix.
class Place {
 public:
  Place(std::string target, std::string machine, std::string missing)
      : target_(std::move(target)), missing_(std::move(missing)) {
    settings_.machine = targets::machine_type(machine);
    machine_ = std::move(machine);
    if (missing_.empty()) {
      try {
        made_ = targets::make_target(targets::TargetSpec::parse(target_), settings_);
      } catch (const std::runtime_error& problem) {
        missing_ = problem.what();
      }
    }
  }

  [[nodiscard]] const std::string& target() const { return target_; }
  [[nodiscard]] const std::string& machine() const { return machine_; }
  [[nodiscard]] std::string heading() const { return target_ + "," + machine_; }
  // Empty when the scenario runs here.
  [[nodiscard]] std::string gap(const scenarios::Scenario& scenario) const {
    return made_ ? made_->gap(scenario, settings_) : missing_;
  }

 private:
  std::string target_;
  std::string machine_;
  std::string missing_;
  targets::RunSettings settings_;
  std::unique_ptr<targets::Target> made_;
};

std::vector<Place> all_places() {
  std::vector<Place> places;
  for (const targets::TargetSummary& target : targets::all_targets()) {
    for (const char* const machine : kMachines) {
      places.emplace_back(target.name, machine, target.missing);
    }
  }
  return places;
}

const char* origin_text(targets::PropertyOrigin origin) {
  return origin == targets::PropertyOrigin::bench ? "model and vfio-user, unless QEMU is newer than 7.2" : "all";
}

void print_matrix(const std::vector<Place>& places) {
  fmt::print("scenarios, and where they run (+) or why they do not (-):\n  {:<24}", "");
  for (const Place& place : places) {
    fmt::print(" {}", place.heading());
  }
  fmt::print("\n");
  for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
    fmt::print("  {:<24}", scenario.name);
    std::vector<std::pair<std::string, std::string>> gaps;  // reason, where
    for (const Place& place : places) {
      const std::string reason = place.gap(scenario);
      fmt::print(" {:<{}}", reason.empty() ? "+" : "-", place.heading().size());
      const auto known = std::ranges::find(gaps, reason, &std::pair<std::string, std::string>::first);
      if (known != gaps.end()) {
        known->second += " " + place.heading();
      } else if (!reason.empty()) {
        gaps.emplace_back(reason, place.heading());
      }
    }
    fmt::print(" {}\n", scenario.summary);
    for (const auto& [reason, where] : gaps) {
      fmt::print("  {:<24}   {}: {}\n", "", where, reason);
    }
  }
}

void print_files() {
  fmt::print(
      "\nscenarios in files (docs/traces.md): by their path, a glob of paths or a directory, with a / in it or .toml "
      "at "
      "its end:\n  'traces/errors/*.toml'     what no driver should do, or only just may\n");
}

void print_targets() {
  fmt::print("\ntargets (NAME[,OPTION=VALUE...]):\n");
  for (const targets::TargetSummary& target : targets::all_targets()) {
    fmt::print("  {:<24} {}\n", target.name, target.summary);
    for (const auto& [option, meaning] : target.options) {
      fmt::print("    {:<24} {}\n", option, meaning);
    }
    if (!target.missing.empty()) {
      fmt::print("    cannot run here: {}\n", target.missing);
    }
  }
}

void print_settings() {
  for (const targets::TargetSummary& target : targets::all_targets()) {
    if (!target.settings.empty()) {
      fmt::print("\nsettings of {} (--set KEY=VALUE):\n", target.name);
    }
    for (const auto& [key, meaning] : target.settings) {
      fmt::print("  {:<30} {}\n", key, meaning);
    }
  }
}

void print_properties() {
  fmt::print("\nproperties of a disk (--device NAME=VALUE,...; first a word for what it is: virtio-blk-pci or ide):\n");
  for (const targets::PropertySummary& property : targets::all_properties()) {
    const bool everywhere = property.origin != targets::PropertyOrigin::bench;
    fmt::print("  {:<24} {}; {}{}\n", property.name, property.values, property.meaning,
               everywhere ? "" : fmt::format(" [{}]", origin_text(property.origin)));
  }
}

void print_text(const std::vector<Place>& places) {
  print_matrix(places);
  print_files();
  print_targets();
  print_properties();
  print_settings();
  fmt::print("\nfaults (action = \"...\" in a plan for --faults; --faults tells more):\n");
  for (const faults::ActionSummary& action : faults::all_actions()) {
    fmt::print("  {:<24} {}\n", action.name, action.summary);
  }
}

ordered_json scenario_rows(const std::vector<Place>& places) {
  ordered_json rows = ordered_json::array();
  for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
    ordered_json runs = ordered_json::array();
    for (const Place& place : places) {
      const std::string reason = place.gap(scenario);
      runs.push_back(
          {{"target", place.target()}, {"machine", place.machine()}, {"runs", reason.empty()}, {"reason", reason}});
    }
    rows.push_back({{"name", scenario.name}, {"summary", scenario.summary}, {"where", runs}});
  }
  return rows;
}

ordered_json named(const std::vector<std::pair<std::string, std::string>>& pairs) {
  ordered_json rows = ordered_json::array();
  for (const auto& [name, meaning] : pairs) {
    rows.push_back({{"name", name}, {"meaning", meaning}});
  }
  return rows;
}

ordered_json document(const std::vector<Place>& places) {
  ordered_json target_list = ordered_json::array();
  for (const targets::TargetSummary& target : targets::all_targets()) {
    target_list.push_back({{"name", target.name},
                           {"summary", target.summary},
                           {"options", named(target.options)},
                           {"settings", named(target.settings)},
                           {"available", target.missing.empty()},
                           {"missing", target.missing}});
  }
  ordered_json property_list = ordered_json::array();
  for (const targets::PropertySummary& property : targets::all_properties()) {
    property_list.push_back({{"name", property.name},
                             {"meaning", property.meaning},
                             {"values", property.values},
                             {"targets", origin_text(property.origin)}});
  }
  ordered_json fault_list = ordered_json::array();
  for (const faults::ActionSummary& action : faults::all_actions()) {
    fault_list.push_back({{"action", action.name},
                          {"summary", action.summary},
                          {"class", name_of(action.fault_class)},
                          {"value", action.value},
                          {"qemu", (action.where & faults::kOnQemu) != 0},
                          {"reactions", faults::reaction_names(action.reactions)}});
  }
  return {{"schema", "ringside.list/1"},
          {"scenarios", scenario_rows(places)},
          {"targets", target_list},
          {"properties", property_list},
          {"faults", fault_list}};
}

}  // namespace

void add_list(CommandLine& program) {
  Command command = program.command(
      "list", "scenarios and where they run, targets with their options, properties of disks, settings, faults");
  const auto json = std::make_shared<bool>(false);
  const auto modules = std::make_shared<bool>(false);
  command.flag("--json", *json, "one JSON document on stdout");
  command.flag("--modules", *modules, "the model's modules and bindings instead, as Graphviz reads them");
  const auto quirks = std::make_shared<bool>(false);
  command.flag("--quirks", *quirks, "where QEMU departs from VIRTIO instead: docs/qemu-differences.md");
  const auto faults = std::make_shared<bool>(false);
  command.flag("--faults", *faults, "what can go wrong in a plan instead: the table of docs/faults.md");
  command.runs([json, modules, quirks, faults] {
    if (*faults) {
      fmt::print("{}", faults::fault_table());
      return ExitStatus::holds;
    }
    if (*quirks) {
      fmt::print("{}", quirk_page());
      return ExitStatus::holds;
    }
    if (*modules) {
      fmt::print("{}", targets::model_modules());
      return ExitStatus::holds;
    }
    const std::vector<Place> places = all_places();
    if (*json) {
      fmt::print("{}\n", document(places).dump(2));
    } else {
      print_text(places);
    }
    return ExitStatus::holds;
  });
}

}  // namespace ringside::cli
