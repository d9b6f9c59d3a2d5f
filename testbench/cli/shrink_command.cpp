// `ringside shrink`: the smallest case that fails as this one does, or the smallest program that two targets see so.
#include <fmt/core.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "testbench/campaign/case_file.h"
#include "testbench/campaign/directory.h"
#include "testbench/campaign/shrink_case.h"
#include "testbench/cli/case_trials.h"
#include "testbench/cli/command.h"
#include "testbench/cli/compare_command.h"
#include "testbench/cli/kept_file.h"
#include "testbench/cli/program_trials.h"

namespace ringside::cli {
namespace {

using campaign::Case;
using campaign::CaseFile;
using nlohmann::ordered_json;

struct Options {
  std::string file;
  std::string out;
  std::uint64_t timeout = 10;
  unsigned parallel = 0;
  bool json = false;
};

std::string small_file_of(const Options& options) {
  return options.out.empty() ? std::filesystem::path(options.file).replace_extension(".small.toml").string()
                             : options.out;
}

ExitStatus shrink_program(const Options& options) {
  programs::Program program = programs::load_program(options.file);
  CompareOptions comparison = comparison_of(program);
  comparison.timeout = options.timeout;
  comparison.parallel = options.parallel;
  ProgramTrials trials(comparison, comparison.left, comparison.right, comparison.waivers);
  std::FILE* const out = options.json ? stderr : stdout;
  const ProgramEnding before = trials.run({program}).front();
  const std::string signature = signature_of(before.verdict, before.reason);
  std::optional<ProgramTrials::Small> small;
  if (before.verdict != "agree" && before.verdict != "skip") {
    small = trials.shrink(program, signature);
  }
  if (!small) {
    fmt::print(out, "{}: {} {} and {}: nothing to make small\n", options.file, before.verdict, comparison.left,
               comparison.right);
    return ExitStatus::does_not_hold;
  }
  const std::size_t steps = small->program.steps.size();
  small->program.found = trials.finding(signature);
  const std::string path = small_file_of(options);
  campaign::write_whole_file(path, programs::print_program(small->program));
  fmt::print(out, "{}: {}\n{} of {} steps are left after {} runs: {}\n", small->ending.verdict, small->ending.reason,
             steps, program.steps.size(), trials.runs(), path);
  if (options.json) {
    fmt::print("{}\n", ordered_json{{"schema", "ringside.shrink/1"},
                                    {"file", path},
                                    {"signature", signature},
                                    {"faults", 0},
                                    {"operations", steps},
                                    {"runs", trials.runs()}}
                           .dump(2, ' ', false, ordered_json::error_handler_t::replace));
  }
  return ExitStatus::holds;
}

ExitStatus shrink_case(const Options& options) {
  CaseFile file = campaign::load_case(options.file);
  const std::string path = small_file_of(options);
  CaseTrials trials(options.parallel, options.timeout);
  std::FILE* const out = options.json ? stderr : stdout;
  const Trial before = trials.run({file.subject}).front();
  if (before.kind.empty()) {
    fmt::print(out, "{} does not fail (expected {})\n", options.file, file.signature);
    return ExitStatus::does_not_hold;
  }
  const Case large = std::move(file.subject);
  file.subject = trials.shrink(large, before.kind);
  file.version = RINGSIDE_VERSION;
  file.image_hash = campaign::campaign_image_hash();
  file.signature = trials.run({file.subject}).front().signature;
  file.log_hash = trials.hash_of(file.subject);
  campaign::write_whole_file(path, print_case(file));
  const std::size_t faults = file.subject.plan.faults.size();
  const std::size_t operations = campaign::count_operations(file.subject.program);
  fmt::print(out, "{}\n{} of {} faults, {} of {} operations are left after {} runs: {}\n", file.signature, faults,
             large.plan.faults.size(), operations, campaign::count_operations(large.program), trials.runs(), path);
  if (options.json) {
    fmt::print("{}\n", ordered_json{{"schema", "ringside.shrink/1"},
                                    {"file", path},
                                    {"signature", file.signature},
                                    {"faults", faults},
                                    {"operations", operations},
                                    {"runs", trials.runs()}}
                           .dump(2));
  }
  return ExitStatus::holds;
}

ExitStatus shrink(const Options& options) {
  return kind_of_file(options.file) == KeptFile::program ? shrink_program(options) : shrink_case(options);
}

}  // namespace

void add_shrink(CommandLine& program) {
  Command command = program.command("shrink", "the smallest case, or program, that fails as this one does");
  auto options = std::make_shared<Options>();
  command
      .option("FILE", options->file,
              "a case, as campaigns keep them in failures/; or a scenario file, as compare --random keeps them")
      .required();
  command.option("--out", options->out, "where to (FILE with .small.toml)");
  command.option("-j", options->parallel, "runs at a time (one for each core)");
  command.option("--timeout", options->timeout, "seconds of real time for one run (10)");
  command.flag("--json", options->json, "a document on standard output");
  command.runs([options] { return shrink(*options); });
}

}  // namespace ringside::cli
