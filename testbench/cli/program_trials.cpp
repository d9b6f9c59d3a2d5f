#include "testbench/cli/program_trials.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "testbench/checks/monitors.h"
#include "testbench/cli/compare_pair.h"
#include "testbench/cli/findings.h"
#include "testbench/cli/waiver_file.h"
#include "testbench/cli/workers.h"
#include "testbench/programs/program_scenario.h"
#include "testbench/programs/shrink.h"
#include "testbench/trace/compare.h"

namespace ringside::cli {
namespace {

using programs::Program;
using EndingRow = nlohmann::ordered_json;

constexpr std::chrono::seconds kTrialGrace{10};  // the targets' own timeouts come first and know more
constexpr std::size_t kLongestSignature = 200;

}  // namespace

std::string signature_of(const std::string& verdict, const std::string& reason) {
  std::string result = verdict + ": ";
  for (const char c : reason.substr(0, kLongestSignature)) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
      result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return result;
}

std::string dump(const ProgramEnding& ending) {
  return EndingRow{{"verdict", ending.verdict},
                   {"reason", ending.reason},
                   {"report", ending.report},
                   {"quirks", ending.quirks},
                   {"compared", ending.compared}}
      .dump(-1, ' ', false, EndingRow::error_handler_t::replace);
}

ProgramEnding parse_ending(const std::string& text) {
  const EndingRow row = EndingRow::parse(text);
  return {row["verdict"], row["reason"], row["report"], row["quirks"], row["compared"]};
}

ProgramTrials::ProgramTrials(const RunOptions& run, const std::string& left, const std::string& right,
                             const std::string& waivers)
    : run_(run),
      left_(targets::TargetSpec::parse(left)),
      right_(targets::TargetSpec::parse(right)),
      waiver_file_(waivers),
      settings_(settings_of(run)),
      waivers_(load_waivers(waivers)) {}

ProgramEnding ProgramTrials::compare(const Program& program) {
  Program unwritten = program;
  unwritten.file.clear();  // what is said of a step names its number, not the line of a file that may have been
  const programs::ProgramScenario scenario(std::move(unwritten));
  const PairResult pair = compare_pair(scenario.scenario(), left_, right_, settings_, waivers_);
  left_identity_ = pair.left.identity;
  right_identity_ = pair.right.identity;
  ProgramEnding ending{pair.verdict, pair.reason, {}, {}, {}};
  for (const PairSide* const side : {&pair.left, &pair.right}) {
    const std::string clause =
        unexplained(finding_rows(checks::run_monitors(side->log.records), side->quirks_of, side->result.quirks));
    if (ending.verdict == "agree" && !clause.empty()) {
      ending.verdict = "error";
      ending.reason = fmt::format("both sides agree, but the device on {} breaks {}", side->identity, clause);
    }
    for (const targets::QuirkHit& quirk : side->result.quirks) {
      ending.quirks.push_back(quirk.name);
    }
  }
  if (pair.verdict == "diverge") {
    ending.report = trace::render(pair.comparison, reproduction(program.file));
  }
  const trace::Comparison& comparison = pair.comparison;
  ending.compared = {comparison.compared.exact, comparison.compared.ordered, comparison.compared.invariant,
                     comparison.waived};
  return ending;
}

std::vector<ProgramEnding> ProgramTrials::run(const std::vector<Program>& programs) {
  runs_ += programs.size();
  std::vector<ProgramEnding> endings(programs.size());
  run_in_workers(
      programs.size(), {workers_of(run_), 2 * settings_.timeout + kTrialGrace},
      [&](std::size_t index) { return dump(tried(programs[index])); },
      [&](std::size_t index, const JobResult& result) {
        endings[index] =
            result.problem.empty() ? parse_ending(result.answer) : ProgramEnding{"error", result.problem, {}, {}, {}};
      });
  return endings;
}

std::optional<ProgramTrials::Small> ProgramTrials::shrink(const Program& program, const std::string& signature) {
  Small small;
  if (!first_with(signature, {program}, small.ending)) {
    return std::nullopt;
  }
  small.program = programs::shrink(
      program, [&](const std::vector<Program>& candidates) { return first_with(signature, candidates, small.ending); });
  return small;
}

// As many at a time as there are workers; `ending` is that of the one that ends so.
std::optional<std::size_t> ProgramTrials::first_with(const std::string& signature,
                                                     const std::vector<Program>& candidates, ProgramEnding& ending) {
  const std::size_t at_a_time = std::max(1u, workers_of(run_));
  for (std::size_t begin = 0; begin < candidates.size(); begin += at_a_time) {
    const std::size_t count = std::min(at_a_time, candidates.size() - begin);
    const std::vector<ProgramEnding> endings = run({candidates.begin() + static_cast<std::ptrdiff_t>(begin),
                                                    candidates.begin() + static_cast<std::ptrdiff_t>(begin + count)});
    for (std::size_t i = 0; i < count; ++i) {
      if (signature_of(endings[i].verdict, endings[i].reason) == signature) {
        ending = endings[i];
        return begin + i;
      }
    }
  }
  return std::nullopt;
}

// A candidate whose properties no longer go together does not show it.
ProgramEnding ProgramTrials::tried(const Program& candidate) {
  try {
    return compare(candidate);
  } catch (const std::exception& problem) {
    return {"error", problem.what(), {}, {}, {}};
  }
}

std::string ProgramTrials::reproduction(const std::string& file) const {
  std::string command = "./ringside compare " + shell_quoted(file) + repeated_options(run_);
  command += " --left " + shell_quoted(left_.text()) + " --right " + shell_quoted(right_.text());
  return waiver_file_.empty() ? command : command + " --waivers " + shell_quoted(waiver_file_);
}

programs::Finding ProgramTrials::finding(const std::string& signature) const {
  programs::Finding found;
  found.left = left_.text();
  found.right = right_.text();
  found.seed = run_.seed;
  found.machine = run_.machine;
  found.devices = run_.devices;
  found.disks = run_.disks;
  found.settings = run_.values;
  found.waivers = waiver_file_;
  found.signature = signature;
  found.version = RINGSIDE_VERSION;
  return found;
}

}  // namespace ringside::cli
