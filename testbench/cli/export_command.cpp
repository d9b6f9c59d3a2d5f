// `ringside export LOG --to FILE`: a recorded log in another format.
#include <fmt/core.h>

#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "testbench/cli/command.h"
#include "testbench/cli/export_qtest.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/projection.h"

namespace ringside::cli {
namespace {

constexpr std::array kFormats{Format::vcd, Format::fst, Format::jsonl, Format::timeline};

struct Options {
  std::string log;
  std::string to;
  bool json = false;
  bool qtest = false;
  std::string on = "qemu";
};

void copy_log(trace::LogFileReader& log, Projection& to) {
  trace::Record record;
  while (log.next(record)) {
    to.append(record);
  }
  to.close();
}

ExitStatus export_log(const Options& options) {
  const Format format = format_of(options.to, kFormats);
  trace::LogFileReader log(options.log);
  require_writable(options.to);
  copy_log(log, *open_projection(options.to, format, log.metadata()));
  fmt::print(options.json ? stderr : stdout, "{}: {} records of {} on {}\n", options.to, log.record_count(),
             log.metadata().scenario, log.metadata().identity);
  if (options.json) {
    const nlohmann::ordered_json document{{"schema", "ringside.export/1"},
                                          {"log", options.log},
                                          {"file", options.to},
                                          {"scenario", log.metadata().scenario},
                                          {"identity", log.metadata().identity},
                                          {"records", log.record_count()}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }
  return ExitStatus::holds;
}

}  // namespace

void add_export(CommandLine& program) {
  Command command = program.command("export", "write a recorded log in another format");
  const auto options = std::make_shared<Options>();
  command.option("log", options->log, "the log (.rlog), or with --qtest a scenario file (.toml)").required();
  command
      .option("--to", options->to,
              "FILE.vcd or FILE.fst (a waveform), FILE.jsonl (a line per record) or FILE.json (a timeline for "
              "https://ui.perfetto.dev)")
      .required();
  command.flag("--json", options->json, "one JSON document on stdout, text on stderr");
  command.flag("--qtest", options->qtest,
               "the file is a scenario file; into the directory --to go reproducers for a plain QEMU, NAME.sh and "
               "NAME.c");
  command.option("--on", options->on, "with --qtest: the QEMU to record on (qemu)");
  command.runs([options] {
    return options->qtest ? export_qtest({options->log, options->to, options->on, options->json})
                          : export_log(*options);
  });
}

}  // namespace ringside::cli
