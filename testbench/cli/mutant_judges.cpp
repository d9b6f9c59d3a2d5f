#include "testbench/cli/mutant_judges.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "testbench/checks/monitors.h"
#include "testbench/cli/compare_pair.h"
#include "testbench/cli/regress_run.h"
#include "testbench/trace/compare.h"

namespace ringside::cli {
namespace {

using targets::Outcome;

constexpr std::chrono::seconds kLimit{5};

targets::TargetSpec model_with(const targets::Mistake& mistake) {
  targets::TargetSpec spec;
  spec.name = "model";
  if (!mistake.option.empty()) {
    spec.options[mistake.option] = mistake.name;
  }
  return spec;
}

// As `ringside compare` judges two runs of the model.
std::optional<std::string> compared(const CaseRun& wrong, const CaseRun& right, const std::string& scenario) {
  trace::Waivers none;
  const trace::Comparison comparison =
      trace::compare({"mutant", "", wrong.log}, {"model", "", right.log}, scenario, none);
  if (comparison.divergence) {
    return comparison.divergence->what;
  }
  if (comparison.verdict == trace::Verdict::error) {
    return comparison.reason;
  }
  return wrong.result.outcome == Outcome::held ? std::nullopt : std::optional(wrong.result.reason);
}

std::optional<std::string> compared_with(const targets::Mistake& mistake, const RegressCase& one,
                                         const std::string& right) {
  targets::TargetSpec left = model_with(mistake);
  left.options.insert(one.target.options.begin(), one.target.options.end());
  trace::Waivers none;
  const PairResult pair = compare_pair(*one.scenario, left, targets::TargetSpec::parse(right), one.settings, none);
  return pair.verdict == "agree" || pair.verdict == "skip" ? std::nullopt : std::optional(pair.reason);
}

// As `ringside regress` does when its golden log is that of the run without the mistake.
std::optional<std::string> regressed(const RegressCase& one, const CaseRun& wrong, const CaseRun& right) {
  if (wrong.result.outcome != Outcome::held) {
    return wrong.result.reason;
  }
  const auto difference = trace::first_difference(golden_of(one, right.log), golden_of(one, wrong.log));
  return difference ? std::optional(summary_of(*difference, wrong.log)) : std::nullopt;
}

// What is broken with the mistake and not without.
std::optional<std::string> violated(const CaseRun& wrong, const CaseRun& right) {
  if (wrong.log.empty()) {
    return std::nullopt;
  }
  std::set<std::pair<checks::Role, std::string>> known;
  for (const checks::Violation& violation : checks::run_monitors(right.log)) {
    known.emplace(violation.role, violation.clause);
  }
  for (const checks::Violation& violation : checks::run_monitors(wrong.log)) {
    if (!known.contains({violation.role, violation.clause})) {
      return fmt::format("the {} breaks {}: {}", checks::to_string(violation.role), violation.clause, violation.text);
    }
  }
  return std::nullopt;
}

}  // namespace

Caught judge_mistake(const targets::Mistake& mistake, const RegressCase& one, const std::string& right_target) {
  targets::TargetSpec plain;
  plain.name = "model";
  const CaseRun right = run_case(one, plain);
  if (right.result.outcome != Outcome::held) {
    return {};  // it tells nothing: some programs break rules on purpose
  }
  const CaseRun wrong = run_case(one, model_with(mistake), kLimit);
  Caught caught;
  caught.compare =
      right_target == "model" ? compared(wrong, right, one.scenario->name) : compared_with(mistake, one, right_target);
  caught.regress = regressed(one, wrong, right);
  caught.monitors = violated(wrong, right);
  caught.hung =
      wrong.result.outcome == Outcome::error && wrong.result.seconds >= std::chrono::duration<double>(kLimit).count();
  return caught;
}

}  // namespace ringside::cli
