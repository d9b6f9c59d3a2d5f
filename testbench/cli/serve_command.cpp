// `ringside serve`: the model's disk for a machine in another process, by vfio-user.
#include <fmt/core.h>

#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "testbench/cli/command.h"
#include "testbench/cli/findings.h"
#include "testbench/cli/interrupt.h"
#include "testbench/cli/output_path.h"
#include "testbench/cli/projection.h"
#include "testbench/cli/run_log.h"
#include "testbench/cli/run_options.h"
#include "testbench/serve/disk_for_clients.h"
#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

struct Options {
  std::string socket;
  std::string disk;
  std::string device;
  std::vector<std::string> values;
  bool write_through = false;
  bool once = false;
  std::string trace;
};

constexpr std::array kTraceFormats{Format::rlog, Format::jsonl};

// One log, and one judgement, for each client.
class ClientLogs final : public serve::ClientLog {
 public:
  explicit ClientLogs(const Options& options) : options_(options) {
    if (wanted()) {
      (void)format_of(options.trace, kTraceFormats);
      require_writable(options.trace);
    }
  }
  [[nodiscard]] bool wanted() const { return !options_.trace.empty(); }

  trace::Sink& begin() override {
    ++clients_;
    path_ = path_for_scenario(options_.trace, std::to_string(clients_), clients_ > 1);
    trace::LogMetadata metadata;
    metadata.scenario = "serve";
    metadata.target = "vfio-user";
    metadata.identity = "Ringside model, served";
    metadata.machine = "a client's own";
    const std::vector<LogOutput> outputs{{path_, format_of(path_, kTraceFormats)}};
    log_ = std::make_unique<RunLog>(outputs, std::move(metadata));
    return *log_;
  }
  void end() override {
    log_->close();
    fmt::print("{}: {} records\n", path_, log_->records());
    for (const std::string& line : finding_lines(finding_rows(log_->violations(), {}, {}))) {
      fmt::print("  {}\n", line);
    }
    std::fflush(stdout);
    log_.reset();
  }

 private:
  const Options& options_;
  unsigned clients_ = 0;
  std::string path_;
  std::unique_ptr<RunLog> log_;
};

serve::Order order_of(const Options& options) {
  serve::Order order;
  order.socket = options.socket;
  order.once = options.once;
  RunOptions run;
  run.machine = "q35";  // has every bus that properties may name
  run.disks = {options.disk};
  if (!options.device.empty()) {
    run.devices = {options.device};
  }
  run.values = options.values;
  run.write_through = options.write_through;
  order.settings = settings_of(run);
  return order;
}

ExitStatus serve_disk(const Options& options) {
  ClientLogs logs(options);
  serve::Order order = order_of(options);
  order.log = logs.wanted() ? &logs : nullptr;
  const bool ended = serve::serve(order, [](const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
  });
  if (!ended) {
    throw Interrupted();
  }
  return ExitStatus::holds;
}

}  // namespace

void add_serve(CommandLine& program) {
  Command command = program.command("serve", "offer the model's disk to QEMU and other clients of vfio-user");
  const auto options = std::make_shared<Options>();
  command.option("--socket", options->socket, "where clients find it: the path of a UNIX socket").required();
  command.option("--disk", options->disk, "raw image of the disk; clients see a private copy, all of them the same")
      .required();
  command.option("--device", options->device, "NAME=VALUE,...: properties of the disk, as `ringside list` shows them");
  command.option("--set", options->values, "KEY=VALUE: a setting of the model (repeatable)").one_value();
  command.flag("--write-through", options->write_through, "write to the image itself");
  command.option("--trace", options->trace,
                 "write what the disk does, and what the protocol monitors say of it: FILE.rlog or FILE.jsonl; the "
                 "second client's goes into FILE-2.rlog");
  command.flag("--once", options->once, "end when the first client has left");
  command.runs([options] { return serve_disk(*options); });
}

}  // namespace ringside::cli
