// `ringside diff A B`: the comparison of two recorded logs.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "testbench/cli/command.h"
#include "testbench/cli/comparison_rows.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/run_options.h"
#include "testbench/cli/waiver_file.h"
#include "testbench/targets/target.h"
#include "testbench/trace/log_file.h"

namespace ringside::cli {
namespace {

struct Options {
  std::string left;
  std::string right;
  std::string waivers;
  std::string junit;
  bool json = false;
};

trace::Comparison compare_files(const Options& options, const trace::LogFile& left, const trace::LogFile& right) {
  if (left.metadata.scenario != right.metadata.scenario) {
    throw targets::InputError(fmt::format("{} is a log of {} and {} one of {}; expected two of the same scenario",
                                          options.left, left.metadata.scenario, options.right,
                                          right.metadata.scenario));
  }
  trace::Waivers waivers = load_waivers(options.waivers);
  const SideNames names = side_names(left.metadata.target, right.metadata.target);
  return trace::compare({names.left, left.metadata.identity, left.records},
                        {names.right, right.metadata.identity, right.records}, left.metadata.scenario, waivers);
}

ExitStatus diff(const Options& options) {
  if (!options.junit.empty()) {
    require_writable(options.junit);
  }
  const trace::LogFile left = trace::read_log_file(options.left);
  const trace::LogFile right = trace::read_log_file(options.right);
  const trace::Comparison comparison = compare_files(options, left, right);
  const std::vector<Row> rows{row_of(comparison)};

  std::FILE* const human = options.json ? stderr : stdout;
  print_heading(human, left.metadata.identity, right.metadata.identity);
  print_row(human, rows.front());
  if (comparison.divergence.has_value()) {
    const std::string again =
        fmt::format("./ringside diff {} {}", shell_quoted(options.left), shell_quoted(options.right));
    fmt::print(human, "\n{}", trace::render(comparison, again));
  }
  if (options.json) {
    fmt::print("{}\n", comparison_document(left.metadata.identity, right.metadata.identity, rows)
                           .dump(2, ' ', false, Row::error_handler_t::replace));
  }
  if (!options.junit.empty()) {
    write_file(options.junit, junit_document("ringside diff", junit_cases_of(rows)));
  }
  return status_of(rows);
}

}  // namespace

void add_diff(CLI::App& program, Action& chosen) {
  CLI::App* const command = program.add_subcommand("diff", "compare two recorded logs of the same scenario");
  const auto options = std::make_shared<Options>();
  command->add_option("left", options->left, "one log (.rlog)")->required();
  command->add_option("right", options->right, "the other log (.rlog)")->required();
  command->add_option("--waivers", options->waivers, "accepted differences (default: traces/waivers.toml)");
  command->add_flag("--json", options->json, "one JSON document on stdout, text on stderr");
  command->add_option("--junit", options->junit, "write the verdict to this file as JUnit XML");
  command->callback([&chosen, options] { chosen = [options] { return diff(*options); }; });
}

}  // namespace ringside::cli
