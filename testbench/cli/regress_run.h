// One case of `ringside regress`: the run, and what its golden log says to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "testbench/cli/regress_cases.h"
#include "testbench/trace/golden_diff.h"
#include "testbench/trace/golden_log.h"
#include "testbench/trace/waivers.h"

namespace ringside::cli {

struct CaseRun {
  targets::RunResult result;
  std::vector<trace::Record> log;
};

// `options` of the target are added to those of the case.
[[nodiscard]] CaseRun run_case(const RegressCase& one, const targets::TargetSpec& with,
                               std::chrono::seconds timeout = std::chrono::seconds{60});
[[nodiscard]] trace::GoldenLog golden_of(const RegressCase& one, const std::vector<trace::Record>& log);

struct CaseVerdict {
  std::string verdict;  // "held", "differs", "timing", "missing", "failed", "skip", "error"
  std::string reason;
  std::string report;  // lines for people, when it differs
  bool waived = false;
  std::optional<trace::GoldenDifference> difference;
  std::string event;  // the first one that differs
};

// `path` is where the golden log should be. Throws FileError when it is there and makes no sense.
[[nodiscard]] CaseVerdict judge_case(const RegressCase& one, const CaseRun& run, const trace::GoldenLog& now,
                                     const std::string& path, trace::Waivers& waivers);

}  // namespace ringside::cli
