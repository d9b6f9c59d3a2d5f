// `ringside run`: scenarios on one target.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "testbench/cli/command.h"
#include "testbench/cli/debug_event.h"
#include "testbench/cli/findings.h"
#include "testbench/cli/gdb.h"
#include "testbench/cli/gdb_script.h"
#include "testbench/cli/junit.h"
#include "testbench/cli/kept_log.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/own_command_line.h"
#include "testbench/cli/progress.h"
#include "testbench/cli/report_files.h"
#include "testbench/cli/run_log.h"
#include "testbench/cli/run_options.h"
#include "testbench/cli/scenario_choice.h"
#include "testbench/cli/scenario_files.h"
#include "testbench/cli/scenario_source.h"
#include "testbench/cli/sharded.h"
#include "testbench/cli/workers.h"
#include "testbench/faults/plan.h"
#include "testbench/report/annotations.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::array kTraceFormats{Format::rlog, Format::jsonl};
constexpr std::array kWaveFormats{Format::vcd, Format::fst};
constexpr std::array kTimelineFormats{Format::timeline};
constexpr std::chrono::seconds kWatchdogGrace{10};  // the target's own timeout comes first and knows more

struct Options : RunOptions {
  std::string on = "model";
  std::string trace;
  std::string wave;
  std::string timeline;
  std::string faults;
  std::string detail = "events";
  bool in_process = false;
  std::string debug;  // an event; kFlagAlone: from the start; empty: no debugger
  std::string debug_commands;
};

const char* verdict_of(targets::Outcome outcome) {
  switch (outcome) {
    case targets::Outcome::held:
      return "held";
    case targets::Outcome::failed:
      return "failed";
    case targets::Outcome::skipped:
      return "skip";
    case targets::Outcome::error:
      break;
  }
  return "error";
}

// A device that breaks the protocol fails the run.
void judge_monitors(const ordered_json& violations, targets::RunResult& result) {
  const std::string clause = unexplained(violations);
  if (result.outcome == targets::Outcome::held && !clause.empty()) {
    result.outcome = targets::Outcome::failed;
    result.reason = "the device breaks " + clause;
  }
}

targets::Tracing detail_of(const std::string& word) {
  constexpr std::array kDetails{std::pair{"requests", targets::Tracing::requests},
                                std::pair{"events", targets::Tracing::events},
                                std::pair{"accesses", targets::Tracing::accesses}};
  const auto found = std::ranges::find(kDetails, word, [](const auto& detail) { return detail.first; });
  if (found == kDetails.end()) {
    throw targets::InputError(fmt::format("--detail {}: expected requests, events or accesses", word));
  }
  return found->second;
}

targets::TargetSummary summary_of(const std::string& target) {
  const auto targets = targets::all_targets();
  return *std::ranges::find(targets, target, &targets::TargetSummary::name);
}

// gdb on a machine in another process.
class MachineGdb final : public targets::RemoteDebugger {
 public:
  explicit MachineGdb(GdbSession session) : session_(std::move(session)) {}
  void attach(const std::string& socket, const std::string& image) override {
    gdb_.emplace(gdb_on_machine(session_, socket, image));
  }
  bool ended() override { return gdb_ && gdb_->ended(); }
  // A run that never got as far as to need it has nothing against it.
  [[nodiscard]] bool succeeded() { return !gdb_ || gdb_->succeeded(); }

 private:
  GdbSession session_;
  std::optional<Gdb> gdb_;
};

// All that one `ringside run` works on.
class Runs {
 public:
  explicit Runs(const Options& options)
      : options_(options),
        spec_(targets::TargetSpec::parse(options.on)),
        target_(summary_of(spec_.name)),
        settings_(settings_of(options)),
        chosen_(sharded(choose_scenarios(options.scenarios), Shard::parse(options.shard),
                        [](const scenarios::Scenario* scenario) { return std::string(scenario->name); })),
        report_(options.report, chosen_.size()),
        rows_(chosen_.size()),
        chapters_(chosen_.size()) {
    if (options_.scenarios.empty()) {
      throw targets::InputError("nothing selected; expected scenarios, or '*' for all");
    }
    if (options_.write_through && chosen_.size() > 1) {
      throw targets::InputError(fmt::format(
          "--write-through: expected one scenario, found {}: each would see what another wrote", chosen_.size()));
    }
    if (!options_.faults.empty()) {
      plan_ = faults::load_plan(options_.faults);
      settings_.faults = &*plan_;
    }
    settings_.tracing = detail_of(options_.detail);
    prepare_debugging();
    for (const scenarios::Scenario* scenario : chosen_) {
      require_output(path_for(options_.trace, *scenario), kTraceFormats);
      require_output(path_for(options_.wave, *scenario), kWaveFormats);
      require_output(path_for(options_.timeline, *scenario), kTimelineFormats);
    }
    if (!options_.junit.empty()) {
      require_writable(options_.junit);
    }
  }

  [[nodiscard]] ExitStatus run() {
    if (settings_.debugging && target_.debugged_remotely) {
      return debug_remotely();
    }
    if (settings_.debugging && !options_.in_process) {
      debug();
    }
    if (options_.in_process) {
      for (std::size_t index = 0; index < chosen_.size(); ++index) {
        take(index, ordered_json::parse(row(index)));
      }
    } else {
      run_forked();
    }
    return finish();
  }

 private:
  [[nodiscard]] ExitStatus finish() const {
    if (!options_.junit.empty()) {
      write_file(options_.junit, junit_document("ringside run", junit_cases()));
    }
    report::print_annotations(human(), annotations());
    write_page();
    print_end();
    return status();
  }

  [[nodiscard]] std::string path_for(const std::string& path, const scenarios::Scenario& scenario) const {
    return path_for_scenario(path, scenario.name, chosen_.size() > 1);
  }

  void prepare_debugging() {
    if (options_.debug.empty()) {
      if (!options_.debug_commands.empty()) {
        throw targets::InputError("--debug-commands: expected --debug with it");
      }
      return;
    }
    if (chosen_.size() != 1) {
      throw targets::InputError(fmt::format("--debug: expected one scenario, found {}", chosen_.size()));
    }
    if (options_.json) {
      throw targets::InputError("--debug: expected no --json with it: standard output is the debugger's");
    }
    if (!options_.debug_commands.empty() && ::access(options_.debug_commands.c_str(), R_OK) != 0) {
      throw targets::InputError(fmt::format("--debug-commands {}: {}", options_.debug_commands, std::strerror(errno)));
    }
    if (!target_.missing.empty()) {
      throw targets::LackingError(target_.missing);
    }
    settings_.debugging.emplace();
    if (options_.debug != kFlagAlone) {
      settings_.debugging->event = parse_event(options_.debug);
    }
  }

  [[nodiscard]] GdbSession session() const {
    const auto& event = settings_.debugging->event;
    return {event ? describe(*event) : fmt::format("the start of {}", chosen_.front()->name),
            options_.debug_commands.empty() ? "" : std::filesystem::absolute(options_.debug_commands).string()};
  }

  // This program again, in one process, under gdb.
  [[noreturn]] void debug() const {
    std::vector<std::string> words = gdb_on_program(session());
    std::vector<std::string> own = own_command_line();
    own.insert(own.begin() + 2, "--in-process");
    words.insert(words.end(), own.begin(), own.end());
    become_gdb(std::move(words));
  }

  // The driver is in another process, and gdb beside this one: they end together. The verdict stands before somebody
  // leaves gdb; a run that nobody waited for has none.
  [[nodiscard]] ExitStatus debug_remotely() {
    MachineGdb gdb(session());
    settings_.debugging->remote = &gdb;
    ordered_json result = ordered_json::parse(row(0));
    const bool left = result["reason"] == targets::kDebuggerLeft;
    if (!left) {
      take(0, std::move(result));
    }
    const ExitStatus verdict = left ? ExitStatus::holds : finish();
    return gdb.succeeded() ? verdict : ExitStatus::does_not_hold;
  }

  static void require_output(const std::string& path, std::span<const Format> formats) {
    if (!path.empty()) {
      (void)format_of(path, formats);
      require_writable(path);
    }
  }

  void run_forked() {
    Progress progress;
    std::size_t ended = 0;
    const WorkerSettings workers{workers_of(options_), settings_.timeout + kWatchdogGrace};
    run_in_workers(
        chosen_.size(), workers, [this](std::size_t index) { return row(index); },
        [&](std::size_t index, const JobResult& result) {
          progress.clear();
          ++ended;
          take(index, result.problem.empty() ? ordered_json::parse(result.answer)
                                             : error_row(index, result.problem, result.seconds));
        },
        [&] { progress.show(fmt::format("{} of {} runs", ended, chosen_.size())); });
  }

  // One run, in the worker; the answer is a row of the document.
  [[nodiscard]] std::string row(std::size_t index) const {
    const scenarios::Scenario& scenario = *chosen_[index];
    const targets::RunSettings settings = targets::settings_for(scenario, settings_);
    const auto target = targets::make_target(spec_, settings);
    const bool from_outside = settings.tracing == targets::Tracing::requests;
    RunLog log(outputs(scenario), metadata(scenario, *target, settings),
               from_outside ? checks::View::outside : checks::View::beside);
    KeptLog kept(log, report_.wanted(), metadata(scenario, *target, settings));
    targets::RunResult result = target->run(scenario, settings, kept);
    log.close();

    const ordered_json violations = finding_rows(log.violations(), target->quirks_of(), result.quirks);
    if (!plan_) {  // a plan makes the device break the protocol on purpose
      judge_monitors(violations, result);
    }
    ordered_json faults = ordered_json::array();
    for (const faults::FaultCount& fault : result.faults) {
      faults.push_back({{"name", fault.name}, {"planned", fault.planned}, {"fired", fault.fired}});
    }
    ordered_json quirks = ordered_json::array();
    for (const targets::QuirkHit& quirk : result.quirks) {
      quirks.push_back({{"name", quirk.name}, {"clause", quirk.clause}, {"count", quirk.count}});
    }
    return ordered_json{{"name", scenario.name},
                        {"machine", settings.machine},
                        {"chapter", report_.add(told(scenario, result, kept.log()))},
                        {"verdict", verdict_of(result.outcome)},
                        {"reason", result.reason},
                        {"seconds", result.seconds},
                        {"records", log.records()},
                        {"quirks", quirks},
                        {"faults", faults},
                        {"failed_checks", log.text().failed_checks()},
                        {"violations", violations},
                        {"log", log.text().driver_lines()},
                        {"identity", target->identity()}}
        .dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }

  [[nodiscard]] trace::LogMetadata metadata(const scenarios::Scenario& scenario, const targets::Target& target,
                                            const targets::RunSettings& settings) const {
    trace::LogMetadata metadata;
    metadata.scenario = scenario.name;
    metadata.target = spec_.text();
    metadata.identity = target.identity();
    metadata.machine = settings.machine;
    metadata.seed = settings.seed;
    metadata.settings = settings.values;
    return metadata;
  }

  [[nodiscard]] std::vector<LogOutput> outputs(const scenarios::Scenario& scenario) const {
    std::vector<LogOutput> outputs;
    const auto add = [&](const std::string& option, std::span<const Format> formats) {
      if (const std::string path = path_for(option, scenario); !path.empty()) {
        outputs.push_back({path, format_of(path, formats)});
      }
    };
    add(options_.trace, kTraceFormats);
    add(options_.wave, kWaveFormats);
    add(options_.timeline, kTimelineFormats);
    return outputs;
  }

  [[nodiscard]] ordered_json error_row(std::size_t index, const std::string& problem, double seconds) const {
    return {{"name", chosen_[index]->name},
            {"machine", targets::settings_for(*chosen_[index], settings_).machine},
            {"verdict", "error"},
            {"reason", problem},
            {"seconds", seconds},
            {"records", 0},
            {"quirks", ordered_json::array()},
            {"faults", ordered_json::array()},
            {"failed_checks", ordered_json::array()},
            {"violations", ordered_json::array()},
            {"log", ordered_json::array()}};
  }

  void take(std::size_t index, ordered_json row) {
    if (row.contains("identity")) {
      identity_ = row["identity"].get<std::string>();
      chapters_[index] = row["chapter"].get<std::string>();
      row.erase("identity");
      row.erase("chapter");
    }
    rows_[index] = std::move(row);
    while (printed_ < rows_.size() && !rows_[printed_].is_null()) {
      print_row(rows_[printed_++]);
    }
  }

  [[nodiscard]] Told told(const scenarios::Scenario& scenario, const targets::RunResult& result,
                          const trace::LogFile& log) const {
    Told told;
    told.name = scenario.name;
    told.machine = log.metadata.machine;
    told.verdict = verdict_of(result.outcome);
    told.reason = result.reason;
    told.text = result.reason;
    told.seconds = result.seconds;
    told.reproduce = {reproduction(scenario)};
    if (result.outcome != targets::Outcome::skipped) {
      told.sides = {{spec_.name, &log, result.quirks}};
    }
    return told;
  }

  // Of a run that did not get as far as to tell itself.
  [[nodiscard]] Told told_row(std::size_t index) const {
    const ordered_json& row = rows_[index];
    Told told;
    told.name = row["name"];
    told.machine = row["machine"];
    told.verdict = row["verdict"];
    told.reason = row["reason"];
    told.seconds = row["seconds"];
    told.reproduce = {reproduction(*chosen_[index])};
    return told;
  }

  [[nodiscard]] std::string reproduction(const scenarios::Scenario& scenario) const {
    const std::string detail = settings_.tracing == targets::Tracing::events ? "" : " --detail " + options_.detail;
    const std::string faults = options_.faults.empty() ? "" : " --faults " + shell_quoted(options_.faults);
    return "./ringside run " + shell_quoted(word_for(scenario)) + " --on " + shell_quoted(options_.on) +
           repeated_options(options_) + detail + faults;
  }

  void write_page() const {
    if (!report_.wanted()) {
      return;
    }
    report::Book book{"ringside run", this_command(), identity_.empty() ? spec_.text() : identity_, {}, {}, {}, {}};
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      book.chapters.push_back(chapters_[i].empty() ? report_.add(told_row(i)) : chapters_[i]);
    }
    report_.finish(book);
    fmt::print(human(), "report  {}/index.html\n", options_.report);
  }

  [[nodiscard]] std::vector<report::Annotation> annotations() const {
    std::vector<report::Annotation> result;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const std::string verdict = rows_[i]["verdict"];
      if (verdict == "failed" || verdict == "error") {
        result.push_back({file_of_scenario(word_for(*chosen_[i])), fmt::format("run {}: {}", chosen_[i]->name, verdict),
                          rows_[i]["reason"]});
      }
    }
    return result;
  }

  [[nodiscard]] std::FILE* human() const { return options_.json ? stderr : stdout; }

  void print_row(const ordered_json& row) const {
    if (chosen_.size() == 1) {  // with more, what the driver says would drown the verdicts
      for (const auto& line : row["log"]) {
        fmt::print(human(), "{}\n", line.get<std::string>());
      }
    }
    const std::string reason = row["reason"];
    fmt::print(human(), "{:<6} {:<24} {:>8} records {:>8.3f} s{}\n", row["verdict"].get<std::string>(),
               row["name"].get<std::string>(), row["records"].get<std::size_t>(), row["seconds"].get<double>(),
               reason.empty() ? "" : "  " + reason);
    for (const auto& fault : row["faults"]) {
      fmt::print(human(), "       fault {}: {} planned, {} fired\n", fault["name"].get<std::string>(),
                 fault["planned"].get<std::uint64_t>(), fault["fired"].get<std::uint64_t>());
    }
    print_failed_checks(row["failed_checks"]);
    for (const std::string& line : finding_lines(row["violations"])) {
      fmt::print(human(), "       {}\n", line);
    }
    std::fflush(human());
  }

  // Each once, with how often: a disk that is gone fails hundreds.
  void print_failed_checks(const ordered_json& checks) const {
    std::vector<std::pair<std::string, unsigned>> counted;
    for (const auto& check : checks) {
      const auto known = std::ranges::find(counted, check.get<std::string>(), &std::pair<std::string, unsigned>::first);
      if (known == counted.end()) {
        counted.emplace_back(check.get<std::string>(), 1);
      } else {
        ++known->second;
      }
    }
    for (const auto& [check, times] : counted) {
      fmt::print(human(), "       did not hold: {}{}\n", check, times == 1 ? "" : fmt::format(" ({} times)", times));
    }
  }

  [[nodiscard]] std::size_t count(const char* verdict) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(rows_, [&](const ordered_json& row) { return row["verdict"] == verdict; }));
  }

  void print_end() const {
    fmt::print(human(), "{} held, {} failed, {} skipped, {} errors on {}\n", count("held"), count("failed"),
               count("skip"), count("error"), identity_.empty() ? spec_.text() : identity_);
    if (options_.json) {
      const ordered_json document{{"schema", "ringside.run/1"}, {"target", spec_.text()},   {"identity", identity_},
                                  {"seed", settings_.seed},     {"held", count("held")},    {"failed", count("failed")},
                                  {"skip", count("skip")},      {"errors", count("error")}, {"scenarios", rows_}};
      fmt::print("{}\n", document.dump(2));
    }
  }

  [[nodiscard]] std::vector<JunitCase> junit_cases() const {
    std::vector<JunitCase> cases;
    cases.reserve(rows_.size());
    for (const ordered_json& row : rows_) {
      const std::string verdict = row["verdict"];
      cases.push_back({row["name"],
                       verdict == "held"     ? JunitCase::Result::passed
                       : verdict == "failed" ? JunitCase::Result::failed
                       : verdict == "skip"   ? JunitCase::Result::skipped
                                             : JunitCase::Result::error,
                       row["reason"], row["seconds"], finding_lines(row["violations"])});
    }
    return cases;
  }

  [[nodiscard]] ExitStatus status() const {
    const bool holds = count("failed") == 0 && count("error") == 0 && count("held") > 0;
    return holds ? ExitStatus::holds : ExitStatus::does_not_hold;
  }

  const Options& options_;
  targets::TargetSpec spec_;
  targets::TargetSummary target_;
  targets::RunSettings settings_;
  std::optional<faults::Plan> plan_;
  std::vector<const scenarios::Scenario*> chosen_;
  ReportFiles report_;
  std::vector<ordered_json> rows_;
  std::vector<std::string> chapters_;  // of the report page
  std::size_t printed_ = 0;
  std::string identity_;
};

}  // namespace

void add_run(CommandLine& program) {
  Command command = program.command("run", "run scenarios on one target");
  const auto options = std::make_shared<Options>();
  add_run_options(command, *options);
  command.flag("--write-through", options->write_through, "write to the disk images themselves");
  command.option("--on", options->on, "target, as `ringside list` shows them").shows_default();
  command.option("--trace", options->trace, "write the log: FILE.rlog (binary) or FILE.jsonl (a line per record)");
  command.option("--wave", options->wave,
                 "write a waveform: FILE.fst or FILE.vcd, for GTKWave. With several scenarios, here as for "
                 "--trace, the name of each is "
                 "put into the file's: FILE-NAME.vcd");
  command.option("--timeline", options->timeline,
                 "write a timeline: FILE.json, for https://ui.perfetto.dev or chrome://tracing");
  command
      .option(
          "--detail", options->detail,
          "how much is recorded: requests (on model: what a look into the rings finds at doorbells and completions, "
          "no hashes of data, not the device's side; a fraction of the cost), events, or accesses (each load and "
          "store of shared memory too)")
      .shows_default();
  command.option("--faults", options->faults,
                 "what goes wrong: a plan, see docs/faults.md; examples in traces/faults. A "
                 "run in which none of its faults fired has failed");
  command
      .flag("--debug", options->debug,
            "in gdb, stopped before the scenario or at EVENT, named as in fault plans: KIND[:NTH][,queue=N]"
            "[,unit=N], such as doorbell:3. One scenario; no limit of real time")
      .value_text("[=EVENT]");
  command.option("--debug-commands", options->debug_commands,
                 "gdb works this file through, once the run has stopped, instead of a person");
  command.flag("--in-process", options->in_process,
               "no worker process and no gdb: for a debugger of your own, which stops at ringside_debug_stop");
  command.runs([options] { return Runs(*options).run(); });
}

}  // namespace ringside::cli
