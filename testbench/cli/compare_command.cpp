// `ringside compare`: the same scenarios on two targets, and whether they saw the same.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "testbench/cli/command.h"
#include "testbench/cli/compare_pair.h"
#include "testbench/cli/comparison_rows.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/progress.h"
#include "testbench/cli/projection.h"
#include "testbench/cli/run_options.h"
#include "testbench/cli/scenario_choice.h"
#include "testbench/cli/waiver_file.h"
#include "testbench/cli/workers.h"
#include "testbench/targets/machine_plan.h"

namespace ringside::cli {
namespace {

constexpr std::chrono::seconds kWatchdogGrace{10};  // the targets' own timeouts come first and know more

struct Options : RunOptions {
  std::string left = "model";
  std::string right = "qemu";
  std::string report;
  std::string waivers;
};

// What a worker tells beside its row: fields of its answer that are not in the document.
struct Telling {
  std::string left_identity, right_identity;
  std::string report;
  std::vector<std::uint64_t> waiver_hits;
};

class Comparisons {
 public:
  explicit Comparisons(const Options& options)
      : options_(options),
        chosen_(choose_scenarios(options.scenarios)),
        left_(targets::TargetSpec::parse(options.left)),
        right_(targets::TargetSpec::parse(options.right)),
        settings_(settings_of(options)),
        waivers_(load_waivers(options.waivers)),
        rows_(chosen_.size()),
        tellings_(chosen_.size()) {
    if (options_.write_through) {
      throw targets::InputError("--write-through: expected no such option here; both sides run on private copies");
    }
    if (!options_.report.empty()) {
      require_directory(options_.report);
    }
    if (!options_.junit.empty()) {
      require_writable(options_.junit);
    }
  }

  [[nodiscard]] ExitStatus run() {
    run_all();
    print_reports();
    print_summary(human(), rows_);
    const bool waivers_hold = review_waivers();
    if (options_.json) {
      fmt::print("{}\n", comparison_document(identity(&Telling::left_identity, left_),
                                             identity(&Telling::right_identity, right_), rows_)
                             .dump(2));
    }
    if (!options_.junit.empty()) {
      write_file(options_.junit, junit_document("ringside compare", junit_cases_of(rows_)));
    }
    return waivers_hold ? status_of(rows_) : ExitStatus::does_not_hold;
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
    row["seconds"] = pair.left.result.seconds + pair.right.result.seconds;
    const std::string text = trace::render(pair.comparison, reproduction(scenario.name));
    if (!options_.report.empty()) {
      write_report(scenario.name, pair, text.empty() ? row.dump(2) + "\n" : text);
    }
    return Row{{"row", row},
               {"left", pair.left.identity},
               {"right", pair.right.identity},
               {"report", pair.verdict == "diverge" ? text : ""},
               {"waiver_hits", waivers_.hits()}}
        .dump(-1, ' ', false, Row::error_handler_t::replace);
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

  void write_report(const std::string& scenario, const PairResult& pair, const std::string& text) const {
    const std::string stem = options_.report + "/" + scenario;
    for (const auto& [side, name] : {std::pair{&pair.left, "-left"}, std::pair{&pair.right, "-right"}}) {
      write_projection(stem + name + ".rlog", Format::rlog, side->log);
      write_projection(stem + name + ".vcd", Format::vcd, side->log);
    }
    write_file(stem + ".txt", text);
  }

  [[nodiscard]] std::string reproduction(const std::string& scenario) const {
    const Options defaults;
    std::string command = "./ringside compare " + scenario + repeated_options(options_);
    if (options_.left != defaults.left) {
      command += " --left " + shell_quoted(options_.left);
    }
    if (options_.right != defaults.right) {
      command += " --right " + shell_quoted(options_.right);
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
      tellings_[index] = {answer["left"], answer["right"], answer["report"], answer["waiver_hits"]};
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
      print_row(human(), rows_[printed_++]);
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

  // Whether a waiver that nothing hits means anything: all scenarios ran as they are meant to, against a QEMU.
  [[nodiscard]] bool complete() const {
    return options_.scenarios.empty() && options_.disks.empty() && options_.devices.empty() &&
           options_.values.empty() && left_.name == "model" && left_.options.empty() && right_.name == "qemu" &&
           status_of(rows_) == ExitStatus::holds;
  }

  [[nodiscard]] bool review_waivers() const {
    const trace::Waivers::Findings findings = waivers_.review(
        complete(), {identity(&Telling::left_identity, left_), identity(&Telling::right_identity, right_)});
    for (const std::string& warning : findings.warnings) {
      fmt::print(stderr, "ringside: warning: {}\n", warning);
    }
    for (const std::string& failure : findings.failures) {
      fmt::print(stderr, "ringside: {}\n", failure);
    }
    return findings.failures.empty();
  }

  const Options& options_;
  std::vector<const scenarios::Scenario*> chosen_;
  targets::TargetSpec left_;
  targets::TargetSpec right_;
  targets::RunSettings settings_;
  trace::Waivers waivers_;
  std::vector<Row> rows_;
  std::vector<Telling> tellings_;
  std::size_t printed_ = 0;
};

}  // namespace

void add_compare(CLI::App& program, Action& chosen) {
  CLI::App* const command =
      program.add_subcommand("compare", "run scenarios on two targets and say whether they agree; without names, all");
  const auto options = std::make_shared<Options>();
  add_run_options(*command, *options);
  command->add_option("--left", options->left, "one target")->capture_default_str();
  command->add_option("--right", options->right, "the other target")->capture_default_str();
  command->add_option("--report", options->report, "write both logs, both waves and the report of each scenario here");
  command->add_option("--waivers", options->waivers, "accepted differences (default: traces/waivers.toml)");
  command->callback([&chosen, options] { chosen = [options] { return Comparisons(*options).run(); }; });
}

}  // namespace ringside::cli
