// `ringside mutants`: which of the bench's judges catch the deliberate mistakes of model and driver.
#include <fmt/core.h>
#include <fnmatch.h>
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
#include <stdexcept>
#include <string>
#include <vector>

#include "testbench/cli/command.h"
#include "testbench/cli/mutant_campaign.h"
#include "testbench/cli/mutant_judges.h"
#include "testbench/cli/mutant_table.h"
#include "testbench/cli/own_command_line.h"
#include "testbench/cli/progress.h"
#include "testbench/cli/project_file.h"
#include "testbench/cli/run_options.h"
#include "testbench/cli/workers.h"

namespace ringside::cli {
namespace {

using Row = nlohmann::ordered_json;

constexpr std::chrono::seconds kWatchdog{60};
constexpr unsigned kLeastPercent = 95;  // of the mistakes, to be caught by compare
constexpr std::array kJudges{"compare", "regress", "monitors"};
// Runs without a mistake, by which nothing may be caught.
constexpr std::array kControls{"read-write", "packed", "multi-queue", "resize"};
// Most mistakes break no rule that a monitor watches: that is looked for in a few runs, not in all.
constexpr std::size_t kRunsForMonitors = 6;
// They run a million records each: only where a mistake shows nowhere else.
constexpr std::array kLongScenarios{"small-ring-wrap", "largest-ring"};

struct Options {
  std::vector<std::string> names;
  std::string right = "model";
  std::string by = "runs";
  std::optional<std::uint64_t> seeds;  // of --by campaign
  std::string keep;
  unsigned parallel = 0;
  bool json = false;
};

// The same command in the program that can make mistakes, if this one cannot.
void become_mutants_program() {
  std::vector<std::string> words = own_command_line();
  const std::filesystem::path program = std::filesystem::path(words.front()).parent_path() / "ringside_mutants";
  if (!std::filesystem::exists(program)) {
    throw targets::LackingError(fmt::format("{} is not there; build it: cmake --build {} --target ringside_mutants",
                                            program.string(), program.parent_path().string()));
  }
  words.front() = program;
  std::vector<char*> arguments;
  std::ranges::transform(words, std::back_inserter(arguments), [](std::string& word) { return word.data(); });
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  throw std::runtime_error(fmt::format("{}: {}", program.string(), std::strerror(errno)));
}

[[nodiscard]] std::vector<targets::Mistake> chosen_mistakes(const std::vector<std::string>& words) {
  std::vector<targets::Mistake> mistakes = targets::all_mistakes();
  std::erase_if(mistakes, [&](const targets::Mistake& mistake) {
    return !words.empty() && std::ranges::none_of(words, [&](const std::string& word) {
      return ::fnmatch(word.c_str(), mistake.name.c_str(), 0) == 0;
    });
  });
  if (mistakes.empty()) {
    throw targets::InputError(
        "no mistake of that name; expected names or globs of model/mutants.h, driver/hal/mutant.h");
  }
  return mistakes;
}

[[nodiscard]] const MutantNote& note_of(const targets::Mistake& mistake) {
  const MutantNote* const note = note_on(mistake.name);
  if (note == nullptr) {
    throw std::logic_error("testbench/cli/mutant_table.cpp says nothing of the mutant " + mistake.name);
  }
  return *note;
}

// One mistake, and what is known of it so far.
struct Subject {
  targets::Mistake mistake;
  const MutantNote* note = nullptr;
  std::vector<const RegressCase*> cases;  // to try, in this order
  std::size_t next = 0;
  bool given_up = false;  // a run that crashed or hung: others will too, and cost much
  Row seen = Row::object();
  Row shows_in = Row::object();

  [[nodiscard]] bool settled() const {
    const bool but_for_monitors = seen.contains("compare") && seen.contains("regress") && next >= kRunsForMonitors;
    return given_up || next == cases.size() || but_for_monitors || seen.size() == kJudges.size();
  }
};

class Mutants {
 public:
  explicit Mutants(const Options& options) : options_(options), cases_(all_regress_cases()) {
    add_error_programs();

    (void)targets::TargetSpec::parse(options.right);
    for (const char* control : kControls) {
      Subject& subject = subjects_.emplace_back();
      subject.mistake.name = fmt::format("none, in {}", control);
      subject.cases = {&case_by_name(control)};
    }
    for (const targets::Mistake& mistake : chosen_mistakes(options.names)) {
      if (const MutantNote& note = note_of(mistake); *note.shows_in != '\0') {
        add(mistake, note);
      }
    }
    if (subjects_.size() == kControls.size()) {
      throw targets::InputError("that mistake is left to campaigns: expected --by campaign");
    }
  }

  [[nodiscard]] ExitStatus run() {
    Progress progress;
    while (round(progress)) {
    }
    progress.clear();
    for (std::size_t i = 0; i < kControls.size(); ++i) {
      if (!subjects_[i].seen.empty()) {
        throw std::runtime_error(fmt::format("the control ({}) is taken for a mistake: {}", subjects_[i].mistake.name,
                                             subjects_[i].seen.dump()));
      }
    }
    subjects_.erase(subjects_.begin(), subjects_.begin() + kControls.size());
    std::ranges::for_each(subjects_, [this](const Subject& subject) { print_subject(subject); });
    return finish();
  }

 private:
  [[nodiscard]] std::FILE* human() const { return options_.json ? stderr : stdout; }

  // What no driver does on purpose: some mistakes show there alone.
  void add_error_programs() {
    const auto errors = project_file("traces/errors");
    if (!errors) {
      throw targets::InputError("no directory traces/errors beside the program or above it, and no RINGSIDE_ROOT");
    }
    std::ranges::move(regress_cases_in(errors->string()), std::back_inserter(cases_));
  }

  [[nodiscard]] const RegressCase& case_by_name(const std::string& name) const {
    const auto found = std::ranges::find(cases_, name, &RegressCase::name);
    if (found == cases_.end()) {
      throw std::logic_error("the table of mutants names no case " + name);
    }
    return *found;
  }

  void add(const targets::Mistake& mistake, const MutantNote& note) {
    Subject& subject = subjects_.emplace_back();
    subject.mistake = mistake;
    subject.note = &note;
    subject.cases.push_back(&case_by_name(subject.note->shows_in));
    for (const RegressCase& one : cases_) {
      const bool plain = one.name == one.scenario->name;
      const bool runs = !one.scenario->setup.firmware;
      const bool is_long = std::ranges::find(kLongScenarios, one.name) != kLongScenarios.end();
      if (plain && runs && !is_long && &one != subject.cases.front()) {
        subject.cases.push_back(&one);
      }
    }
  }

  // One more run of each mistake that a judge has not caught yet; false when there was none.
  bool round(Progress& progress) {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < subjects_.size(); ++i) {
      if (!subjects_[i].settled()) {
        open.push_back(i);
      }
    }
    RunOptions parallel;
    parallel.parallel = options_.parallel;
    std::size_t ended = 0;
    ++round_;
    run_in_workers(
        open.size(), {workers_of(parallel), kWatchdog},
        [&](std::size_t index) { return answer(subjects_[open[index]]); },
        [&](std::size_t index, const JobResult& result) {
          ++ended;
          take(subjects_[open[index]], result);
        },
        [&] { progress.show(fmt::format("round {}: {} of {} mistakes", round_, ended, open.size())); });
    return !open.empty();
  }

  // In the worker.
  [[nodiscard]] std::string answer(const Subject& subject) const {
    const Caught caught = judge_mistake(subject.mistake, *subject.cases[subject.next], options_.right);
    Row seen = Row::object();
    const std::array<const std::optional<std::string>*, 3> said{&caught.compare, &caught.regress, &caught.monitors};
    for (std::size_t i = 0; i < kJudges.size(); ++i) {
      if (*said[i]) {
        seen[kJudges[i]] = **said[i];
      }
    }
    return Row{{"seen", seen}, {"hung", caught.hung}}.dump(-1, ' ', false, Row::error_handler_t::replace);
  }

  static void take(Subject& subject, const JobResult& result) {
    const std::string& name = subject.cases[subject.next]->name;
    ++subject.next;
    Row seen = Row::object();
    if (!result.problem.empty()) {  // compare and regress fail when a run crashes
      subject.given_up = true;
      seen = {{"compare", result.problem}, {"regress", result.problem}};
    } else {
      const Row answer = Row::parse(result.answer);
      subject.given_up = answer["hung"].get<bool>();
      seen = answer["seen"];
    }
    for (const auto& [judge, what] : seen.items()) {
      if (!subject.seen.contains(judge)) {
        subject.seen[judge] = what;
        subject.shows_in[judge] = name;
      }
    }
  }

  [[nodiscard]] static std::vector<std::string> caught_by(const Subject& subject) {
    std::vector<std::string> judges;
    std::ranges::copy_if(kJudges, std::back_inserter(judges),
                         [&](const char* judge) { return subject.seen.contains(judge); });
    return judges;
  }

  void print_subject(const Subject& subject) const {
    fmt::print(human(), "{:<32} {:<7}", subject.mistake.name, subject.mistake.option == "mutant" ? "model" : "driver");
    for (const char* judge : kJudges) {
      fmt::print(human(), " {:<9}", subject.seen.contains(judge) ? judge : "-");
    }
    fmt::print(human(), " {}\n", subject.note->shows_in);
    if (!subject.seen.contains("compare")) {
      const bool explained = *subject.note->out_of_sight != '\0';
      fmt::print(human(), "  not seen by compare: {}\n", explained ? subject.note->out_of_sight : "nobody knows why");
    }
  }

  [[nodiscard]] std::size_t count(const char* judge) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(subjects_, [&](const Subject& subject) { return subject.seen.contains(judge); }));
  }

  [[nodiscard]] ExitStatus finish() const {
    const std::size_t total = subjects_.size();
    const auto caught = static_cast<std::size_t>(
        std::ranges::count_if(subjects_, [](const Subject& subject) { return !subject.seen.empty(); }));
    fmt::print(human(), "\n{} mistakes: {} caught; compare (against {}) {}, regress {}, monitors {}\n", total, caught,
               options_.right, count("compare"), count("regress"), count("monitors"));
    if (options_.json) {
      print_document(caught);
    }
    const bool explained = std::ranges::all_of(subjects_, [](const Subject& subject) {
      return subject.seen.contains("compare") || *subject.note->out_of_sight != '\0';
    });
    // A part of them may well be those that compare cannot see.
    const bool enough = !options_.names.empty() || count("compare") * 100 >= total * kLeastPercent;
    return caught == total && explained && enough ? ExitStatus::holds : ExitStatus::does_not_hold;
  }

  void print_document(std::size_t caught) const {
    Row rows = Row::array();
    for (const Subject& subject : subjects_) {
      rows.push_back({{"name", subject.mistake.name},
                      {"in", subject.mistake.option == "mutant" ? "model" : "driver"},
                      {"summary", subject.mistake.summary},
                      {"caught_by", caught_by(subject)},
                      {"scenarios", subject.shows_in},
                      {"seen", subject.seen},
                      {"out_of_sight", subject.note->out_of_sight}});
    }
    const Row document{{"schema", "ringside.mutants/1"},
                       {"right", options_.right},
                       {"mutants", rows},
                       {"caught", caught},
                       {"caught_by_compare", count("compare")},
                       {"caught_by_regress", count("regress")},
                       {"caught_by_monitors", count("monitors")},
                       {"total", subjects_.size()}};
    fmt::print("{}\n", document.dump(2, ' ', false, Row::error_handler_t::replace));
  }

  const Options& options_;
  std::vector<RegressCase> cases_;
  std::vector<Subject> subjects_;
  std::size_t round_ = 0;
};

// Those that are named, and else all that a campaign can find.
ExitStatus run_by_campaign(const Options& options) {
  MutantCampaignOptions hunt;
  for (const targets::Mistake& mistake : chosen_mistakes(options.names)) {
    const bool of_driver = mistake.option == "driver-mutant";
    if (of_driver && (!options.names.empty() || *note_of(mistake).not_by_campaign == '\0')) {
      hunt.mistakes.push_back(mistake);
    }
  }
  if (hunt.mistakes.empty()) {
    throw targets::InputError(
        "campaigns look for mistakes of the driver: expected a name or glob of driver/hal/mutant.h");
  }
  hunt.seeds = options.seeds.value_or(hunt.seeds);
  hunt.parallel = options.parallel;
  hunt.keep = options.keep;
  hunt.json = options.json;
  return hunt_mutants(hunt);
}

ExitStatus run_mutants(const Options& options) {
  if (targets::all_mistakes().empty()) {
    become_mutants_program();
  }
  if (options.by == "campaign") {
    return run_by_campaign(options);
  }
  if (options.by != "runs") {
    throw targets::InputError(fmt::format("--by {}: expected runs or campaign", options.by));
  }
  return Mutants(options).run();
}

}  // namespace

void add_mutants(CommandLine& program) {
  Command command = program.command("mutants", "deliberate mistakes in model and driver, and what catches each");
  const auto options = std::make_shared<Options>();
  command.option("mutant", options->names, "names or globs (default: all)");
  command.option("--right", options->right, "what compare has on its other side: model or qemu").shows_default();
  command.option("-j,--jobs", options->parallel, "how many runs at a time (default: one for each core)").within(1, 256);
  command.option("--by", options->by, "runs: without faults, judged by comparison; campaign: under faults")
      .shows_default();
  command.option("--seeds", options->seeds, "of a campaign: how many at most for each mistake (20000)");
  command.option("--keep", options->keep, "of a campaign: a directory for the smallest case of each mistake");
  command.flag("--json", options->json, "one JSON document on stdout, text on stderr");
  command.runs([options] { return run_mutants(*options); });
}

}  // namespace ringside::cli
