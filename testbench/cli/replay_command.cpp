// `ringside replay`: what was kept of a campaign or of a comparison once more, from its file alone.
#include <fmt/core.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "testbench/campaign/case_file.h"
#include "testbench/campaign/run_case.h"
#include "testbench/cli/case_trials.h"
#include "testbench/cli/command.h"
#include "testbench/cli/compare_command.h"
#include "testbench/cli/kept_file.h"
#include "testbench/cli/run_log.h"
#include "testbench/cli/workers.h"
#include "testbench/scenarios/campaign_workload.h"
#include "testbench/targets/target.h"
#include "testbench/trace/hash.h"

namespace ringside::cli {
namespace {

using campaign::CaseFile;
using campaign::Ending;
using nlohmann::ordered_json;

constexpr std::chrono::seconds kWatchdogGrace{10};

struct Options {
  std::string file;
  std::string trace;
  std::string wave;
  std::string timeline;
  std::string report;
  std::uint64_t timeout = 10;
  bool json = false;
};

// The log on its way to files, and its hash.
class ReplaySink final : public trace::Sink {
 public:
  explicit ReplaySink(RunLog& log) : log_(log) { hash_.begin(); }
  void append(const trace::Record& record) override {
    hash_.add(&record, sizeof record);
    log_.append(record);
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_.end(); }

 private:
  RunLog& log_;
  trace::HashStream hash_;
};

class Replay {
 public:
  explicit Replay(const Options& options) : options_(options), file_(campaign::load_case(options.file)) {}

  [[nodiscard]] ExitStatus run() {
    ordered_json answer;
    run_in_workers(
        1, {1, std::chrono::seconds(options_.timeout) + kWatchdogGrace},
        [this](std::size_t) { return replay().dump(); },
        [&](std::size_t, const JobResult& result) {
          answer = result.problem.empty() ? ordered_json::parse(result.answer) : lost(result.problem);
        });
    return tell(answer);
  }

 private:
  [[nodiscard]] std::vector<LogOutput> outputs() const {
    std::vector<LogOutput> outputs;
    for (const std::string& path : {options_.trace, options_.wave, options_.timeline}) {
      if (!path.empty()) {
        outputs.push_back({path, format_of(path, kReplayFormats)});
      }
    }
    return outputs;
  }

  // In a worker.
  [[nodiscard]] ordered_json replay() const {
    trace::LogMetadata metadata;
    metadata.scenario = scenarios::kCampaignWorkload;
    metadata.target = file_.subject.target;
    metadata.machine = file_.subject.program.machine;
    metadata.seed = file_.subject.seed;
    metadata.settings = file_.subject.settings;
    RunLog log(outputs(), metadata);
    ReplaySink sink(log);
    const Ending ending = run_case(file_.subject, {options_.timeout}, &sink);
    log.close();
    ordered_json fired = ordered_json::array();
    for (const campaign::Firing& firing : ending.firings) {
      fired.push_back({{"fault", firing.fault + 1},
                       {"name", firing.fault < ending.faults.size() ? ending.faults[firing.fault].name : ""},
                       {"state", to_string(firing.state)},
                       {"record", firing.record},
                       {"time_ns", firing.time}});
    }
    return {{"outcome", to_string(ending.outcome)},
            {"signature", ending.signature()},
            {"log_hash", fmt::format("{:#018x}", sink.hash())},
            {"fired", fired},
            {"noticed", {{"record", ending.noticed_record}, {"time_ns", ending.noticed_time}}}};
  }

  static ordered_json lost(const std::string& problem) {
    const std::string signature = signature_of_lost(problem);
    return {{"outcome", signature.substr(0, signature.find(':'))},
            {"signature", signature},
            {"fired", ordered_json::array()}};
  }

  [[nodiscard]] ExitStatus tell(ordered_json answer) {
    std::FILE* const out = options_.json ? stderr : stdout;
    if (file_.version != RINGSIDE_VERSION) {
      fmt::print(out, "{} was written by Ringside {}; this is {}\n", options_.file, file_.version, RINGSIDE_VERSION);
    }
    if (file_.image_hash != campaign::campaign_image_hash()) {
      fmt::print(out, "{} ran on another disk than this Ringside makes\n", options_.file);
    }
    for (const auto& fired : answer["fired"]) {
      fmt::print(out, "fault {} ({}) fired at record {}, {} ns, driver {}\n", fired["fault"].get<std::uint64_t>(),
                 fired["name"].get<std::string>(), fired["record"].get<std::uint64_t>(),
                 fired["time_ns"].get<std::uint64_t>(), fired["state"].get<std::string>());
    }
    if (answer.contains("noticed") && answer["noticed"]["record"] != 0) {
      fmt::print(out, "noticed at record {}, {} ns\n", answer["noticed"]["record"].get<std::uint64_t>(),
                 answer["noticed"]["time_ns"].get<std::uint64_t>());
    }
    const std::string outcome = answer["outcome"];
    const std::string signature = answer["signature"];
    const bool same_signature = signature == file_.signature || (is_crash(signature) && is_crash(file_.signature));
    const std::string hash = answer.value("log_hash", "");
    const bool same_log = !file_.log_hash || hash == fmt::format("{:#018x}", *file_.log_hash);
    fmt::print(out, "{}\n", signature.empty() ? outcome : signature);
    if (!same_signature) {
      fmt::print(out, "expected {}\n", file_.signature.empty() ? "no failure" : file_.signature);
    }
    if (!same_log) {
      fmt::print(out, "the log is another one: {}, expected {:#018x}\n", hash, *file_.log_hash);
    }
    answer["schema"] = "ringside.replay/1";
    answer["expected"] = file_.signature;
    answer["same_signature"] = same_signature;
    answer["same_log"] = same_log;
    if (options_.json) {
      fmt::print("{}\n", answer.dump(2));
    }
    return same_signature && same_log ? ExitStatus::holds : ExitStatus::does_not_hold;
  }

  static constexpr std::array kReplayFormats{Format::rlog, Format::jsonl, Format::vcd, Format::fst, Format::timeline};

  const Options& options_;
  CaseFile file_;
};

// The comparison that kept it. Of its two logs there are files beside the report.
ExitStatus replay_program(const Options& options) {
  if (!options.trace.empty() || !options.wave.empty() || !options.timeline.empty()) {
    throw targets::InputError(
        fmt::format("{}: a scenario file is compared, and makes two logs; expected --report DIR", options.file));
  }
  CompareOptions comparison = comparison_of(programs::load_program(options.file));
  comparison.timeout = options.timeout;
  comparison.report = options.report;
  comparison.json = options.json;
  return compare(comparison);
}

ExitStatus replay_case(const Options& options) {
  if (!options.report.empty()) {
    throw targets::InputError(
        fmt::format("{}: a case runs on one target; expected --trace, --wave or --timeline", options.file));
  }
  return Replay(options).run();
}

ExitStatus replay(const Options& options) {
  return kind_of_file(options.file) == KeptFile::program ? replay_program(options) : replay_case(options);
}

}  // namespace

void add_replay(CommandLine& program) {
  Command command = program.command("replay", "a run that was kept in a file again: a case of a campaign, a program");
  auto options = std::make_shared<Options>();
  command
      .option("FILE", options->file,
              "a case, as campaigns keep them in failures/; or a scenario file, as compare --random keeps them")
      .required();
  command.option("--trace", options->trace, "of a case, write the log: FILE.rlog or FILE.jsonl");
  command.option("--wave", options->wave, "of a case, write a waveform: FILE.vcd or FILE.fst");
  command.option("--timeline", options->timeline, "of a case, write a timeline: FILE.json");
  command.option("--report", options->report, "of a scenario file, write DIR/index.html, with logs and waves");
  command.option("--timeout", options->timeout, "seconds of real time (10)");
  command.flag("--json", options->json, "one JSON document on standard output");
  command.runs([options] { return replay(*options); });
}

}  // namespace ringside::cli
