#include "testbench/cli/regress_run.h"

#include <fmt/core.h>

#include <filesystem>

#include "testbench/trace/memory_log.h"
#include "testbench/trace/names.h"

namespace ringside::cli {
namespace {

using trace::GoldenDifference;

CaseVerdict verdict(const char* word, std::string reason) {
  CaseVerdict result;
  result.verdict = word;
  result.reason = std::move(reason);
  return result;
}

// What a waiver can say of it: the kind of the event, or "time".
trace::Difference for_waivers(const GoldenDifference& difference, const std::vector<trace::Record>& log) {
  if (difference.kind == GoldenDifference::Kind::time) {
    return {"", "time", "", "time"};
  }
  const char* const kind = difference.first < log.size() ? trace::name_of(log[difference.first].kind) : nullptr;
  return {"", kind == nullptr ? "" : kind, "", "event"};
}

CaseVerdict differing(const RegressCase& one, const CaseRun& run, const GoldenDifference& difference,
                      trace::Waivers& waivers, const std::string& identity) {
  const bool time = difference.kind == GoldenDifference::Kind::time;
  CaseVerdict result = verdict(time ? "timing" : "differs", summary_of(difference, run.log));
  result.difference = difference;
  if (waivers.match(for_waivers(difference, run.log), one.name, {identity}) != nullptr) {
    result.verdict = "held";
    result.waived = true;
    return result;
  }
  result.report = fmt::format("{}: {}\n{}  again     ./ringside run {} --trace now.jsonl\n", one.name, result.reason,
                              render(difference, run.log), one.run_options());
  return result;
}

}  // namespace

CaseRun run_case(const RegressCase& one, const targets::TargetSpec& with, std::chrono::seconds timeout) {
  targets::TargetSpec spec = one.target;
  spec.options.insert(with.options.begin(), with.options.end());
  targets::RunSettings settings = one.settings;
  settings.timeout = timeout;
  const auto target = targets::make_target(spec, settings);
  trace::MemoryLog memory;
  CaseRun run;
  run.result = target->run(*one.scenario, settings, memory);
  run.log = memory.take();
  return run;
}

trace::GoldenLog golden_of(const RegressCase& one, const std::vector<trace::Record>& log) {
  return {one.made_by(), trace::golden_segments(log), trace::golden_streams(log)};
}

CaseVerdict judge_case(const RegressCase& one, const CaseRun& run, const trace::GoldenLog& now, const std::string& path,
                       trace::Waivers& waivers) {
  std::error_code ignored;
  const bool there = std::filesystem::exists(path, ignored);
  switch (run.result.outcome) {
    case targets::Outcome::error:
      return verdict("error", run.result.reason);
    case targets::Outcome::failed:
      return verdict("failed", run.result.reason);
    case targets::Outcome::skipped:
      return there ? verdict("differs", "has a golden log, and does not run: " + run.result.reason)
                   : verdict("skip", run.result.reason);
    case targets::Outcome::held:
      break;
  }
  if (!there) {
    return verdict("missing", "has no golden log; --update writes it");
  }
  const trace::GoldenLog golden = trace::load_golden(path);
  if (golden.made_by != now.made_by) {
    return verdict("differs", "its golden log is of a run with other settings; --update writes it anew");
  }
  const auto difference = trace::first_difference(golden, now);
  return difference ? differing(one, run, *difference, waivers, one.target.text()) : verdict("held", "");
}

}  // namespace ringside::cli
