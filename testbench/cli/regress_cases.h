// What `ringside regress` runs: every scenario as it is, and a table of variants: other machines, other properties of
// the device, other latencies, another seed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "testbench/scenarios/context.h"
#include "testbench/targets/target.h"

namespace ringside::cli {

struct RegressCase {
  std::string name;  // "flush", "flush@packed"
  const scenarios::Scenario* scenario = nullptr;
  targets::TargetSpec target;  // a model
  targets::RunSettings settings;

  // What makes the run, as its golden log says it.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> made_by() const;
  // The options of `run` that do the same again: "flush --on model --seed 1 --device packed=on".
  [[nodiscard]] std::string run_options() const;
};

[[nodiscard]] std::vector<RegressCase> all_regress_cases();
// The scenario files below a directory, each as it is. Throws trace::FileError.
[[nodiscard]] std::vector<RegressCase> regress_cases_in(const std::string& directory);

// Of all, those whose name, or whose scenario's name, one of the words matches: names and globs. No word means all.
// Throws targets::InputError for a word that matches nothing.
[[nodiscard]] std::vector<RegressCase> choose_regress_cases(std::vector<RegressCase> all,
                                                            const std::vector<std::string>& words);

}  // namespace ringside::cli
