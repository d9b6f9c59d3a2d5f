// `ringside diff A B`: the comparison of two recorded logs.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "testbench/cli/command.h"
#include "testbench/cli/comparison_rows.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/own_command_line.h"
#include "testbench/cli/report_files.h"
#include "testbench/cli/run_options.h"
#include "testbench/cli/waiver_file.h"
#include "testbench/cli/waiver_rows.h"
#include "testbench/targets/target.h"
#include "testbench/trace/log_file.h"

namespace ringside::cli {
namespace {

struct Options {
  std::string left;
  std::string right;
  std::string waivers;
  std::string junit;
  std::string report;
  bool json = false;
};

trace::Comparison compare_files(const Options& options, const trace::LogFile& left, const trace::LogFile& right,
                                trace::Waivers& waivers) {
  if (left.metadata.scenario != right.metadata.scenario) {
    throw targets::InputError(fmt::format("{} is a log of {} and {} one of {}; expected two of the same scenario",
                                          options.left, left.metadata.scenario, options.right,
                                          right.metadata.scenario));
  }
  const SideNames names = side_names(left.metadata.target, right.metadata.target);
  const auto follows = [](const trace::LogFile& log, const trace::LogFile& other) {
    return !log.metadata.follows.empty() && log.metadata.follows == other.metadata.identity;
  };
  return trace::compare({names.left, left.metadata.identity, left.records, follows(left, right)},
                        {names.right, right.metadata.identity, right.records, follows(right, left)},
                        left.metadata.scenario, waivers);
}

void write_report(const ReportFiles& report, const Row& row, const trace::Comparison& comparison,
                  const trace::LogFile& left, const trace::LogFile& right, const trace::Waivers& waivers) {
  Told told;
  told.name = comparison.scenario;
  told.machine = left.metadata.machine;
  told.verdict = row["verdict"];
  told.reason = row["reason"];
  told.reproduce = {this_command()};
  told.text = trace::render(comparison, this_command());
  told.comparison = &comparison;
  told.sides = {{comparison.left_name, &left, {}}, {comparison.right_name, &right, {}}};
  report.finish({"ringside diff",
                 this_command(),
                 left.metadata.identity,
                 right.metadata.identity,
                 waivers.all(),
                 {},
                 {report.add(told)}});
}

ExitStatus diff(const Options& options) {
  if (!options.junit.empty()) {
    require_writable(options.junit);
  }
  const ReportFiles report(options.report, 1);
  trace::Waivers waivers = load_waivers(options.waivers);
  const trace::LogFile left = trace::read_log_file(options.left);
  const trace::LogFile right = trace::read_log_file(options.right);
  const trace::Comparison comparison = compare_files(options, left, right, waivers);
  const std::vector<Row> rows{row_of(comparison)};

  std::FILE* const human = options.json ? stderr : stdout;
  print_heading(human, left.metadata.identity, right.metadata.identity);
  print_row(human, rows.front());
  print_waivers(human, waivers);
  std::string told;
  if (comparison.divergence.has_value()) {
    told = trace::render(comparison,
                         fmt::format("./ringside diff {} {}", shell_quoted(options.left), shell_quoted(options.right)));
    fmt::print(human, "\n{}", told);
  }
  if (report.wanted()) {
    write_report(report, rows.front(), comparison, left, right, waivers);
    fmt::print(human, "report  {}/index.html\n", options.report);
  }
  if (options.json) {
    fmt::print("{}\n", comparison_document(left.metadata.identity, right.metadata.identity, rows, waivers)
                           .dump(2, ' ', false, Row::error_handler_t::replace));
  }
  if (!options.junit.empty()) {
    write_file(options.junit, junit_document("ringside diff", junit_cases_of(rows, {told})));
  }
  constexpr bool kComplete = false;
  const bool waivers_hold = review_waivers(waivers, kComplete, {left.metadata.identity, right.metadata.identity});
  return waivers_hold ? status_of(rows) : ExitStatus::does_not_hold;
}

}  // namespace

void add_diff(CommandLine& program) {
  Command command = program.command("diff", "compare two recorded logs of the same scenario");
  const auto options = std::make_shared<Options>();
  command.option("left", options->left, "one log (.rlog)").required();
  command.option("right", options->right, "the other log (.rlog)").required();
  command.option("--waivers", options->waivers,
                 "accepted differences: a file, or a directory of them (default: traces/waivers.toml)");
  command.flag("--json", options->json, "one JSON document on stdout, text on stderr");
  command.option("--junit", options->junit, "write the verdict to this file as JUnit XML");
  command.option("--report", options->report, "write DIR/index.html, and both waves beside it");
  command.runs([options] { return diff(*options); });
}

}  // namespace ringside::cli
