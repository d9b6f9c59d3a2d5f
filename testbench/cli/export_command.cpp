// `ringside export LOG --to FILE`: a recorded log in another format.
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "testbench/cli/command.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/projection.h"

namespace ringside::cli {
namespace {

constexpr std::array kFormats{Format::vcd, Format::jsonl, Format::timeline};

struct Options {
  std::string log;
  std::string to;
  bool json = false;
};

ExitStatus export_log(const Options& options) {
  const Format format = format_of(options.to, kFormats);
  const trace::LogFile log = trace::read_log_file(options.log);
  require_writable(options.to);
  write_projection(options.to, format, log);
  fmt::print(options.json ? stderr : stdout, "{}: {} records of {} on {}\n", options.to, log.records.size(),
             log.metadata.scenario, log.metadata.identity);
  if (options.json) {
    const nlohmann::ordered_json document{{"schema", "ringside.export/1"},
                                          {"log", options.log},
                                          {"file", options.to},
                                          {"scenario", log.metadata.scenario},
                                          {"identity", log.metadata.identity},
                                          {"records", log.records.size()}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }
  return ExitStatus::holds;
}

}  // namespace

void add_export(CLI::App& program, Action& chosen) {
  CLI::App* const command = program.add_subcommand("export", "write a recorded log in another format");
  const auto options = std::make_shared<Options>();
  command->add_option("log", options->log, "the log (.rlog)")->required();
  command
      ->add_option("--to", options->to,
                   "FILE.vcd (a waveform), FILE.jsonl (a line per record) or FILE.json (a timeline for "
                   "https://ui.perfetto.dev)")
      ->required();
  command->add_flag("--json", options->json, "one JSON document on stdout, text on stderr");
  command->callback([&chosen, options] { chosen = [options] { return export_log(*options); }; });
}

}  // namespace ringside::cli
