// `ringside serve`: the model's disk for a machine in another process, by vfio-user.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "testbench/cli/command.h"
#include "testbench/cli/interrupt.h"
#include "testbench/cli/run_options.h"
#include "testbench/serve/disk_for_clients.h"
#include "testbench/targets/machine_plan.h"
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
};

serve::Order order_of(const Options& options) {
  serve::Order order;
  order.socket = options.socket;
  order.once = options.once;
  RunOptions run;
  run.disks = {options.disk};
  if (!options.device.empty()) {
    run.devices = {options.device};
  }
  run.values = options.values;
  run.write_through = options.write_through;
  order.settings = settings_of(run);
  order.settings.machine = targets::kQ35Type;  // has every bus that properties may name
  return order;
}

ExitStatus serve_disk(const Options& options) {
  const bool ended = serve::serve(order_of(options), [](const std::string& line) {
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
  command.flag("--once", options->once, "end when the first client has left");
  command.runs([options] { return serve_disk(*options); });
}

}  // namespace ringside::cli
