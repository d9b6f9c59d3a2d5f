// `ringside compare`: the same scenarios on two targets, and whether they saw the same.
#include "testbench/cli/compare_command.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "testbench/checks/monitors.h"
#include "testbench/cli/command.h"
#include "testbench/cli/compare_pair.h"
#include "testbench/cli/comparison_rows.h"
#include "testbench/cli/findings.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/own_command_line.h"
#include "testbench/cli/program_trials.h"
#include "testbench/cli/progress.h"
#include "testbench/cli/random_compare.h"
#include "testbench/cli/report_files.h"
#include "testbench/cli/run_options.h"
#include "testbench/cli/scenario_choice.h"
#include "testbench/cli/scenario_files.h"
#include "testbench/cli/scenario_source.h"
#include "testbench/cli/sharded.h"
#include "testbench/cli/waiver_file.h"
#include "testbench/cli/waiver_rows.h"
#include "testbench/cli/workers.h"
#include "testbench/faults/plan.h"
#include "testbench/report/annotations.h"
#include "testbench/targets/machine_plan.h"

namespace ringside::cli {
namespace {

constexpr std::chrono::seconds kWatchdogGrace{10};  // the targets' own timeouts come first and know more

// Of the project, and those of a directory beside them; each as often as it is to run.
std::vector<const scenarios::Scenario*> chosen_by(const CompareOptions& options) {
  std::vector<std::string> words = options.scenarios;
  if (!options.scenario_files.empty()) {
    if (words.empty()) {
      words.emplace_back("*");
    }
    words.push_back(options.scenario_files + "/");
  }
  const std::vector<const scenarios::Scenario*> once =
      sharded(choose_scenarios(words), Shard::parse(options.shard),
              [](const scenarios::Scenario* scenario) { return std::string(scenario->name); });
  std::vector<const scenarios::Scenario*> chosen;
  for (unsigned i = 0; i < options.repeat; ++i) {
    chosen.insert(chosen.end(), once.begin(), once.end());
  }
  return chosen;
}

// What a worker tells beside its row: fields of its answer that are not in the document.
struct Telling {
  std::string left_identity, right_identity;
  std::string report;
  std::string chapter;  // of the report page
  std::vector<std::uint64_t> waiver_hits;
};

class Comparisons {
 public:
  explicit Comparisons(const CompareOptions& options)
      : options_(options),
        chosen_(chosen_by(options)),
        left_(targets::TargetSpec::parse(options.left)),
        right_(targets::TargetSpec::parse(options.right)),
        settings_(settings_of(options)),
        waivers_(load_waivers(options.waivers)),
        report_(options.report, chosen_.size()),
        rows_(chosen_.size()),
        tellings_(chosen_.size()) {
    if (!options_.junit.empty()) {
      require_writable(options_.junit);
    }
    if (!options_.faults.empty()) {
      plan_ = faults::load_plan(options_.faults);
      settings_.faults = &*plan_;
    }
  }

  [[nodiscard]] ExitStatus run() {
    run_all();
    print_reports();
    print_summary(human(), rows_);
    print_expected();
    print_waivers(human(), waivers_);
    report::print_annotations(human(), annotations());
    const std::string left = identity(&Telling::left_identity, left_);
    const std::string right = identity(&Telling::right_identity, right_);
    const bool waivers_hold = review_waivers(waivers_, complete(), {left, right});
    write_page(left, right);
    const bool saw = !complete() || saw_enough(rows_);
    if (options_.json) {
      fmt::print("{}\n", comparison_document(left, right, rows_, waivers_).dump(2));
    }
    if (!options_.junit.empty()) {
      write_file(options_.junit, junit_document("ringside compare", junit_cases_of(rows_, reports())));
    }
    return waivers_hold && saw ? status_of(rows_) : ExitStatus::does_not_hold;
  }

 private:
  void run_all() {
    Progress progress;
    std::size_t ended = 0;
    const WorkerSettings workers{workers_of(options_), 2 * settings_.timeout + kWatchdogGrace};
    run_in_workers(
        chosen_.size(), workers, [this](std::size_t index) { return answer(index); },
        [&](std::size_t index, const JobResult& result) {
          progress.clear();
          ++ended;
          take(index, result);
        },
        [&] { progress.show(fmt::format("{} of {} comparisons", ended, chosen_.size())); });
  }

  // In the worker.
  [[nodiscard]] std::string answer(std::size_t index) {
    const scenarios::Scenario& scenario = *chosen_[index];
    const PairResult pair = compare_pair(scenario, left_, right_, settings_, waivers_);
    Row row = pair.verdict == "skip" ? empty_row(scenario.name, pair.verdict, pair.reason) : row_of(pair.comparison);
    row["name"] = scenario.name;
    row["machine"] = targets::settings_for(scenario, settings_).machine;
    row["verdict"] = pair.verdict;
    row["reason"] = pair.reason;
    row["quirks"] = quirks_of(pair);
    judge_sides(pair, row);
    row["seconds"] = pair.left.result.seconds + pair.right.result.seconds;
    row["canaries"] = pair.canaries;
    const std::string text = trace::render(pair.comparison, reproduction(word_for(scenario)));
    const std::string chapter = report_.add(told(index, row, pair, text));
    return Row{{"row", row},
               {"left", pair.left.identity},
               {"right", pair.right.identity},
               {"report", pair.verdict == "diverge" ? text : ""},
               {"chapter", chapter},
               {"waiver_hits", waivers_.hits()}}
        .dump(-1, ' ', false, Row::error_handler_t::replace);
  }

  // Each log for itself. Sides that agree in what the device must not do have not done well, unless a plan made it do
  // so.
  void judge_sides(const PairResult& pair, Row& row) const {
    if (pair.verdict == "skip") {
      return;
    }
    for (const auto& [name, side] : {std::pair{"left", &pair.left}, std::pair{"right", &pair.right}}) {
      const Row found = finding_rows(checks::run_monitors(side->log.records), side->quirks_of, side->result.quirks);
      const std::string clause = unexplained(found);
      row["violations"][name] = found;
      if (row["verdict"] == "agree" && !clause.empty() && !plan_) {
        row["verdict"] = "error";
        row["reason"] = fmt::format("both sides agree, but the device on {} breaks {}", side->identity, clause);
      }
    }
  }

  [[nodiscard]] static Row quirks_of(const PairResult& pair) {
    Row names = Row::array();
    for (const PairSide* side : {&pair.left, &pair.right}) {
      for (const targets::QuirkHit& quirk : side->result.quirks) {
        names.push_back(quirk.name);
      }
    }
    return names;
  }

  // The same scenario may run more than once.
  [[nodiscard]] std::string told_name(std::size_t index) const {
    const auto before =
        std::count(chosen_.begin(), chosen_.begin() + static_cast<std::ptrdiff_t>(index), chosen_[index]);
    return before == 0 ? chosen_[index]->name : fmt::format("{} again {}", chosen_[index]->name, before);
  }

  [[nodiscard]] Told told(std::size_t index, const Row& row, const PairResult& pair, const std::string& text) const {
    Told told = told_row(index, row);
    told.text = text.empty() ? told.reason : text;
    if (!pair.comparison.scenario.empty()) {
      told.comparison = &pair.comparison;
    }
    if (pair.verdict != "skip") {
      const SideNames names = side_names(left_.name, right_.name);
      told.sides = {{names.left, &pair.left.log, pair.left.result.quirks},
                    {names.right, &pair.right.log, pair.right.result.quirks}};
    }
    return told;
  }

  [[nodiscard]] Told told_row(std::size_t index, const Row& row) const {
    Told told;
    told.name = told_name(index);
    told.machine = row["machine"];
    told.verdict = row["verdict"];
    told.reason = row["reason"];
    told.seconds = row["seconds"];
    told.reproduce = {reproduction(word_for(*chosen_[index]))};
    return told;
  }

  void write_page(const std::string& left, const std::string& right) const {
    if (!report_.wanted()) {
      return;
    }
    report::Book book{"ringside compare", this_command(), left, right, waivers_.all(), {}, {}};
    const trace::Waivers::Findings findings = waivers_.review(complete(), {left, right});
    book.remarks = findings.failures;
    book.remarks.insert(book.remarks.end(), findings.warnings.begin(), findings.warnings.end());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const bool died = tellings_[i].chapter.empty();
      book.chapters.push_back(died ? report_.add(told_row(i, rows_[i])) : tellings_[i].chapter);
    }
    report_.finish(book);
    fmt::print(human(), "report  {}/index.html\n", options_.report);
  }

  [[nodiscard]] std::vector<std::string> reports() const {
    std::vector<std::string> result;
    for (const Telling& telling : tellings_) {
      result.push_back(telling.report);
    }
    return result;
  }

  [[nodiscard]] std::vector<report::Annotation> annotations() const {
    std::vector<report::Annotation> result;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const std::string verdict = rows_[i]["verdict"];
      if (verdict == "diverge" || verdict == "error") {
        const std::string reason = rows_[i]["reason"];
        result.push_back({file_of_scenario(word_for(*chosen_[i])),
                          fmt::format("compare {}: {}", chosen_[i]->name, verdict),
                          tellings_[i].report.empty() ? reason : tellings_[i].report});
      }
    }
    return result;
  }

  [[nodiscard]] std::string reproduction(const std::string& scenario) const {
    const CompareOptions defaults;
    std::string command = "./ringside compare " + scenario + repeated_options(options_);
    if (options_.left != defaults.left) {
      command += " --left " + shell_quoted(options_.left);
    }
    if (options_.right != defaults.right) {
      command += " --right " + shell_quoted(options_.right);
    }
    if (!options_.faults.empty()) {
      command += " --faults " + shell_quoted(options_.faults);
    }
    if (!options_.waivers.empty()) {
      command += " --waivers " + shell_quoted(options_.waivers);
    }
    return command;
  }

  void take(std::size_t index, const JobResult& result) {
    if (result.problem.empty()) {
      const Row answer = Row::parse(result.answer);
      rows_[index] = answer["row"];
      tellings_[index] = {answer["left"], answer["right"], answer["report"], answer["chapter"], answer["waiver_hits"]};
      waivers_.add_hits(tellings_[index].waiver_hits);
    } else {
      rows_[index] = empty_row(chosen_[index]->name, "error", result.problem);
      rows_[index]["machine"] = targets::settings_for(*chosen_[index], settings_).machine;
      rows_[index]["seconds"] = result.seconds;
    }
    while (printed_ < rows_.size() && !rows_[printed_].is_null()) {
      if (printed_ == 0) {
        print_heading(human(), identity(&Telling::left_identity, left_), identity(&Telling::right_identity, right_));
      }
      if (options_.repeat == 1 || rows_[printed_]["verdict"] != "agree") {
        print_row(human(), rows_[printed_]);
      }
      ++printed_;
    }
  }

  // As the first run that got so far found it; the target's name when none did.
  [[nodiscard]] std::string identity(std::string Telling::*which, const targets::TargetSpec& spec) const {
    for (const Telling& telling : tellings_) {
      if (!(telling.*which).empty()) {
        return telling.*which;
      }
    }
    return spec.text();
  }

  [[nodiscard]] std::FILE* human() const { return options_.json ? stderr : stdout; }

  void print_reports() const {
    for (const Telling& telling : tellings_) {
      if (!telling.report.empty()) {
        fmt::print(human(), "\n{}", telling.report);
      }
    }
  }

  void print_expected() const {
    if (!options_.expected.empty() && rows_.size() == 1) {
      const bool same = signature_of(rows_[0]["verdict"], rows_[0]["reason"]) == options_.expected;
      fmt::print(human(), "{}: {}\n", same ? "as it was kept" : "another end than was kept", options_.expected);
    }
  }

  // Whether a waiver that nothing hits means anything: all scenarios ran as they are meant to, against a QEMU.
  [[nodiscard]] bool complete() const {
    return options_.faults.empty() && options_.scenarios.empty() && options_.shard.empty() && options_.disks.empty() &&
           options_.devices.empty() && options_.values.empty() && left_.name == "model" && left_.options.empty() &&
           right_.name == "qemu" && status_of(rows_) == ExitStatus::holds;
  }

  const CompareOptions& options_;
  std::vector<const scenarios::Scenario*> chosen_;
  targets::TargetSpec left_;
  targets::TargetSpec right_;
  targets::RunSettings settings_;
  std::optional<faults::Plan> plan_;  // of settings_
  trace::Waivers waivers_;
  ReportFiles report_;
  std::vector<Row> rows_;
  std::vector<Telling> tellings_;
  std::size_t printed_ = 0;
};

}  // namespace

ExitStatus compare(CompareOptions& options) {
  if (options.random.count == 0) {
    return Comparisons(options).run();
  }
  if (!options.faults.empty()) {
    throw targets::InputError("--faults: expected scenarios; random programs are compared without a plan");
  }
  options.random.left = options.left;
  options.random.right = options.right;
  options.random.waivers = options.waivers;
  return compare_random(options, options.random);
}

void add_compare(CommandLine& program) {
  Command command =
      program.command("compare", "run scenarios on two targets and say whether they agree; without names, all");
  const auto options = std::make_shared<CompareOptions>();
  add_run_options(command, *options);
  command.option("--left", options->left, "one target").shows_default();
  command.option("--right", options->right, "the other target").shows_default();
  command.option("--waivers", options->waivers,
                 "accepted differences: a file, or a directory of them (default: traces/waivers.toml)");
  command.option("--scenarios", options->scenario_files, "a directory of scenario files to run, too");
  command.option("--faults", options->faults,
                 "what goes wrong on both sides: a plan, see docs/faults.md; `survive` is a scenario for it");
  command.option("--repeat", options->repeat, "run each scenario so often; tells what does not agree every time")
      .within(1, 100'000)
      .shows_default();
  command.option("--random", options->random.count, "this many random programs in place of scenarios")
      .within(1, 100'000'000);
  command.option("--illegal", options->random.illegal_percent, "percent of them that no driver may run").within(0, 100);
  command.option("--keep", options->random.keep, "where what they find is written, as scenario files").shows_default();
  command.runs([options] { return compare(*options); });
}

}  // namespace ringside::cli
