#include "testbench/cli/random_compare.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "testbench/checks/monitors.h"
#include "testbench/cli/compare_pair.h"
#include "testbench/cli/comparison_rows.h"
#include "testbench/cli/findings.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/progress.h"
#include "testbench/cli/waiver_file.h"
#include "testbench/cli/waiver_rows.h"
#include "testbench/cli/workers.h"
#include "testbench/programs/program_scenario.h"
#include "testbench/programs/random_program.h"
#include "testbench/programs/shrink.h"
#include "testbench/trace/compare.h"

namespace ringside::cli {
namespace {

constexpr std::chrono::seconds kWatchdogGrace{10};  // the targets' own timeouts come first and know more
constexpr std::size_t kProgramsPerWorker = 25;      // a process costs more than a short program
constexpr std::size_t kMostShrunk = 8;              // different findings of one run; more of them are only counted

// What makes two findings the same one: the numbers in the sentence differ from program to program.
std::string without_numbers(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
      result += c;
    }
  }
  return result;
}

std::string signature_of(const std::string& verdict, const std::string& reason) {
  return verdict + ": " + without_numbers(reason);
}

// How one program ended, as a worker tells it.
struct Ending {
  std::string verdict;
  std::string reason;
  std::string report;
  std::vector<std::string> quirks;
  std::vector<std::uint64_t> compared;  // exact, ordered, invariant, waived
};

class RandomComparisons {
 public:
  RandomComparisons(const RunOptions& run, const RandomOptions& options)
      : run_(run),
        options_(options),
        left_(targets::TargetSpec::parse(options.left)),
        right_(targets::TargetSpec::parse(options.right)),
        settings_(settings_of(run)),
        waivers_(load_waivers(options.waivers)),
        mix_{run.seed, options.illegal_percent, {left_.name == "model" && right_.name == "model"}} {
    if (!run_.scenarios.empty()) {
      throw targets::InputError("--random: expected no scenarios with it");
    }
    require_directory(options_.keep);
  }

  [[nodiscard]] ExitStatus run() {
    run_all();
    run_alone();
    for (const auto& [signature, index] : first_of_) {
      shrink_and_keep(signature, index);
    }
    print_summary();
    const bool waivers_hold = review_waivers(waivers_, false, {left_identity_, right_identity_});
    if (run_.json) {
      fmt::print("{}\n", document().dump(2));
    }
    return waivers_hold ? status() : ExitStatus::does_not_hold;
  }

 private:
  [[nodiscard]] std::FILE* human() const { return run_.json ? stderr : stdout; }

  // --- All of them, some in each worker

  void run_all() {
    Progress progress;
    const std::size_t jobs = (options_.count + kProgramsPerWorker - 1) / kProgramsPerWorker;
    const WorkerSettings workers{workers_of(run_), settings_.timeout * (2 * kProgramsPerWorker) + kWatchdogGrace};
    const auto tick = [&] { progress.show(fmt::format("{} of {} programs", ended_, options_.count)); };
    run_in_workers(
        jobs, workers, [this](std::size_t job) { return answer(job); },
        [&](std::size_t job, const JobResult& result) {
          progress.clear();
          take(job, result);
        },
        tick);
  }

  // In the worker.
  [[nodiscard]] std::string answer(std::size_t job) {
    Row endings = Row::array();
    for (std::uint64_t index = first_index(job); index < end_index(job); ++index) {
      endings.push_back(row_of(compare(programs::random_program(mix_, index))));
    }
    return Row{{"endings", endings}, {"left", left_identity_}, {"right", right_identity_}, {"hits", waivers_.hits()}}
        .dump(-1, ' ', false, Row::error_handler_t::replace);
  }

  [[nodiscard]] std::uint64_t first_index(std::size_t job) const { return job * kProgramsPerWorker; }
  [[nodiscard]] std::uint64_t end_index(std::size_t job) const {
    return std::min<std::uint64_t>(options_.count, first_index(job) + kProgramsPerWorker);
  }

  [[nodiscard]] Ending compare(programs::Program program) {
    const programs::ProgramScenario scenario(std::move(program));
    const PairResult pair = compare_pair(scenario.scenario(), left_, right_, settings_, waivers_);
    left_identity_ = pair.left.identity;
    right_identity_ = pair.right.identity;
    Ending ending{pair.verdict, pair.reason, {}, {}, {}};
    for (const PairSide* const side : {&pair.left, &pair.right}) {
      const std::string clause =
          unexplained(finding_rows(checks::run_monitors(side->log.records), side->quirks_of, side->result.quirks));
      if (ending.verdict == "agree" && !clause.empty()) {
        ending.verdict = "error";
        ending.reason = fmt::format("both sides agree, but the device on {} breaks {}", side->identity, clause);
      }
    }
    if (pair.verdict == "diverge") {
      ending.report = trace::render(pair.comparison, reproduction(file_of(scenario.program().name)));
    }
    for (const PairSide* const side : {&pair.left, &pair.right}) {
      for (const targets::QuirkHit& quirk : side->result.quirks) {
        ending.quirks.push_back(quirk.name);
      }
    }
    const trace::Comparison& comparison = pair.comparison;
    ending.compared = {comparison.compared.exact, comparison.compared.ordered, comparison.compared.invariant,
                       comparison.waived};
    return ending;
  }

  static Row row_of(const Ending& ending) {
    return {{"verdict", ending.verdict},
            {"reason", ending.reason},
            {"report", ending.report},
            {"quirks", ending.quirks},
            {"compared", ending.compared}};
  }
  static Ending ending_in(const Row& row) {
    return {row["verdict"], row["reason"], row["report"], row["quirks"], row["compared"]};
  }

  void take(std::size_t job, const JobResult& result) {
    ended_ += end_index(job) - first_index(job);
    if (!result.problem.empty()) {
      take_one_by_one(job);
      return;
    }
    const Row answer = Row::parse(result.answer);
    left_identity_ = answer["left"];
    right_identity_ = answer["right"];
    waivers_.add_hits(answer["hits"].get<std::vector<std::uint64_t>>());
    std::uint64_t index = first_index(job);
    for (const Row& ending : answer["endings"]) {
      count(index++, ending_in(ending));
    }
  }

  // One of them took the others' process with it. They are told apart when all the rest is done.
  void take_one_by_one(std::size_t job) {
    for (std::uint64_t index = first_index(job); index < end_index(job); ++index) {
      alone_.push_back(index);
    }
  }

  void run_alone() {
    for (const std::uint64_t index : alone_) {
      count(index, run_some({programs::random_program(mix_, index)}).front());
    }
  }

  void count(std::uint64_t index, const Ending& ending) {
    ++verdicts_[ending.verdict];
    for (std::size_t i = 0; i < ending.compared.size(); ++i) {
      compared_[i] += ending.compared[i];
    }
    quirks_.insert(ending.quirks.begin(), ending.quirks.end());
    if (ending.verdict == "skip") {
      ++skips_[ending.reason];
    } else if (ending.verdict != "agree") {
      const std::string signature = signature_of(ending.verdict, ending.reason);
      const auto [known, fresh] = first_of_.emplace(signature, index);
      known->second = std::min(known->second, index);
      ++times_[signature];
      last_endings_.try_emplace(signature, ending);
      if (fresh) {
        fmt::print(human(), "program {} of seed {}: {}: {}\n", index, run_.seed, ending.verdict, ending.reason);
      }
    }
  }

  // --- What was found

  struct Found {
    std::string file, verdict, reason, report, reproduce;
    std::uint64_t index = 0;
    std::uint64_t times = 0;
    std::size_t steps = 0;
  };

  void shrink_and_keep(const std::string& signature, std::uint64_t index) {
    if (found_.size() >= kMostShrunk) {
      return;
    }
    programs::Program program = programs::random_program(mix_, index);
    const std::size_t before = program.steps.size();
    const std::string name = program.name;
    const programs::FirstThatShows first_that_shows = [&](const std::vector<programs::Program>& candidates) {
      return first_with(signature, candidates);
    };
    if (first_that_shows({program}) != std::optional<std::size_t>(0)) {
      fmt::print(human(), "program {} of seed {} does not do it again by itself: {}\n", index, run_.seed, signature);
    } else {
      program = programs::shrink(std::move(program), first_that_shows);
    }
    program.summary = fmt::format("random program {} of seed {}, {} of its {} steps: {}", index, run_.seed,
                                  program.steps.size(), before, shortened(signature));
    keep(signature, name, program, index);
  }

  void keep(const std::string& signature, const std::string& name, const programs::Program& program,
            std::uint64_t index) {
    Found found;
    found.file = file_of(name);
    write_file(found.file, programs::print_program(program));
    const Ending& ending = last_endings_.at(signature);
    found.verdict = ending.verdict;
    found.reason = ending.reason;
    found.report = ending.report;
    found.reproduce = reproduction(found.file);
    found.index = index;
    found.times = times_[signature];
    found.steps = program.steps.size();
    found_.push_back(found);
  }

  static std::string shortened(const std::string& text) {
    constexpr std::size_t kMost = 90;
    std::string line = text.substr(0, kMost);
    std::ranges::replace_if(
        line, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    return line;
  }

  [[nodiscard]] std::string file_of(const std::string& name) const { return options_.keep + "/" + name + ".toml"; }

  // The first candidate that ends so, each in a process of its own.
  [[nodiscard]] std::optional<std::size_t> first_with(const std::string& signature,
                                                      const std::vector<programs::Program>& candidates) {
    std::optional<std::size_t> first;
    const std::size_t at_a_time = std::max(1u, workers_of(run_));
    for (std::size_t begin = 0; begin < candidates.size() && !first; begin += at_a_time) {
      const std::size_t count = std::min(at_a_time, candidates.size() - begin);
      const std::vector<Ending> endings = run_some({candidates.begin() + static_cast<std::ptrdiff_t>(begin),
                                                    candidates.begin() + static_cast<std::ptrdiff_t>(begin + count)});
      for (std::size_t i = 0; i < count && !first; ++i) {
        if (signature_of(endings[i].verdict, endings[i].reason) == signature) {
          first = begin + i;
          last_endings_[signature] = endings[i];
        }
      }
    }
    return first;
  }

  [[nodiscard]] std::vector<Ending> run_some(const std::vector<programs::Program>& candidates) {
    std::vector<Ending> endings(candidates.size());
    const WorkerSettings workers{workers_of(run_), 2 * settings_.timeout + kWatchdogGrace};
    run_in_workers(
        candidates.size(), workers,
        [&](std::size_t index) {
          return row_of(tried(candidates[index])).dump(-1, ' ', false, Row::error_handler_t::replace);
        },
        [&](std::size_t index, const JobResult& result) {
          endings[index] = result.problem.empty() ? ending_in(Row::parse(result.answer))
                                                  : Ending{"error", result.problem, {}, {}, {}};
        });
    return endings;
  }

  // A candidate whose properties no longer go together does not show it.
  [[nodiscard]] Ending tried(const programs::Program& candidate) {
    try {
      return compare(candidate);
    } catch (const std::exception& problem) {
      return {"error", problem.what(), {}, {}, {}};
    }
  }

  [[nodiscard]] std::string reproduction(const std::string& file) const {
    std::string command = "./ringside compare " + shell_quoted(file) + repeated_options(run_);
    command += " --left " + shell_quoted(options_.left) + " --right " + shell_quoted(options_.right);
    return options_.waivers.empty() ? command : command + " --waivers " + shell_quoted(options_.waivers);
  }

  // --- What is said

  [[nodiscard]] std::uint64_t times(const char* verdict) const {
    const auto known = verdicts_.find(verdict);
    return known == verdicts_.end() ? 0 : known->second;
  }

  void print_summary() const {
    for (const Found& found : found_) {
      fmt::print(human(), "\n{}\n  {} time{}, first as program {}; {} step{} left: {}\n  reproduce: {}\n", found.reason,
                 found.times, found.times == 1 ? "" : "s", found.index, found.steps, found.steps == 1 ? "" : "s",
                 found.file, found.reproduce);
      if (!found.report.empty()) {
        fmt::print(human(), "{}", found.report);
      }
    }
    for (const auto& [reason, count] : skips_) {
      fmt::print(human(), "skipped {}: {}\n", count, reason);
    }
    print_waivers(human(), waivers_);
    fmt::print(human(), "{} random programs of seed {}: {} agree, {} diverge, {} skip, {} error; {} exact events\n",
               options_.count, run_.seed, times("agree"), times("diverge"), times("skip"), times("error"),
               compared_[0]);
  }

  [[nodiscard]] Row document() const {
    Row found = Row::array();
    for (const Found& one : found_) {
      found.push_back({{"file", one.file},
                       {"verdict", one.verdict},
                       {"reason", one.reason},
                       {"program", one.index},
                       {"times", one.times},
                       {"steps", one.steps},
                       {"reproduce", one.reproduce}});
    }
    return {{"schema", "ringside.compare/1"},
            {"left", left_identity_},
            {"right", right_identity_},
            {"agree", times("agree")},
            {"diverge", times("diverge")},
            {"skip", times("skip")},
            {"errors", times("error")},
            {"scenarios", Row::array()},
            {"waivers", waiver_rows(waivers_)},
            {"random",
             {{"programs", options_.count},
              {"seed", run_.seed},
              {"illegal_percent", options_.illegal_percent},
              {"exact", compared_[0]},
              {"ordered", compared_[1]},
              {"invariant", compared_[2]},
              {"waived", compared_[3]},
              {"quirks", quirks_},
              {"found", found}}}};
  }

  [[nodiscard]] ExitStatus status() const {
    return first_of_.empty() && times("agree") != 0 ? ExitStatus::holds : ExitStatus::does_not_hold;
  }

  const RunOptions& run_;
  const RandomOptions& options_;
  targets::TargetSpec left_;
  targets::TargetSpec right_;
  targets::RunSettings settings_;
  trace::Waivers waivers_;
  programs::RandomMix mix_;
  std::string left_identity_, right_identity_;
  std::uint64_t ended_ = 0;
  std::vector<std::uint64_t> alone_;  // programs whose worker did not come back
  std::map<std::string, std::uint64_t> verdicts_;
  std::map<std::string, std::uint64_t> skips_;     // by reason
  std::map<std::string, std::uint64_t> first_of_;  // programs, by signature
  std::map<std::string, std::uint64_t> times_;     // likewise
  std::map<std::string, Ending> last_endings_;     // by signature: the first, or the one of the smallest so far
  std::set<std::string> quirks_;
  std::uint64_t compared_[4] = {};
  std::vector<Found> found_;
};

}  // namespace

ExitStatus compare_random(const RunOptions& run, const RandomOptions& random) {
  return RandomComparisons(run, random).run();
}

}  // namespace ringside::cli
