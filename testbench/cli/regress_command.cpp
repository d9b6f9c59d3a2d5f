// `ringside regress`: every scenario and variant on the model, against the golden logs of traces/golden.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "testbench/cli/command.h"
#include "testbench/cli/junit.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/own_command_line.h"
#include "testbench/cli/progress.h"
#include "testbench/cli/project_file.h"
#include "testbench/cli/regress_run.h"
#include "testbench/cli/report_files.h"
#include "testbench/cli/run_options.h"
#include "testbench/cli/sharded.h"
#include "testbench/cli/workers.h"
#include "testbench/report/annotations.h"

namespace ringside::cli {
namespace {

namespace fs = std::filesystem;
using Row = nlohmann::ordered_json;

constexpr std::chrono::seconds kWatchdogGrace{10};
constexpr char kExtension[] = ".golden";
constexpr std::array kVerdicts{"held", "differs", "timing", "missing", "stale", "failed", "skip", "error"};

struct Options {
  std::vector<std::string> names;
  std::string on = "model";
  std::string traces;
  std::string scenarios;
  std::string waivers;
  std::string shard;
  std::uint64_t timeout = 60;
  unsigned parallel = 0;
  bool update = false;
  bool dry_run = false;
  bool json = false;
  std::string junit;
  std::string report;
};

fs::path golden_directory(const Options& options) {
  if (!options.traces.empty()) {
    if (!fs::is_directory(options.traces)) {
      throw targets::InputError(fmt::format("--traces {}: expected a directory", options.traces));
    }
    return fs::path(options.traces) / "golden";
  }
  const auto own = project_file("traces");
  if (!own) {
    throw targets::InputError("no directory traces beside the program; expected --traces DIR");
  }
  return *own / "golden";
}

std::vector<RegressCase> cases_of(const Options& options) {
  return options.scenarios.empty() ? all_regress_cases() : regress_cases_in(options.scenarios);
}

targets::TargetSpec model_spec(const std::string& text) {
  targets::TargetSpec spec = targets::TargetSpec::parse(text);
  if (spec.name != "model") {
    throw targets::InputError(fmt::format("--on {}: expected the model: no other target repeats itself exactly", text));
  }
  return spec;
}

class Regression {
 public:
  explicit Regression(const Options& options)
      : options_(options),
        target_(model_spec(options.on)),
        directory_(golden_directory(options)),
        shard_(Shard::parse(options.shard)) {
    if (options.dry_run && !options.update) {
      throw targets::InputError("--dry-run: expected --update with it");
    }
    if (!options.waivers.empty()) {
      waivers_ = trace::Waivers::load(options.waivers, trace::today());
    }
    cases_ = sharded(choose_regress_cases(cases_of(options), options.names), shard_,
                     [](const RegressCase& one) { return one.name; });
    if (!options.junit.empty()) {
      require_writable(options.junit);
    }
    if (options.update && !options.dry_run) {
      require_directory(directory_.string());
    }
    rows_.resize(cases_.size());
    texts_.resize(cases_.size());
    reports_.resize(cases_.size());
    chapters_.resize(cases_.size());
    report_.emplace(options.report, cases_.size());
  }

  [[nodiscard]] ExitStatus run() {
    run_all();
    look_for_stale_files();
    print_reports();
    if (options_.update) {
      update();
    }
    const bool waivers_hold = review_waivers();
    print_end();
    report::print_annotations(human(), annotations());
    write_page();
    if (!options_.junit.empty()) {
      write_file(options_.junit, junit_document("ringside regress", junit_cases()));
    }
    return holds() && waivers_hold ? ExitStatus::holds : ExitStatus::does_not_hold;
  }

 private:
  [[nodiscard]] fs::path path_of(const std::string& name) const { return directory_ / (name + kExtension); }
  [[nodiscard]] std::FILE* human() const { return options_.json ? stderr : stdout; }
  // Whether a golden log without a case means anything: all that the directory is for ran.
  [[nodiscard]] bool complete() const {
    const bool own_scenarios = !options_.scenarios.empty() && options_.traces.empty();
    return options_.names.empty() && shard_.whole() && !own_scenarios;
  }

  void run_all() {
    Progress progress;
    std::size_t ended = 0;
    const std::chrono::seconds timeout(options_.timeout);
    RunOptions parallel;
    parallel.parallel = options_.parallel;
    run_in_workers(
        cases_.size(), {workers_of(parallel), timeout + kWatchdogGrace},
        [this](std::size_t index) { return answer(index); },
        [&](std::size_t index, const JobResult& result) {
          progress.clear();
          ++ended;
          take(index, result);
        },
        [&] { progress.show(fmt::format("{} of {} runs", ended, cases_.size())); });
  }

  // In the worker.
  [[nodiscard]] std::string answer(std::size_t index) {
    const RegressCase& one = cases_[index];
    const CaseRun run = run_case(one, target_, std::chrono::seconds(options_.timeout));
    const trace::GoldenLog now = golden_of(one, run.log);
    const CaseVerdict verdict = judge(one, run, now);
    Row row = row_of(one, verdict.verdict, verdict.reason);
    row["waived"] = verdict.waived;
    row["records"] = run.log.size();
    row["seconds"] = run.result.seconds;
    if (verdict.difference) {
      row["first_divergence"] = divergence_row(*verdict.difference, run.log);
    }
    const bool worth_keeping = run.result.outcome == targets::Outcome::held;
    return Row{{"row", row},
               {"report", verdict.report},
               {"text", worth_keeping ? print(now) : ""},
               {"chapter", chapter_of(one, run, verdict)},
               {"waiver_hits", waivers_.hits()}}
        .dump(-1, ' ', false, Row::error_handler_t::replace);
  }

  // Its part of the report page.
  [[nodiscard]] std::string chapter_of(const RegressCase& one, const CaseRun& run, const CaseVerdict& verdict) const {
    if (!report_->wanted()) {
      return {};
    }
    trace::LogFile log;
    log.metadata.scenario = one.name;
    log.metadata.target = target_.text();
    log.metadata.identity = target_.text();
    log.metadata.machine = one.settings.machine;
    log.metadata.seed = one.settings.seed;
    log.records = run.log;
    Told told;
    told.name = one.name;
    told.machine = one.settings.machine;
    told.verdict = verdict.verdict;
    told.reason = verdict.reason;
    told.text = verdict.report;
    told.seconds = run.result.seconds;
    told.reproduce = {command_of(one), "./ringside run " + one.run_options()};
    if (verdict.verdict != "skip") {
      told.sides = {{target_.name, &log, run.result.quirks}};
    }
    if (verdict.difference) {
      told.event = std::min<std::size_t>(verdict.difference->first, run.log.size());
    }
    return report_->add(told);
  }

  // What judges this one case again.
  [[nodiscard]] std::string command_of(const RegressCase& one) const {
    const std::array<std::pair<const char*, std::string>, 4> given = {
        {{"--on", options_.on == "model" ? "" : options_.on},
         {"--traces", options_.traces},
         {"--scenarios", options_.scenarios},
         {"--waivers", options_.waivers}}};
    std::string command = "./ringside regress " + shell_quoted(one.name);
    for (const auto& [option, value] : given) {
      command += value.empty() ? "" : fmt::format(" {} {}", option, shell_quoted(value));
    }
    return command;
  }

  void write_page() const {
    if (!report_->wanted()) {
      return;
    }
    report::Book book{"ringside regress", this_command(), target_.text(), {}, waivers_.all(), {}, {}};
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const bool told = i < chapters_.size() && !chapters_[i].empty();
      book.chapters.push_back(told ? chapters_[i] : report_->add(told_row(rows_[i])));
    }
    report_->finish(book);
    fmt::print(human(), "report  {}/index.html\n", options_.report);
  }

  // Of a case that did not get as far as to tell itself, and of a stale file.
  [[nodiscard]] static Told told_row(const Row& row) {
    Told told;
    told.name = row["name"];
    told.verdict = row["verdict"];
    told.reason = row["reason"];
    return told;
  }

  [[nodiscard]] std::vector<report::Annotation> annotations() const {
    std::vector<report::Annotation> result;
    for (const Row& row : rows_) {
      const std::string name = row["name"];
      const std::string verdict = row["verdict"];
      if (verdict != "held" && verdict != "skip") {
        result.push_back(
            {fs::relative(path_of(name)).string(), fmt::format("regress {}: {}", name, verdict), row["reason"]});
      }
    }
    return result;
  }

  // One that an older or newer program wrote is to be replaced by an update, and else refused.
  [[nodiscard]] CaseVerdict judge(const RegressCase& one, const CaseRun& run, const trace::GoldenLog& now) {
    try {
      return judge_case(one, run, now, path_of(one.name).string(), waivers_);
    } catch (const trace::FileError& problem) {
      if (!options_.update) {
        throw targets::InputError(problem.what());
      }
      CaseVerdict verdict;
      verdict.verdict = "differs";
      verdict.reason = problem.what();
      return verdict;
    }
  }

  [[nodiscard]] static Row row_of(const RegressCase& one, const std::string& verdict, const std::string& reason) {
    return {{"name", one.name},
            {"scenario", one.scenario->name},
            {"machine", one.settings.machine},
            {"verdict", verdict},
            {"reason", reason},
            {"waived", false},
            {"records", 0},
            {"seconds", 0.0},
            {"first_divergence", nullptr}};
  }

  [[nodiscard]] static Row divergence_row(const trace::GoldenDifference& difference,
                                          const std::vector<trace::Record>& log) {
    return {{"kind", difference.kind == trace::GoldenDifference::Kind::time ? "time" : "events"},
            {"segment", difference.segment},
            {"first_record", difference.first},
            {"last_record", difference.last},
            {"event", summary_of(difference, log)},
            {"old_time_ns", difference.old_time},
            {"new_time_ns", difference.new_time},
            {"old_end_ns", difference.old_end},
            {"new_end_ns", difference.new_end}};
  }

  void take(std::size_t index, const JobResult& result) {
    if (result.problem.empty()) {
      const Row answer = Row::parse(result.answer);
      rows_[index] = answer["row"];
      reports_[index] = answer["report"];
      texts_[index] = answer["text"];
      chapters_[index] = answer["chapter"];
      waivers_.add_hits(answer["waiver_hits"]);
    } else {
      rows_[index] = row_of(cases_[index], "error", result.problem);
      rows_[index]["seconds"] = result.seconds;
    }
    while (printed_ < rows_.size() && !rows_[printed_].is_null()) {
      print_row(rows_[printed_++]);
    }
  }

  // What differs is told at length below.
  void print_row(const Row& row) const {
    const std::string verdict = row["verdict"];
    const bool told_below = verdict == "differs" || verdict == "timing";
    fmt::print(human(), "{:<8} {:<32} {:>8} records {:>7.2f} s{}\n", verdict, row["name"].get<std::string>(),
               row["records"].get<std::uint64_t>(), row["seconds"].get<double>(),
               row["waived"].get<bool>() ? "  waived"
               : told_below              ? ""
                                         : "  " + row["reason"].get<std::string>());
    std::fflush(human());
  }

  void look_for_stale_files() {
    if (!complete() || !fs::is_directory(directory_)) {
      return;
    }
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_)) {
      const std::string name = entry.path().stem().string();
      const bool known = std::ranges::find(cases_, name, &RegressCase::name) != cases_.end();
      if (entry.path().extension() == kExtension && !known) {
        stale_.push_back(name);
      }
    }
    std::ranges::sort(stale_);
    for (const std::string& name : stale_) {
      rows_.push_back({{"name", name},
                       {"scenario", nullptr},
                       {"machine", nullptr},
                       {"verdict", "stale"},
                       {"reason", "no such scenario or variant; --update removes its golden log"},
                       {"waived", false},
                       {"records", 0},
                       {"seconds", 0.0},
                       {"first_divergence", nullptr}});
      print_row(rows_.back());
    }
  }

  void print_reports() const {
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      if (!reports_[i].empty()) {
        fmt::print(human(), "\n{}", reports_[i]);
      } else if (rows_[i]["verdict"] == "differs") {
        fmt::print(human(), "\n{}: {}\n", cases_[i].name, rows_[i]["reason"].get<std::string>());
      }
    }
  }

  // Shown first, by print_reports(); nothing is asked.
  void update() {
    const char* const would = options_.dry_run ? "would be " : "";
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const fs::path path = path_of(cases_[i].name);
      if (texts_[i].empty() || contents(path) == texts_[i]) {
        continue;
      }
      fmt::print(human(), "{}{}: {}\n", would, fs::exists(path) ? "changed" : "added", path.string());
      ++updated_;
      if (!options_.dry_run) {
        write_file(path.string(), texts_[i]);
        rows_[i]["verdict"] = "held";
      }
    }
    for (const std::string& name : stale_) {
      fmt::print(human(), "{}removed: {}\n", would, path_of(name).string());
      ++updated_;
      if (!options_.dry_run) {
        fs::remove(path_of(name));
      }
    }
    if (!options_.dry_run) {
      std::erase_if(rows_, [](const Row& row) { return row["verdict"] == "stale"; });
    }
  }

  [[nodiscard]] static std::string contents(const fs::path& path) {
    std::FILE* const file = std::fopen(path.c_str(), "re");
    if (file == nullptr) {
      return {};
    }
    std::string text;
    std::array<char, 4096> buffer{};
    for (std::size_t count = 0; (count = std::fread(buffer.data(), 1, buffer.size(), file)) != 0;) {
      text.append(buffer.data(), count);
    }
    std::fclose(file);
    return text;
  }

  [[nodiscard]] bool review_waivers() const {
    const trace::Waivers::Findings findings = waivers_.review(complete(), {target_.text()});
    for (const std::string& warning : findings.warnings) {
      fmt::print(stderr, "ringside: warning: {}\n", warning);
    }
    for (const std::string& failure : findings.failures) {
      fmt::print(stderr, "ringside: {}\n", failure);
    }
    return findings.failures.empty();
  }

  [[nodiscard]] std::size_t count(std::string_view verdict) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(rows_, [&](const Row& row) { return row["verdict"] == verdict; }));
  }

  [[nodiscard]] bool holds() const { return count("held") > 0 && count("held") + count("skip") == rows_.size(); }

  void print_end() const {
    std::string line;
    Row document{{"schema", "ringside.regress/1"}, {"target", target_.text()}, {"golden", directory_.string()}};
    for (const char* verdict : kVerdicts) {
      const std::size_t number = count(verdict);
      document[verdict] = number;
      if (number != 0) {
        line += fmt::format("{}{} {}", line.empty() ? "" : ", ", number, verdict);
      }
    }
    document["updated"] = updated_;
    document["cases"] = rows_;
    fmt::print(human(), "\n{}\n", line);
    if (!holds() && !options_.update) {
      fmt::print(human(),
                 "A change that is meant: look at it with --update --dry-run, then without --dry-run, and review the "
                 "change of {}\n",
                 directory_.string());
    }
    if (options_.json) {
      fmt::print("{}\n", document.dump(2, ' ', false, Row::error_handler_t::replace));
    }
  }

  [[nodiscard]] std::vector<JunitCase> junit_cases() const {
    std::vector<JunitCase> cases;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const Row& row = rows_[i];
      const std::string verdict = row["verdict"];
      cases.push_back({row["name"],
                       verdict == "held"    ? JunitCase::Result::passed
                       : verdict == "skip"  ? JunitCase::Result::skipped
                       : verdict == "error" ? JunitCase::Result::error
                                            : JunitCase::Result::failed,
                       row["reason"],
                       row["seconds"],
                       {},
                       i < reports_.size() ? reports_[i] : ""});
    }
    return cases;
  }

  const Options& options_;
  targets::TargetSpec target_;
  fs::path directory_;
  Shard shard_;
  trace::Waivers waivers_;
  std::vector<RegressCase> cases_;
  std::vector<Row> rows_;  // of the cases, then of stale files
  std::vector<std::string> texts_;
  std::vector<std::string> reports_;
  std::vector<std::string> chapters_;  // of the report page
  std::optional<ReportFiles> report_;
  std::vector<std::string> stale_;
  std::size_t printed_ = 0;
  std::size_t updated_ = 0;
};

}  // namespace

void add_regress(CommandLine& program) {
  Command command =
      program.command("regress", "every scenario and variant on the model, against the golden logs of traces/golden");
  const auto options = std::make_shared<Options>();
  command.option("case", options->names, "scenarios with their variants, or one of those: flush, 'flush@*'");
  command.flag("--update", options->update, "show what changes, then write the golden logs anew");
  command.flag("--dry-run", options->dry_run, "with --update: show, and write nothing");
  command.option("--on", options->on, "the model, with options: model,dmi=off").shows_default();
  command.option("--traces", options->traces, "golden logs are in DIR/golden (default: traces)");
  command.option("--scenarios", options->scenarios,
                 "the scenario files below this directory, in place of the scenarios that are compiled in");
  command.option("--waivers", options->waivers, "accepted differences: a file, or a directory of them");
  command.option("--shard", options->shard, "I/N: every N-th case, beginning with the I-th");
  command.option("--timeout", options->timeout, "seconds of real time for one run")
      .within(1, 24 * 60 * 60)
      .shows_default();
  command.option("-j,--jobs", options->parallel, "how many runs at a time (default: one for each core)").within(1, 256);
  command.flag("--json", options->json, "one JSON document on stdout, text on stderr");
  command.option("--junit", options->junit, "write the verdicts to this file as JUnit XML");
  command.option("--report", options->report, "write DIR/index.html, and logs and waves of what did not hold");
  command.runs([options] { return Regression(*options).run(); });
}

}  // namespace ringside::cli
