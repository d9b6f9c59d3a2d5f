// One scenario on two targets, and what the comparison says.
#pragma once

#include <cstdint>
#include <string>

#include "testbench/targets/target.h"
#include "testbench/trace/compare.h"
#include "testbench/trace/log_file.h"

namespace ringside::cli {

struct PairSide {
  std::string identity;
  std::string quirks_of;  // see targets::Target
  targets::RunResult result;
  trace::LogFile log;
};

struct PairResult {
  PairSide left, right;
  std::string verdict;  // "agree", "diverge", "skip", "error"
  std::string reason;
  std::uint64_t canaries = 0;    // deliberate differences that were found, see trace/canary.h
  trace::Comparison comparison;  // of no meaning when the verdict is "skip"
};

// When exactly one side is the model, the other runs first: its log gives the schedule that the model follows, and its
// version the quirks that the model has, unless it is told `strict` or has quirks of its own. Throws InputError and
// LackingError.
[[nodiscard]] PairResult compare_pair(const scenarios::Scenario& scenario, const targets::TargetSpec& left,
                                      const targets::TargetSpec& right, const targets::RunSettings& settings,
                                      trace::Waivers& waivers);

}  // namespace ringside::cli
