#include "testbench/cli/export_qtest.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "testbench/cli/output_path.h"
#include "testbench/cli/qtest_script.h"
#include "testbench/programs/program_scenario.h"
#include "testbench/targets/dma_arena.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_command_line.h"
#include "testbench/targets/target.h"
#include "testbench/trace/memory_log.h"

namespace ringside::cli {
namespace {

// Of zeroes, for that is what a reproducer can make anywhere.
targets::RunSettings settings_with_empty_disks(const scenarios::Scenario& scenario) {
  targets::RunSettings settings;
  settings.machine = "";
  settings.tracing = targets::Tracing::off;
  settings = targets::settings_for(scenario, settings);
  const targets::MachinePlan plan = targets::plan_scenario(scenario, settings).machine;
  settings.disks.assign(plan.disks.size(), fmt::format("sparse:{}", plan.generated_bytes));
  return settings;
}

Reproducer describe(const programs::Program& program, const targets::MachinePlan& plan, const std::string& identity) {
  Reproducer what;
  what.name = program.name;
  what.summary = program.summary;
  what.clause = program.clause;
  what.recorded_on = identity;
  what.machine = plan.type;
  what.ram_bytes = targets::kRamBytes;
  what.device_arguments = targets::device_arguments(plan);
  for (const targets::DiskPlan& disk : plan.disks) {
    what.disk_bytes.push_back(plan.generated_bytes);
    what.disk_read_only.push_back(disk.properties.read_only);
  }
  return what;
}

}  // namespace

ExitStatus export_qtest(const QtestExport& options) {
  const auto loaded = programs::load_scenario(options.file);
  const scenarios::Scenario& scenario = loaded->scenario();
  require_directory(options.directory);
  targets::RunSettings settings = settings_with_empty_disks(scenario);
  const targets::TargetSpec spec = targets::TargetSpec::parse(options.target);
  if (spec.name != "qemu") {
    throw targets::InputError(fmt::format("--on {}: only a QEMU can be recorded, expected qemu", options.target));
  }
  const auto target = targets::make_target(spec, settings);
  targets::QtestRecording recording;
  settings.recording = &recording;
  trace::MemoryLog log;
  const targets::RunResult result = target->run(scenario, settings, log);
  if (result.outcome == targets::Outcome::skipped || result.outcome == targets::Outcome::error) {
    throw targets::InputError(fmt::format("{}: does not run on QEMU: {}", options.file, result.reason));
  }
  const targets::MachinePlan plan = targets::plan_scenario(scenario, settings).machine;
  const Reproducer what = describe(loaded->program(), plan, target->identity());
  const std::string stem = options.directory + "/" + what.name;
  write_file(stem + ".sh", shell_script(what, recording.steps()));
  ::chmod((stem + ".sh").c_str(), S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH);
  write_file(stem + ".c", libqtest_source(what, recording.steps()));
  fmt::print(options.json ? stderr : stdout, "{}.sh, {}.c: {} steps, recorded on {}\n", stem, stem,
             recording.steps().size(), what.recorded_on);
  if (options.json) {
    const nlohmann::ordered_json document{{"schema", "ringside.export/1"},        {"program", options.file},
                                          {"files", {stem + ".sh", stem + ".c"}}, {"scenario", what.name},
                                          {"identity", what.recorded_on},         {"steps", recording.steps().size()}};
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }
  return ExitStatus::holds;
}

}  // namespace ringside::cli
