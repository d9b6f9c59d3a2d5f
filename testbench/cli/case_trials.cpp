#include "testbench/cli/case_trials.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>
#include <thread>

#include "testbench/campaign/run_case.h"
#include "testbench/campaign/shrink_case.h"
#include "testbench/cli/workers.h"

namespace ringside::cli {
namespace {

using campaign::Case;
using campaign::Ending;
using nlohmann::ordered_json;

constexpr std::chrono::seconds kWatchdogGrace{10};
constexpr std::size_t kCasesPerWorker = 16;  // a process costs more than a run
constexpr char kDied[] = "its worker died";
// Which signal ends what overwrote memory is a matter of what lay there.
constexpr char kCrashed[] = "crashed";

// A candidate that makes no machine any more does not fail so.
Ending tried(const Case& candidate, std::uint64_t seconds) {
  try {
    return run_case(candidate, {seconds});
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace

std::string signature_of_lost(const std::string& problem) {
  const bool late = problem.find("watchdog") != std::string::npos;
  constexpr std::string_view kWho = "the worker was ";  // campaigns say how it ended, and no more
  return late ? "spun: ended by the watchdog"
              : fmt::format("{}: {}", kCrashed, problem.starts_with(kWho) ? problem.substr(kWho.size()) : problem);
}

bool is_crash(std::string_view signature) { return signature.starts_with(kCrashed); }

CaseTrials::CaseTrials(unsigned parallel, std::uint64_t seconds)
    : workers_(parallel != 0 ? parallel : std::max(1u, std::thread::hardware_concurrency())), seconds_(seconds) {}

// As many at a time as there are workers, a few runs in each, until one fails so. Whether memory that was written
// astray ends a process depends on what lies there: for that each run has a process as new as any other's.
std::optional<std::size_t> CaseTrials::first_that_fails(const std::vector<Case>& cases, const std::string& kind) {
  const std::size_t at_a_time = workers_ * (kind == kCrashed ? 1 : kCasesPerWorker);
  for (std::size_t begin = 0; begin < cases.size(); begin += at_a_time) {
    const std::size_t end = std::min(cases.size(), begin + at_a_time);
    const std::vector<Trial> trials =
        run({cases.begin() + static_cast<std::ptrdiff_t>(begin), cases.begin() + static_cast<std::ptrdiff_t>(end)});
    const auto found = std::ranges::find(trials, kind, &Trial::kind);
    if (found != trials.end()) {
      return begin + static_cast<std::size_t>(found - trials.begin());
    }
  }
  return std::nullopt;
}

Case CaseTrials::shrink(const Case& subject, const std::string& kind) {
  // How many rounds of a spin take too long is a matter of the processor, and of what else it does.
  const auto numbers = kind.starts_with("spun") ? campaign::Numbers::as_they_are : campaign::Numbers::smaller;
  return campaign::shrink_case(
      subject, [&](const std::vector<Case>& candidates) { return first_that_fails(candidates, kind); }, numbers);
}

// A worker that dies is run again one case at a time, to see which of them it was.
std::vector<Trial> CaseTrials::run(const std::vector<Case>& cases) {
  runs_ += cases.size();
  std::vector<Trial> trials = run_in(cases, std::max<std::size_t>(1, (cases.size() + workers_ - 1) / workers_));
  for (std::size_t i = 0; i < trials.size() && cases.size() > 1; ++i) {
    if (trials[i].kind == kDied) {
      trials[i] = run_in({cases[i]}, 1).front();
    }
  }
  return trials;
}

std::vector<Trial> CaseTrials::run_in(const std::vector<Case>& cases, std::size_t per_worker) const {
  std::vector<Trial> trials(cases.size());
  const std::size_t jobs = (cases.size() + per_worker - 1) / per_worker;
  const std::chrono::seconds limit = std::chrono::seconds(seconds_ * per_worker) + kWatchdogGrace;
  run_in_workers(
      jobs, {workers_, limit},
      [&](std::size_t job) {
        ordered_json rows = ordered_json::array();
        for (std::size_t i = job * per_worker; i < std::min(cases.size(), (job + 1) * per_worker); ++i) {
          const Ending ending = tried(cases[i], seconds_);
          rows.push_back({ending.kind(), ending.signature()});
        }
        return rows.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
      },
      [&](std::size_t job, const JobResult& result) {
        const bool alone = per_worker == 1;
        const ordered_json rows = result.problem.empty() ? ordered_json::parse(result.answer) : ordered_json::array();
        for (std::size_t i = 0; i < per_worker && job * per_worker + i < cases.size(); ++i) {
          Trial& one = trials[job * per_worker + i];
          if (result.problem.empty()) {
            one = {rows[i][0], rows[i][1]};
          } else {
            one.signature = alone ? signature_of_lost(result.problem) : kDied;
            one.kind = is_crash(one.signature) ? kCrashed : one.signature;
          }
        }
      });
  return trials;
}

std::optional<std::uint64_t> CaseTrials::hash_of(const Case& subject) {
  std::optional<std::uint64_t> hash;
  run_in_workers(
      1, {1, std::chrono::seconds(seconds_) + kWatchdogGrace},
      [&](std::size_t) { return fmt::format("{}", campaign::log_hash(subject, {seconds_})); },
      [&](std::size_t, const JobResult& result) {
        if (result.problem.empty()) {
          hash = std::stoull(result.answer);
        }
      });
  return hash;
}

}  // namespace ringside::cli
