// `ringside serve`: the model's disk for a machine in another process, by vfio-user.
#include <fmt/core.h>

#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
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
#include "testbench/faults/plan.h"
#include "testbench/serve/disk_for_clients.h"
#include "testbench/targets/target.h"
#include "testbench/trace/names.h"

namespace ringside::cli {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string socket;
  std::string disk;
  std::string device;
  std::vector<std::string> values;
  bool write_through = false;
  bool once = false;
  std::string pace = "free";
  std::string trace;
  bool monitors = false;
  std::string faults;
  bool json = false;

  // Where people read.
  [[nodiscard]] std::FILE* human() const { return json ? stderr : stdout; }
};

// What a client's driver has asked for, on its way to the log.
class Asked final : public trace::Sink {
 public:
  explicit Asked(RunLog& log) : log_(log) {}
  void append(const trace::Record& record) override {
    if (record.kind == trace::Kind::request) {
      ++requests_[record.flags];
    }
    log_.append(record);
  }
  // By name.
  [[nodiscard]] ordered_json counts() const {
    ordered_json counts = ordered_json::object();
    for (const auto& [type, count] : requests_) {
      counts[trace::request_type_name(type)] = count;
    }
    return counts;
  }

 private:
  RunLog& log_;
  std::map<std::uint16_t, std::uint64_t> requests_;
};

constexpr std::array kTraceFormats{Format::rlog, Format::jsonl};

// One log, and one judgement, for each client.
class ClientLogs final : public serve::ClientLog {
 public:
  explicit ClientLogs(const Options& options) : options_(options) {
    if (!options.trace.empty()) {
      (void)format_of(options.trace, kTraceFormats);
      require_writable(options.trace);
    }
  }
  [[nodiscard]] bool wanted() const { return options_.monitors || !options_.trace.empty() || !options_.faults.empty(); }
  // Nobody broke a rule, and every plan did something.
  [[nodiscard]] bool hold() const { return hold_; }
  [[nodiscard]] ordered_json document() const { return {{"schema", "ringside.serve/1"}, {"clients", clients_}}; }

  trace::Sink& begin() override {
    const std::size_t number = clients_.size() + 1;
    std::vector<LogOutput> outputs;
    path_.clear();
    if (!options_.trace.empty()) {
      path_ = path_for_scenario(options_.trace, std::to_string(number), number > 1);
      outputs.push_back({path_, format_of(path_, kTraceFormats)});
    }
    trace::LogMetadata metadata;
    metadata.scenario = "serve";
    metadata.target = "vfio-user";
    metadata.identity = "Ringside model, served";
    metadata.machine = "a client's own";
    log_ = std::make_unique<RunLog>(outputs, std::move(metadata), checks::View::outside);
    asked_.emplace(*log_);
    return *asked_;
  }

  void end(const std::vector<faults::FaultCount>& counts) override {
    log_->close();
    const ordered_json findings = finding_rows(log_->violations(), {}, {});
    fmt::print(options_.human(), "{}{} records, {} finding(s)\n", path_.empty() ? "" : path_ + ": ", log_->records(),
               findings.size());
    for (const std::string& line : finding_lines(findings)) {
      fmt::print(options_.human(), "  {}\n", line);
    }
    const ordered_json requests = asked_->counts();
    for (const auto& [name, count] : requests.items()) {
      fmt::print(options_.human(), "  requests, {}: {}\n", name, count.get<std::uint64_t>());
    }
    ordered_json faults = ordered_json::array();
    std::uint64_t fired = 0;
    for (const faults::FaultCount& count : counts) {
      fired += count.fired;
      faults.push_back({{"name", count.name}, {"planned", count.planned}, {"fired", count.fired}});
      fmt::print(options_.human(), "  fault {}: planned {}, fired {}\n", count.name, count.planned, count.fired);
    }
    std::fflush(options_.human());
    hold_ = hold_ && findings.empty() && (counts.empty() || fired != 0);
    clients_.push_back({{"trace", path_},
                        {"records", log_->records()},
                        {"requests", requests},
                        {"findings", findings},
                        {"faults", faults}});
    log_.reset();
  }

 private:
  const Options& options_;
  std::string path_;
  std::unique_ptr<RunLog> log_;
  std::optional<Asked> asked_;
  ordered_json clients_ = ordered_json::array();
  bool hold_ = true;
};

serve::Pace pace_of(const std::string& name) {
  if (name != "free" && name != "real") {
    throw targets::InputError(fmt::format("--pace {}: expected free or real", name));
  }
  return name == "free" ? serve::Pace::free : serve::Pace::real;
}

serve::Order order_of(const Options& options) {
  serve::Order order;
  order.socket = options.socket;
  order.once = options.once;
  order.pace = pace_of(options.pace);
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
  std::optional<faults::Plan> plan;
  if (!options.faults.empty()) {
    plan = faults::load_plan(options.faults);
  }
  ClientLogs logs(options);
  serve::Order order = order_of(options);
  order.log = logs.wanted() ? &logs : nullptr;
  order.faults = plan ? &*plan : nullptr;
  const bool ended = serve::serve(order, [&options](const std::string& line) {
    fmt::print(options.human(), "{}\n", line);
    std::fflush(options.human());
  });
  if (options.json) {
    fmt::print("{}\n", logs.document().dump(2, ' ', false, ordered_json::error_handler_t::replace));
  }
  if (!ended && !logs.wanted()) {
    throw Interrupted();
  }
  // With something to judge, Ctrl-C is how one says that one has seen enough.
  return logs.hold() ? ExitStatus::holds : ExitStatus::does_not_hold;
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
  command
      .option("--pace", options->pace,
              "free: what a client asks for is done as fast as the model can; real: it takes the model's time")
      .shows_default();
  command.option(
      "--trace", options->trace,
      "write what the client's driver and the disk do: FILE.rlog or FILE.jsonl; the second client's goes into "
      "FILE-2.rlog. With --monitors");
  command.flag("--monitors", options->monitors,
               "the protocol monitors say what each client broke; status 1 if any did");
  command.option("--faults", options->faults, "a fault plan, for each client from its start. With --monitors");
  command.flag("--json", options->json, "one JSON document on stdout, text on stderr");
  command.flag("--once", options->once, "end when the first client has left");
  command.runs([options] { return serve_disk(*options); });
}

}  // namespace ringside::cli
