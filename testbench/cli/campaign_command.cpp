// `ringside campaign`: many seeds, a fault plan for each, and what the driver made of it.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "testbench/campaign/case_file.h"
#include "testbench/campaign/directory.h"
#include "testbench/campaign/draw_case.h"
#include "testbench/campaign/parameters.h"
#include "testbench/campaign/run_case.h"
#include "testbench/campaign/summary.h"
#include "testbench/campaign/toml_file.h"
#include "testbench/cli/campaign_fleet.h"
#include "testbench/cli/campaign_report.h"
#include "testbench/cli/command.h"
#include "testbench/cli/junit.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/progress.h"
#include "testbench/cli/shard.h"
#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

using campaign::Case;
using campaign::Ending;
using campaign::Outcome;
using campaign::RunRow;
using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kWatchdogGrace{10};  // the target's own limit comes first and knows more
constexpr unsigned kMostRounds = 3;                 // for seeds whose worker died before it said which it took

struct Options {
  std::string seeds = "0..9999";
  std::string on = "model";
  std::string out;
  std::string faults;
  std::string shard;
  std::string junit;
  std::optional<std::uint64_t> systematic;
  std::optional<std::uint64_t> random;
  unsigned parallel = 0;
  std::uint64_t timeout = 10;
  bool coverage = false;
  bool json = false;
};

campaign::Parameters parameters_of(const Options& options) {
  campaign::Parameters parameters;
  parameters.seeds = campaign::Seeds::parse(options.seeds);
  parameters.target = targets::TargetSpec::parse(options.on).text();
  parameters.set_default_boundaries();
  if (options.systematic) {
    parameters.systematic_until = *options.systematic;
  }
  parameters.random_until =
      parameters.systematic_until + options.random.value_or(parameters.random_until - parameters.systematic_until);
  if (!options.faults.empty()) {
    (void)faults::load_plan(options.faults);  // complains by the file's own name
    parameters.plan = campaign::read_text_file(options.faults, "a fault plan");
  }
  parameters.version = RINGSIDE_VERSION;
  return parameters;
}

class CampaignRun {
 public:
  explicit CampaignRun(const Options& options)
      : options_(options),
        parameters_(parameters_of(options)),
        maker_(parameters_),
        shard_(Shard::parse(options.shard)),
        limits_{options.timeout} {
    if (!options.junit.empty()) {
      require_writable(options.junit);
    }
    if (!options.out.empty()) {
      directory_ = std::make_unique<campaign::Directory>(options.out, parameters_);
      for (const RunRow& row : directory_->take_done()) {
        add(row);
      }
      resumed_ = summary_.runs();
    }
  }

  [[nodiscard]] ExitStatus run() {
    begin_ = Clock::now();
    total_ = todo().size() + summary_.runs();
    if (total_ == 0) {
      throw targets::InputError(
          fmt::format("--shard {}: nothing of {} is left for it", options_.shard, options_.seeds));
    }
    for (unsigned round = 0; round < kMostRounds && summary_.runs() < total_; ++round) {
      run_all(todo());
    }
    seconds_ = std::chrono::duration<double>(Clock::now() - begin_).count();
    progress_.clear();
    finish();
    return summary_.failures() == 0 && summary_.runs() == total_ ? ExitStatus::holds : ExitStatus::does_not_hold;
  }

 private:
  [[nodiscard]] std::vector<std::uint64_t> todo() const {
    std::vector<std::uint64_t> seeds;
    for (std::uint64_t seed = parameters_.seeds.first; seed < parameters_.seeds.end; ++seed) {
      if (shard_.takes(seed - parameters_.seeds.first) && !done_.contains(seed)) {
        seeds.push_back(seed);
      }
    }
    return seeds;
  }

  void run_all(const std::vector<std::uint64_t>& seeds) {
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    FleetSettings settings{options_.parallel == 0 ? cores : options_.parallel,
                           std::chrono::seconds(options_.timeout) + kWatchdogGrace};
    run_fleet(seeds, settings, [this](std::uint64_t seed) { return line_of(seed); },
              {[this](const std::string& lines) { take(lines); },
               [this](std::uint64_t seed, const std::string& problem, bool spun) { lose(seed, problem, spun); },
               [this] { show_progress(); }});
  }

  // In a worker.
  [[nodiscard]] std::string line_of(std::uint64_t seed) {
    Ending ending;
    Case subject;
    try {
      subject = maker_.make(seed);
      ending = run_case(subject, limits_);
      if (is_failure(ending.outcome) && !options_.out.empty()) {
        keep(subject, ending.signature(), campaign::log_hash(subject, limits_));
      }
    } catch (const std::exception& problem) {
      ending.outcome = Outcome::broken;
      ending.where = problem.what();
      if (!options_.out.empty()) {
        keep(subject, ending.signature(), std::nullopt);
      }
    }
    return print_row(row_of(seed, ending));
  }

  void keep(const Case& subject, const std::string& signature, std::optional<std::uint64_t> log_hash) const {
    campaign::write_whole_file(
        campaign::failure_path(options_.out, subject.seed),
        campaign::print_case({subject, parameters_.version, signature, log_hash, campaign::campaign_image_hash()}));
  }

  // In this process.
  void take(const std::string& lines) {
    if (directory_) {
      directory_->append(lines);
    }
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = lines.find('\n', at);
      add(campaign::parse_row(std::string_view(lines).substr(at, end - at), "a worker's answer", 1));
      at = end + 1;
    }
  }

  void lose(std::uint64_t seed, const std::string& problem, bool spun) {
    if (done_.contains(seed)) {
      return;  // it had ended, and its worker just afterwards
    }
    Ending ending;
    ending.outcome = spun ? Outcome::spun : Outcome::crashed;
    ending.where = problem;
    const Case subject = maker_.make(seed);
    for (const faults::Fault& fault : subject.plan.faults) {
      ending.faults.push_back({summary_of(fault.action).name, false, campaign::DriverState::starting});
    }
    if (directory_) {
      keep(subject, ending.signature(), std::nullopt);
    }
    take(print_row(row_of(seed, ending)));
  }

  void add(const RunRow& row) {
    if (done_.insert(row.seed).second) {
      summary_.add(row);
    }
  }

  void show_progress() {
    const std::uint64_t ran = summary_.runs() - resumed_;
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    if (ran == 0 || seconds <= 0) {
      return;
    }
    const double rate = static_cast<double>(ran) / seconds;
    const double left = static_cast<double>(total_ - summary_.runs()) / rate;
    progress_.show(fmt::format("{} of {} runs, {:.0f} a second, {} failed; {:.0f} s to go", summary_.runs(), total_,
                               rate, summary_.failures(), left));
  }

  void finish() {
    std::FILE* const out = options_.json ? stderr : stdout;
    print_campaign(out, summary_, options_.out);
    if (summary_.runs() != total_) {
      fmt::print(out, "{} seeds did not run\n", total_ - summary_.runs());
    }
    if (options_.coverage) {
      print_campaign_coverage(out, summary_);
    }
    fmt::print(out, "{:.1f} s, {:.0f} runs a second\n", seconds_,
               static_cast<double>(summary_.runs() - resumed_) / std::max(seconds_, 0.001));
    ordered_json document = campaign_document(summary_, options_.out);
    if (options_.coverage) {
      document["coverage"] = coverage_document(summary_);
    }
    if (!options_.junit.empty()) {
      write_file(options_.junit, junit_document("ringside campaign", campaign_junit_cases(summary_, options_.out)));
    }
    if (options_.json) {
      document["seconds"] = seconds_;
      fmt::print("{}\n", document.dump(2));
    }
  }

  const Options& options_;
  campaign::Parameters parameters_;
  campaign::CaseMaker maker_;
  Shard shard_;
  campaign::RunLimits limits_;
  std::unique_ptr<campaign::Directory> directory_;
  campaign::Summary summary_;
  std::set<std::uint64_t> done_;
  std::uint64_t total_ = 0;
  std::uint64_t resumed_ = 0;
  double seconds_ = 0;
  Clock::time_point begin_;
  Progress progress_;
};

}  // namespace

void add_campaign(CommandLine& program) {
  Command command =
      program.command("campaign", "many seeds, a plan of faults for each, and what the driver made of it");
  auto options = std::make_shared<Options>();
  command.option("--seeds", options->seeds, "A..B: from A to B (0..9999)");
  command.option("--on", options->on, "the target (model)");
  command.option("--out", options->out, "a directory for the results; the same command goes on where it stopped");
  command.option("--faults", options->faults, "one plan for all seeds");
  command.option("--shard", options->shard, "I/N: every N-th seed, beginning with the I-th");
  command.option("--systematic", options->systematic, "below this seed, one fault at one opportunity each");
  command.option("--random", options->random, "so many seeds after those, combinations; then swarm");
  command.option("-j", options->parallel, "workers (one for each core)");
  command.option("--timeout", options->timeout, "seconds of real time for one run (10)");
  command.flag("--coverage", options->coverage, "what each fault came to in each state of the driver");
  command.option("--junit", options->junit, "write each fault and each way to fail to this file as JUnit XML");
  command.flag("--json", options->json, "one JSON document on standard output");
  command.runs([options] { return CampaignRun(*options).run(); });
}

}  // namespace ringside::cli
