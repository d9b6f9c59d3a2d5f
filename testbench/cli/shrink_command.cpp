// `ringside shrink`: the smallest case that fails as this one does.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "testbench/campaign/case_file.h"
#include "testbench/campaign/directory.h"
#include "testbench/campaign/run_case.h"
#include "testbench/campaign/shrink_case.h"
#include "testbench/cli/command.h"
#include "testbench/cli/workers.h"
#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

using campaign::Case;
using campaign::CaseFile;
using campaign::Ending;
using nlohmann::ordered_json;

constexpr std::chrono::seconds kWatchdogGrace{10};
constexpr std::size_t kCasesPerWorker = 16;  // a process costs more than a run

struct Options {
  std::string file;
  std::string out;
  std::uint64_t timeout = 10;
  unsigned parallel = 0;
  bool json = false;
};

// How one run ended, as a worker tells it.
struct Told {
  std::string kind;  // of the failure, without the faults
  std::string signature;
};

class Shrink {
 public:
  explicit Shrink(const Options& options) : options_(options), file_(campaign::load_case(options.file)) {
    if (options_.out.empty()) {
      options_.out = std::filesystem::path(options_.file).replace_extension(".small.toml").string();
    }
  }

  [[nodiscard]] ExitStatus run() {
    const Told told = run_together({file_.subject}).front();
    std::FILE* const out = options_.json ? stderr : stdout;
    if (told.kind.empty()) {
      fmt::print(out, "{} does not fail (expected {})\n", options_.file, file_.signature);
      return ExitStatus::does_not_hold;
    }
    kind_ = told.kind;
    const Case& before = file_.subject;
    const Case small = campaign::shrink_case(
        before, [this](const std::vector<Case>& candidates) { return first_that_fails(candidates); });
    CaseFile result = file_;
    result.subject = small;
    result.version = RINGSIDE_VERSION;
    result.image_hash = campaign::campaign_image_hash();
    result.signature = run_together({small}).front().signature;
    result.log_hash = hash_of(small);
    campaign::write_whole_file(options_.out, print_case(result));
    fmt::print(out, "{}\n{} of {} faults, {} of {} operations are left after {} runs: {}\n", result.signature,
               small.plan.faults.size(), before.plan.faults.size(), campaign::count_operations(small.program),
               campaign::count_operations(before.program), runs_, options_.out);
    if (options_.json) {
      fmt::print("{}\n", ordered_json{{"schema", "ringside.shrink/1"},
                                      {"file", options_.out},
                                      {"signature", result.signature},
                                      {"faults", small.plan.faults.size()},
                                      {"operations", campaign::count_operations(small.program)},
                                      {"runs", runs_}}
                             .dump(2));
    }
    return ExitStatus::holds;
  }

 private:
  // As many at a time as there are workers, a few runs in each, until one fails so.
  [[nodiscard]] std::optional<std::size_t> first_that_fails(const std::vector<Case>& candidates) {
    const std::size_t at_a_time = workers() * kCasesPerWorker;
    for (std::size_t begin = 0; begin < candidates.size(); begin += at_a_time) {
      const std::size_t end = std::min(candidates.size(), begin + at_a_time);
      const std::vector<Told> told = run_together({candidates.begin() + static_cast<std::ptrdiff_t>(begin),
                                                   candidates.begin() + static_cast<std::ptrdiff_t>(end)});
      const auto found = std::ranges::find(told, kind_, &Told::kind);
      if (found != told.end()) {
        return begin + static_cast<std::size_t>(found - told.begin());
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] std::size_t workers() const {
    return options_.parallel != 0 ? options_.parallel : std::max(1u, std::thread::hardware_concurrency());
  }

  // A worker that dies is run again one case at a time, to see which of them it was.
  [[nodiscard]] std::vector<Told> run_together(const std::vector<Case>& cases) {
    runs_ += cases.size();
    std::vector<Told> told = run_in(cases, std::max<std::size_t>(1, (cases.size() + workers() - 1) / workers()));
    for (std::size_t i = 0; i < told.size() && cases.size() > 1; ++i) {
      if (told[i].kind == kDied) {
        told[i] = run_in({cases[i]}, 1).front();
      }
    }
    return told;
  }

  [[nodiscard]] std::vector<Told> run_in(const std::vector<Case>& cases, std::size_t per_worker) {
    std::vector<Told> told(cases.size());
    const std::size_t jobs = (cases.size() + per_worker - 1) / per_worker;
    const std::chrono::seconds limit = std::chrono::seconds(options_.timeout * per_worker) + kWatchdogGrace;
    run_in_workers(
        jobs, {static_cast<unsigned>(workers()), limit},
        [&](std::size_t job) {
          ordered_json rows = ordered_json::array();
          for (std::size_t i = job * per_worker; i < std::min(cases.size(), (job + 1) * per_worker); ++i) {
            const Ending ending = tried(cases[i]);
            rows.push_back({ending.kind(), ending.signature()});
          }
          return rows.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
        },
        [&](std::size_t job, const JobResult& result) {
          const bool alone = per_worker == 1;
          const ordered_json rows = result.problem.empty() ? ordered_json::parse(result.answer) : ordered_json::array();
          for (std::size_t i = 0; i < per_worker && job * per_worker + i < cases.size(); ++i) {
            Told& one = told[job * per_worker + i];
            if (result.problem.empty()) {
              one = {rows[i][0], rows[i][1]};
            } else {
              one.kind = alone ? lost(result.problem) : kDied;
              one.signature = one.kind;
            }
          }
        });
    return told;
  }

  static std::string lost(const std::string& problem) {
    const bool late = problem.find("watchdog") != std::string::npos;
    constexpr std::string_view kWho = "the worker was ";  // campaigns say how it ended, and no more
    return late ? "spun: ended by the watchdog"
                : fmt::format("crashed: {}", problem.starts_with(kWho) ? problem.substr(kWho.size()) : problem);
  }

  // A candidate that makes no machine any more does not fail so.
  [[nodiscard]] Ending tried(const Case& candidate) const {
    try {
      return run_case(candidate, {options_.timeout});
    } catch (const std::exception&) {
      return {};
    }
  }

  [[nodiscard]] std::optional<std::uint64_t> hash_of(const Case& subject) {
    std::optional<std::uint64_t> hash;
    run_in_workers(
        1, {1, std::chrono::seconds(options_.timeout) + kWatchdogGrace},
        [&](std::size_t) { return fmt::format("{}", campaign::log_hash(subject, {options_.timeout})); },
        [&](std::size_t, const JobResult& result) {
          if (result.problem.empty()) {
            hash = std::stoull(result.answer);
          }
        });
    return hash;
  }

  static constexpr char kDied[] = "its worker died";

  Options options_;
  CaseFile file_;
  std::string kind_;
  std::uint64_t runs_ = 0;
};

}  // namespace

void add_shrink(CommandLine& program) {
  Command command = program.command("shrink", "the smallest case that fails as this one does");
  auto options = std::make_shared<Options>();
  command.option("FILE", options->file, "a case, as campaigns keep them in failures/").required();
  command.option("--out", options->out, "where to (FILE with .small.toml)");
  command.option("-j", options->parallel, "runs at a time (one for each core)");
  command.option("--timeout", options->timeout, "seconds of real time for one run (10)");
  command.flag("--json", options->json, "a document on standard output");
  command.runs([options] { return Shrink(*options).run(); });
}

}  // namespace ringside::cli
