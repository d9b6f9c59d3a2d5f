#include "testbench/cli/random_compare.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "testbench/cli/comparison_rows.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/program_trials.h"
#include "testbench/cli/progress.h"
#include "testbench/cli/waiver_rows.h"
#include "testbench/cli/workers.h"
#include "testbench/programs/random_program.h"

namespace ringside::cli {
namespace {

constexpr std::chrono::seconds kWatchdogGrace{10};  // the targets' own timeouts come first and know more
constexpr std::size_t kProgramsPerWorker = 25;      // a process costs more than a short program
constexpr std::size_t kMostShrunk = 8;              // different findings of one run; more of them are only counted

class RandomComparisons {
 public:
  RandomComparisons(const RunOptions& run, const RandomOptions& options)
      : run_(run),
        options_(options),
        trials_(run, options.left, options.right, options.waivers),
        mix_{run.seed, options.illegal_percent, {trials_.both_are_models()}} {
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
    const bool waivers_hold = review_waivers(trials_.waivers(), false, {left_identity_, right_identity_});
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
    const WorkerSettings workers{workers_of(run_),
                                 trials_.settings().timeout * (2 * kProgramsPerWorker) + kWatchdogGrace};
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
    std::vector<std::string> endings;
    for (std::uint64_t index = first_index(job); index < end_index(job); ++index) {
      endings.push_back(dump(trials_.compare(program_of(index))));
    }
    return Row{{"endings", endings},
               {"left", trials_.left_identity()},
               {"right", trials_.right_identity()},
               {"hits", trials_.waivers().hits()}}
        .dump(-1, ' ', false, Row::error_handler_t::replace);
  }

  // As the file that it would be.
  [[nodiscard]] programs::Program program_of(std::uint64_t index) const {
    programs::Program program = programs::random_program(mix_, index);
    program.file = options_.keep + "/" + program.name + ".toml";
    return program;
  }

  [[nodiscard]] std::uint64_t first_index(std::size_t job) const { return job * kProgramsPerWorker; }
  [[nodiscard]] std::uint64_t end_index(std::size_t job) const {
    return std::min<std::uint64_t>(options_.count, first_index(job) + kProgramsPerWorker);
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
    trials_.waivers().add_hits(answer["hits"].get<std::vector<std::uint64_t>>());
    std::uint64_t index = first_index(job);
    for (const std::string ending : answer["endings"]) {
      count(index++, parse_ending(ending));
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
      count(index, trials_.run({program_of(index)}).front());
    }
  }

  void count(std::uint64_t index, const ProgramEnding& ending) {
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
    programs::Program program = program_of(index);
    const std::size_t before = program.steps.size();
    if (std::optional<ProgramTrials::Small> small = trials_.shrink(program, signature)) {
      program = std::move(small->program);
      last_endings_[signature] = std::move(small->ending);
    } else {
      fmt::print(human(), "program {} of seed {} does not do it again by itself: {}\n", index, run_.seed, signature);
    }
    program.summary = fmt::format("random program {} of seed {}, {} of its {} steps: {}", index, run_.seed,
                                  program.steps.size(), before, shortened(signature));
    program.found = trials_.finding(signature);
    keep(signature, program, index);
  }

  void keep(const std::string& signature, const programs::Program& program, std::uint64_t index) {
    Found found;
    found.file = program.file;
    write_file(found.file, programs::print_program(program));
    const ProgramEnding& ending = last_endings_.at(signature);
    found.verdict = ending.verdict;
    found.reason = ending.reason;
    found.report = ending.report;
    found.reproduce = trials_.reproduction(found.file);
    found.index = index;
    found.times = times_[signature];
    found.steps = program.steps.size();
    found_.push_back(found);
  }

  static std::string shortened(const std::string& text) {
    constexpr std::size_t kMost = 90;
    return text.substr(0, kMost);
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
    print_waivers(human(), trials_.waivers());
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
            {"waivers", waiver_rows(trials_.waivers())},
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
  ProgramTrials trials_;
  programs::RandomMix mix_;
  std::string left_identity_, right_identity_;
  std::uint64_t ended_ = 0;
  std::vector<std::uint64_t> alone_;  // programs whose worker did not come back
  std::map<std::string, std::uint64_t> verdicts_;
  std::map<std::string, std::uint64_t> skips_;         // by reason
  std::map<std::string, std::uint64_t> first_of_;      // programs, by signature
  std::map<std::string, std::uint64_t> times_;         // likewise
  std::map<std::string, ProgramEnding> last_endings_;  // by signature: the first, or the one of the smallest so far
  std::set<std::string> quirks_;
  std::uint64_t compared_[4] = {};
  std::vector<Found> found_;
};

}  // namespace

ExitStatus compare_random(const RunOptions& run, const RandomOptions& random) {
  return RandomComparisons(run, random).run();
}

}  // namespace ringside::cli
