#include "testbench/cli/regress_cases.h"

#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string_view>

#include "testbench/cli/run_options.h"
#include "testbench/cli/scenario_files.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/near_name.h"

namespace ringside::cli {
namespace {

struct Variant {
  const char* name;
  const char* scenarios;  // those in which it makes a difference, with spaces between them
  const char* machine = "";
  const char* device = "";
  const char* set = "";  // a setting
  const char* quirks = "";
  std::uint64_t seed = 1;
};

constexpr std::array kVariants{
    Variant{.name = "q35",
            .scenarios = "enumerate boot-log identify write-masks read-write intx msix bars multi-queue msix-mask",
            .machine = "q35"},
    Variant{.name = "packed",
            .scenarios = "identify read-write scatter-gather flush discard write-zeroes refused polled intx msix "
                         "queue-reset out-of-order resize multi-queue no-vector split-large removal-in-flight",
            .device = "packed=on"},
    Variant{.name = "legacy",
            .scenarios = "identify write-masks read-write scatter-gather flush get-id polled intx msix resize",
            .device = "disable-modern=on"},
    Variant{.name = "modern", .scenarios = "enumerate identify write-masks msix", .device = "disable-legacy=on"},
    Variant{
        .name = "direct", .scenarios = "read-write scatter-gather batch queue-reset", .device = "indirect_desc=off"},
    Variant{
        .name = "no-event-index", .scenarios = "batch intx msix event-index multi-queue", .device = "event_idx=off"},
    Variant{.name = "bare",
            .scenarios = "identify read-write flush queue-reset msix",
            .device = "indirect_desc=off,event_idx=off,queue_reset=off,config-wce=off,discard=off,write-zeroes=off"},
    Variant{.name = "four-queues",
            .scenarios = "identify read-write batch queue-reset resize msix-mask",
            .device = "num-queues=4"},
    Variant{.name = "page-per-queue", .scenarios = "multi-queue notification-data", .device = "page-per-vq=on"},
    Variant{.name = "ring-of-8", .scenarios = "read-write scatter-gather batch", .device = "queue-size=8"},
    Variant{.name = "ring-of-1024", .scenarios = "identify batch queue-reset", .device = "queue-size=1024"},
    Variant{.name = "write-through", .scenarios = "identify flush write-cache", .device = "write-cache=off"},
    Variant{.name = "blocks-of-4k",
            .scenarios = "identify read-write",
            .device = "logical_block_size=4096,physical_block_size=4096"},
    Variant{.name = "in-order", .scenarios = "out-of-order batch multi-queue", .device = "in_order=on"},
    Variant{.name = "translated",
            .scenarios = "identify read-write scatter-gather batch multi-queue packed",
            .device = "iommu_platform=on,disable-legacy=on"},
    Variant{.name = "flash", .scenarios = "batch out-of-order in-order multi-queue", .set = "latency.model=nvme"},
    Variant{.name = "arm", .scenarios = "flush out-of-order", .set = "latency.model=disk"},
    Variant{.name = "instant", .scenarios = "batch polled msix", .set = "latency.model=instant"},
    Variant{.name = "like-qemu",
            .scenarios = "identify write-masks read-write refused legacy msix queue-reset removal",
            .quirks = "qemu-7.2"},
    Variant{.name = "seed-2", .scenarios = "read-write scatter-gather batch queue-reset packed", .seed = 2},
};

std::vector<std::string> words_of(const char* text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

const scenarios::Scenario& scenario_by_name(const std::string& name) {
  const scenarios::ScenarioList all = scenarios::all_scenarios();
  const auto* const found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return name == one.name; });
  if (found == all.end()) {
    throw std::logic_error("the table of variants names no scenario " + name);
  }
  return *found;
}

RegressCase plain_case(const scenarios::Scenario& scenario) {
  RegressCase result;
  result.name = scenario.name;
  result.scenario = &scenario;
  result.target.name = "model";
  result.settings.machine = "";
  result.settings = targets::settings_for(scenario, result.settings);
  return result;
}

RegressCase case_of(const scenarios::Scenario& scenario, const Variant& variant) {
  RegressCase result = plain_case(scenario);
  result.name += std::string("@") + variant.name;
  targets::RunSettings& settings = result.settings;
  settings.seed = variant.seed;
  if (*variant.machine != '\0') {
    settings.machine = targets::machine_type(variant.machine);
  }
  if (*variant.device != '\0') {
    settings.devices.emplace_back(variant.device);
  }
  if (const std::string_view set = variant.set; !set.empty()) {
    settings.values.emplace(set.substr(0, set.find('=')), set.substr(set.find('=') + 1));
  }
  if (*variant.quirks != '\0') {
    result.target.options["quirks"] = variant.quirks;
  }
  return result;
}

bool matches(const std::string& word, const RegressCase& one) {
  return ::fnmatch(word.c_str(), one.name.c_str(), 0) == 0 || ::fnmatch(word.c_str(), one.scenario->name, 0) == 0;
}

[[noreturn]] void refuse(const std::string& word, const std::vector<RegressCase>& all) {
  std::vector<std::string> names;
  std::ranges::transform(all, std::back_inserter(names), &RegressCase::name);
  throw targets::InputError(
      fmt::format("no scenario or variant \"{}\"{}; expected a name such as flush or "
                  "flush@packed, or a glob",
                  word, targets::suggestion(word, names)));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> RegressCase::made_by() const {
  std::vector<std::pair<std::string, std::string>> lines{{"case", name}};
  if (!target.options.empty()) {
    lines.emplace_back("target", target.text());
  }
  lines.emplace_back("machine", settings.machine);
  for (const std::string& device : settings.devices) {
    lines.emplace_back("device", device);
  }
  for (const auto& [key, value] : settings.values) {
    lines.emplace_back("set", fmt::format("{}={}", key, value));
  }
  lines.emplace_back("seed", fmt::format("{}", settings.seed));
  return lines;
}

std::string RegressCase::run_options() const {
  RunOptions options;
  options.seed = settings.seed;
  options.machine = settings.machine;
  options.devices = settings.devices;
  for (const auto& [key, value] : settings.values) {
    options.values.push_back(fmt::format("{}={}", key, value));
  }
  return word_for(*scenario) + (" --on " + shell_quoted(target.text())) + repeated_options(options);
}

std::vector<RegressCase> all_regress_cases() {
  std::vector<RegressCase> cases;
  for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
    cases.push_back(plain_case(scenario));
  }
  for (const Variant& variant : kVariants) {
    for (const std::string& name : words_of(variant.scenarios)) {
      cases.push_back(case_of(scenario_by_name(name), variant));
    }
  }
  return cases;
}

std::vector<RegressCase> regress_cases_in(const std::string& directory) {
  if (!std::filesystem::is_directory(directory)) {
    throw targets::InputError(fmt::format("--scenarios {}: expected a directory", directory));
  }
  std::vector<RegressCase> cases;
  for (const scenarios::Scenario* const scenario : scenarios_in(directory)) {
    cases.push_back(plain_case(*scenario));
  }
  return cases;
}

std::vector<RegressCase> choose_regress_cases(std::vector<RegressCase> all, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (std::ranges::none_of(all, [&](const RegressCase& one) { return matches(word, one); })) {
      refuse(word, all);
    }
  }
  if (!words.empty()) {
    std::erase_if(all, [&](const RegressCase& one) {
      return std::ranges::none_of(words, [&](const std::string& word) { return matches(word, one); });
    });
  }
  return all;
}

}  // namespace ringside::cli
