// `ringside merge`: the shards of a campaign put together.
#include <fmt/core.h>

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "testbench/campaign/directory.h"
#include "testbench/campaign/parameters.h"
#include "testbench/campaign/results.h"
#include "testbench/campaign/summary.h"
#include "testbench/cli/campaign_report.h"
#include "testbench/cli/command.h"
#include "testbench/cli/output_path.h"
#include "testbench/targets/target.h"
#include "testbench/trace/file_error.h"

namespace ringside::cli {
namespace {

using campaign::RunRow;
using nlohmann::ordered_json;

struct Options {
  std::vector<std::string> directories;
  std::string out;
  bool coverage = false;
  bool json = false;
};

class Merge {
 public:
  explicit Merge(const Options& options)
      : options_(options), parameters_(campaign::read_parameters(options.directories.front())) {
    for (const std::string& directory : options_.directories) {
      const std::string difference = parameters_.difference(campaign::read_parameters(directory));
      if (!difference.empty()) {
        throw targets::InputError(fmt::format("{} and {} are of different campaigns ({})", options_.directories.front(),
                                              directory, difference));
      }
    }
  }

  [[nodiscard]] ExitStatus run() {
    for (const std::string& directory : options_.directories) {
      (void)campaign::read_rows(campaign::runs_path(directory), [&](const RunRow& row) { add(row, directory); });
    }
    if (!options_.out.empty()) {
      write();
    }
    campaign::Summary summary;
    for (const auto& [seed, run] : runs_) {
      summary.add(run.row);
    }
    tell(summary);
    const bool complete = summary.runs() == parameters_.seeds.count();
    return complete && summary.failures() == 0 ? ExitStatus::holds : ExitStatus::does_not_hold;
  }

 private:
  struct Run {
    RunRow row;
    std::string directory;
  };

  // A seed that two of them ran must have ended alike: else the results depend on something that they must not.
  void add(const RunRow& row, const std::string& directory) {
    const auto [known, fresh] = runs_.try_emplace(row.seed, Run{row, directory});
    if (!fresh && print_row(known->second.row) != print_row(row)) {
      throw targets::InputError(
          fmt::format("seed {} ended differently in {} and in {}; expected the same from the same seed", row.seed,
                      known->second.directory, directory));
    }
  }

  // By seed, so that it is the same in whatever order and number the shards came.
  void write() const {
    require_directory(options_.out);
    std::error_code error;
    std::filesystem::create_directories(options_.out + "/failures", error);
    std::string lines;
    for (const auto& [seed, run] : runs_) {
      lines += print_row(run.row);
      if (is_failure(run.row.outcome)) {
        copy(campaign::failure_path(run.directory, seed), campaign::failure_path(options_.out, seed));
      }
    }
    campaign::write_whole_file(campaign::parameters_path(options_.out), parameters_.print());
    campaign::write_whole_file(campaign::runs_path(options_.out), lines);
  }

  static void copy(const std::string& from, const std::string& to) {
    std::error_code error;
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing, error);
    if (error && !std::filesystem::equivalent(from, to)) {
      throw trace::FileError(fmt::format("{}: {}; expected the case of a run that failed", from, error.message()));
    }
  }

  void tell(const campaign::Summary& summary) const {
    std::FILE* const out = options_.json ? stderr : stdout;
    print_campaign(out, summary, options_.out);
    if (summary.runs() != parameters_.seeds.count()) {
      fmt::print(out, "{} of {} seeds are there\n", summary.runs(), parameters_.seeds.count());
    }
    if (options_.coverage) {
      print_campaign_coverage(out, summary);
    }
    if (options_.json) {
      ordered_json document = campaign_document(summary, options_.out);
      if (options_.coverage) {
        document["coverage"] = coverage_document(summary);
      }
      fmt::print("{}\n", document.dump(2));
    }
  }

  const Options& options_;
  campaign::Parameters parameters_;
  std::map<std::uint64_t, Run> runs_;  // by seed
};

}  // namespace

void add_merge(CommandLine& program) {
  Command command = program.command("merge", "the results of a campaign's shards as those of one");
  auto options = std::make_shared<Options>();
  command.option("DIR", options->directories, "directories that `campaign --out` wrote").required();
  command.option("--out", options->out, "write the whole there, as one campaign would have");
  command.flag("--coverage", options->coverage, "what each fault came to in each state of the driver");
  command.flag("--json", options->json, "a document on standard output");
  command.runs([options] { return Merge(*options).run(); });
}

}  // namespace ringside::cli
