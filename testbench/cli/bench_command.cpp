// `ringside bench`: how many requests a second the driver gets done on the model, on a floor without simulation, on
// QEMU's CPU and over qtest; and how many instructions a request costs it.
//
// What is compared takes turns within one run, so that whatever else the machine does hits both; the ratio is the
// median of the ratios of neighbours.
#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "driver/block/open.h"
#include "testbench/cli/bench/floor_machine.h"
#include "testbench/cli/bench/load.h"
#include "testbench/cli/bench/qemu_bench.h"
#include "testbench/cli/bench/tracing_bench.h"
#include "testbench/cli/command.h"
#include "testbench/cli/progress.h"
#include "testbench/cli/workers.h"
#include "testbench/targets/disk_image.h"
#include "testbench/targets/target.h"
#include "testbench/trace/memory_log.h"

namespace ringside::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::seconds kWatchdog{1800};

struct Options {
  std::vector<std::string> names;
  unsigned repetitions = 45;
  double slice = 0.02;  // short, so that most turns are not interrupted and the median is of those
  bool json = false;
};

struct Figures {
  std::vector<double> model;
  std::vector<double> floor;
  std::vector<double> ratio;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

ordered_json benchmark(const std::string& name, const char* unit, const std::vector<double>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return {{"name", name},  {"unit", unit}, {"value", median(values)},
          {"min", *least}, {"max", *most}, {"repetitions", values.size()}};
}

// The model is reached as any scenario reaches it, so the measuring is a scenario; a scenario is a plain function and
// finds here what it is to do.
struct Session {
  const LoadShape& shape;
  const Options& options;
  Figures figures;
};
Session* session = nullptr;

void measure(hal::Machine& machine, block::BlockDevice& disk) {
  FloorMachine floor_machine(targets::kGeneratedDiskBytes);
  block::BlockDevice* const floor_disk = block::open_disk(floor_machine, hal::Plain{}, {});
  if (floor_disk == nullptr) {
    throw std::runtime_error("the driver does not come up on the floor device");
  }
  fill_disk(machine, disk);
  fill_disk(floor_machine, *floor_disk);
  Load model(machine, disk, session->shape);
  Load floor(floor_machine, *floor_disk, session->shape);
  (void)model.run(session->options.slice);  // warm
  (void)floor.run(session->options.slice);
  Figures& figures = session->figures;
  for (unsigned i = 0; i < session->options.repetitions; ++i) {
    figures.model.push_back(model.run(session->options.slice));
    figures.floor.push_back(floor.run(session->options.slice));
    figures.ratio.push_back(figures.model.back() / figures.floor.back());
  }
}

void measure_in_scenario(scenarios::Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk != nullptr) {
    measure(context.machine(), *disk);
    disk->shutdown();
  }
}

ordered_json rows_of(const std::vector<Measured>& all) {
  ordered_json rows = ordered_json::array();
  for (const Measured& measured : all) {
    rows.push_back(benchmark(measured.name, measured.unit.c_str(), measured.values));
  }
  return rows;
}

// In a worker. Its answer is the rows of the document.
std::string measure_shape(const LoadShape& shape, const Options& options) {
  targets::RunSettings settings;
  settings.tracing = targets::Tracing::off;
  settings.timeout = kWatchdog;
  Session here{shape, options, {}};
  session = &here;
  const scenarios::Scenario scenario{"bench", "the benchmarks", measure_in_scenario};
  trace::MemoryLog log;
  const auto target = targets::make_target(targets::TargetSpec::parse("model"), settings);
  const targets::RunResult result = target->run(scenario, settings, log);
  if (result.outcome != targets::Outcome::held) {
    throw std::runtime_error(result.reason);
  }
  return ordered_json::array({benchmark("model_" + shape.name, "requests/s", here.figures.model),
                              benchmark("floor_" + shape.name, "requests/s", here.figures.floor),
                              benchmark("ratio_" + shape.name, "model/floor", here.figures.ratio)})
      .dump();
}

bool wanted(const std::string& name, const std::vector<std::string>& globs) {
  return globs.empty() ||
         std::ranges::any_of(globs, [&](const auto& glob) { return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0; });
}

// What a worker measures, by itself.
struct Task {
  std::string name;
  std::function<std::string()> measure;
};

// Asked for by name, a benchmark that this machine cannot run is an error; among all of them it is left out.
bool qemu_serves(const Options& options) {
  try {
    require_qemu_benches();
    return true;
  } catch (const targets::LackingError& lacking) {
    if (!options.names.empty()) {
      throw;
    }
    fmt::print(stderr, "left out, as they need QEMU: {}\n", lacking.what());
    return false;
  }
}

std::vector<Task> choose_tasks(const Options& options) {
  std::vector<Task> tasks;
  for (const LoadShape& shape : load_shapes()) {
    if (wanted(shape.name, options.names)) {
      tasks.push_back({shape.name, [&shape, &options] { return measure_shape(shape, options); }});
    }
  }
  const auto named = [&](const std::string& row) { return wanted(row, options.names); };
  const bool all_of_tracing = wanted("tracing", options.names);
  if (all_of_tracing || std::ranges::any_of(tracing_rows(), named)) {
    const auto chosen = [&options, all_of_tracing](const std::string& row) {
      return all_of_tracing || wanted(row, options.names);
    };
    tasks.push_back({"tracing", [&options, chosen] {
                       return rows_of(measure_tracing(options.repetitions, options.slice, chosen)).dump();
                     }});
  }
  const std::size_t without_qemu = tasks.size();
  for (const QemuBench& bench : qemu_benches()) {
    if (wanted(bench.name, options.names) || std::ranges::any_of(bench.rows, named)) {
      tasks.push_back({bench.name, [&bench] { return rows_of(bench.measure()).dump(); }});
    }
  }
  if (tasks.size() != without_qemu && !qemu_serves(options)) {
    tasks.resize(without_qemu);
  }
  if (tasks.empty()) {
    throw targets::InputError("no benchmark matches; expected names such as read4k_qd32, or globs");
  }
  return tasks;
}

void print_rows(std::FILE* out, const ordered_json& rows) {
  const auto number = [](double value) {
    return value < 100 ? fmt::format("{:.3f}", value) : fmt::format("{:.0f}", value);
  };
  for (const ordered_json& row : rows) {
    fmt::print(out, "{:<34} {:>12} {:<13}  ({} .. {})\n", row["name"].get<std::string>(), number(row["value"]),
               row["unit"].get<std::string>(), number(row["min"]), number(row["max"]));
  }
  std::fflush(out);
}

ExitStatus bench(const Options& options) {
  const std::vector<Task> tasks = choose_tasks(options);
  std::size_t measured = 0;
  ordered_json benchmarks = ordered_json::array();
  Progress progress;
  run_in_workers(
      tasks.size(), {1, kWatchdog}, [&](std::size_t index) { return tasks[index].measure(); },
      [&](std::size_t index, const JobResult& result) {
        progress.clear();
        if (!result.problem.empty()) {
          throw std::runtime_error(fmt::format("{}: {}", tasks[index].name, result.problem));
        }
        const ordered_json rows = ordered_json::parse(result.answer);
        print_rows(options.json ? stderr : stdout, rows);
        benchmarks.insert(benchmarks.end(), rows.begin(), rows.end());
        ++measured;
      },
      [&] { progress.show(fmt::format("measured {} of {}", measured, tasks.size())); });
  if (options.json) {
    fmt::print("{}\n", ordered_json{{"schema", "ringside.bench/1"}, {"benchmarks", benchmarks}}.dump(2));
  }
  return ExitStatus::holds;
}

}  // namespace

void add_bench(CommandLine& program) {
  constexpr unsigned kMostRepetitions = 1000;
  constexpr double kLongestSlice = 10;
  Command command =
      program.command("bench", "requests per second on the model, a floor and QEMU, and what a request costs");
  const auto options = std::make_shared<Options>();
  command.option("name", options->names,
                 "which: read4k_qd32, read4k_qd1, read512_qd32, write4k_qd32, tracing, null_read4k, "
                 "driver_instructions, or globs");
  command.option("--repetitions", options->repetitions, "turns that model and floor take")
      .within(1, kMostRepetitions)
      .shows_default();
  command.option("--slice", options->slice, "seconds of one turn").within_reals(0.001, kLongestSlice).shows_default();
  command.flag("--json", options->json, "one JSON document on stdout, text on stderr");
  command.runs([options] { return bench(*options); });
}

}  // namespace ringside::cli
