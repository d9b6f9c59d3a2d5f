#include "testbench/cli/compare_pair.h"

#include <fmt/core.h>

#include <memory>

#include "testbench/cli/comparison_rows.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/trace/canary.h"
#include "testbench/trace/memory_log.h"
#include "testbench/trace/schedule.h"

namespace ringside::cli {
namespace {

using targets::Outcome;
using targets::TargetSpec;

bool is_model(const TargetSpec& spec) { return spec.name == "model"; }

PairSide run_side(const scenarios::Scenario& scenario, const TargetSpec& spec, targets::Target& target,
                  const targets::RunSettings& settings) {
  PairSide side;
  trace::MemoryLog memory;
  side.identity = target.identity();
  side.quirks_of = target.quirks_of();
  side.result = target.run(scenario, settings, memory);
  side.log.metadata.scenario = scenario.name;
  side.log.metadata.target = spec.text();
  side.log.metadata.identity = side.identity;
  side.log.metadata.machine = settings.machine;
  side.log.metadata.seed = settings.seed;
  side.log.metadata.settings = settings.values;
  side.log.records = memory.take();
  return side;
}

TargetSpec with_quirks_of(const targets::Target& reference, TargetSpec model) {
  const std::string quirks = reference.quirks_of();
  if (!quirks.empty() && !model.options.contains("strict") && !model.options.contains("quirks")) {
    model.options["quirks"] = quirks;
  }
  return model;
}

// The reference first, then the model under its schedule.
void run_following(const scenarios::Scenario& scenario, const TargetSpec& reference_spec, const TargetSpec& model_spec,
                   targets::RunSettings settings, PairSide& reference_side, PairSide& model_side) {
  const auto reference = targets::make_target(reference_spec, settings);
  const TargetSpec spec = with_quirks_of(*reference, model_spec);
  const auto model = targets::make_target(spec, settings);
  reference_side = run_side(scenario, reference_spec, *reference, settings);
  if (reference_side.result.outcome == Outcome::skipped || reference_side.result.outcome == Outcome::error) {
    model_side.identity = model->identity();
    model_side.result.outcome = Outcome::skipped;
    return;
  }
  const trace::Schedule schedule = trace::schedule_of(reference_side.log.records);
  settings.follow = &schedule;
  model_side = run_side(scenario, spec, *model, settings);
  model_side.log.metadata.follows = reference_side.identity;
}

void run_freely(const scenarios::Scenario& scenario, const TargetSpec& spec, const targets::RunSettings& settings,
                PairSide& side) {
  const auto target = targets::make_target(spec, settings);
  side = run_side(scenario, spec, *target, settings);
}

trace::Side side_of(const std::string& name, const PairSide& side) {
  return {name, side.identity, side.log.records, !side.log.metadata.follows.empty()};
}

// What of the two outcomes rules out a comparison, or is worse than what it said.
void judge(PairResult& pair, const SideNames& names, trace::Waivers& waivers) {
  const Outcome left = pair.left.result.outcome;
  const Outcome right = pair.right.result.outcome;
  const auto settle = [&](const char* verdict, std::string reason) {
    pair.verdict = verdict;
    pair.reason = std::move(reason);
  };
  const auto both = [&](Outcome outcome) { return left == outcome && right == outcome; };
  const auto side_with = [&](Outcome outcome) {
    const bool is_left = left == outcome && (right != outcome || !pair.left.result.reason.empty());
    return is_left ? fmt::format("{}: {}", names.left, pair.left.result.reason)
                   : fmt::format("{}: {}", names.right, pair.right.result.reason);
  };
  const bool skipped = left == Outcome::skipped || right == Outcome::skipped;
  const bool broken = left == Outcome::error || right == Outcome::error;
  if (skipped || both(Outcome::error)) {
    return settle(broken ? "error" : "skip", side_with(broken ? Outcome::error : Outcome::skipped));
  }
  const std::string& scenario = pair.left.log.metadata.scenario;
  const trace::Side left_side = side_of(names.left, pair.left);
  const trace::Side right_side = side_of(names.right, pair.right);
  pair.comparison = trace::compare(left_side, right_side, scenario, waivers);
  if (pair.comparison.verdict == trace::Verdict::diverge) {
    settle("diverge", pair.comparison.divergence->what + (broken ? "; " + side_with(Outcome::error) : ""));
  } else if (pair.comparison.verdict == trace::Verdict::error) {
    settle("error", pair.comparison.reason);
  } else if (broken) {
    settle("error", side_with(Outcome::error));
  } else if (left == Outcome::failed || right == Outcome::failed) {
    settle("error", "both sides agree, but a check did not hold: " + side_with(Outcome::failed));
  } else if (const trace::CanaryResult canary = trace::try_canary(left_side, right_side, scenario, waivers);
             !canary.missed.empty()) {
    settle("error", "the comparison is blind: it does not see " + canary.missed);
  } else {
    pair.canaries = canary.caught;
    settle("agree", {});
  }
}

}  // namespace

PairResult compare_pair(const scenarios::Scenario& scenario, const TargetSpec& left, const TargetSpec& right,
                        const targets::RunSettings& wanted, trace::Waivers& waivers) {
  const targets::RunSettings settings = targets::settings_for(scenario, wanted);
  PairResult pair;
  if (is_model(left) && !is_model(right)) {
    run_following(scenario, right, left, settings, pair.right, pair.left);
  } else if (!is_model(left) && is_model(right)) {
    run_following(scenario, left, right, settings, pair.left, pair.right);
  } else {
    run_freely(scenario, left, settings, pair.left);
    run_freely(scenario, right, settings, pair.right);
  }
  judge(pair, side_names(left.name, right.name), waivers);
  return pair;
}

}  // namespace ringside::cli
