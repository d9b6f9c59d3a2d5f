// Somebody's own driver on every target of Ringside's:
//
//   own_driver TARGET LOG        as in: own_driver model a.rlog; own_driver qemu b.rlog; ringside diff a.rlog b.rlog
//
// The log has what crossed the hardware interface; the findings of the protocol monitors are printed.
#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <vector>

#include "testbench/checks/monitors.h"
#include "testbench/examples/own_driver/tiny_disk.h"
#include "testbench/scenarios/context.h"
#include "testbench/targets/target.h"
#include "testbench/trace/log_file.h"
#include "testbench/trace/memory_log.h"

namespace {

namespace checks = ringside::checks;
namespace scenarios = ringside::scenarios;
namespace targets = ringside::targets;
namespace trace = ringside::trace;

constexpr std::size_t kSector = 512;

void read_some_sectors(scenarios::Context& context, example::TinyDisk<ringside::hal::Observed>& disk) {
  const auto data = context.machine().alloc_dma_buffer(8 * kSector, kSector);
  for (std::uint64_t sector = 0; sector < 64; sector += 8) {
    if (!context.check(disk.read(sector, data), "eight sectors are read")) {
      return;
    }
    context.observe("contents", context.bench().hash(data.cpu, data.size));
  }
}

// What a scenario is: a function over a machine, checks and a journal.
void own_driver(scenarios::Context& context) {
  example::TinyDisk disk(context.machine(), ringside::hal::Observed(*context.observer()));
  if (context.check(disk.init(), "the disk comes up")) {
    read_some_sectors(context, disk);
    disk.stop();
  }
}

constexpr scenarios::Scenario kScenario{"own-driver", "a driver of somebody's own reads some sectors", own_driver};

bool run(const char* target_text, const char* path) {
  const targets::RunSettings settings;
  const auto target = targets::make_target(targets::TargetSpec::parse(target_text), settings);
  trace::MemoryLog memory;
  const targets::RunResult result = target->run(kScenario, settings, memory);
  const std::vector<trace::Record> records = memory.take();

  trace::LogMetadata metadata;
  metadata.scenario = kScenario.name;
  metadata.target = target_text;
  metadata.identity = target->identity();
  metadata.machine = settings.machine;
  metadata.seed = settings.seed;
  trace::LogFileWriter log(path, metadata);
  for (const trace::Record& record : records) {
    log.append(record);
  }
  log.close();

  const bool held = result.outcome == targets::Outcome::held;
  fmt::print("{} on {}: {}, {} records\n", kScenario.name, metadata.identity, held ? "held" : result.reason,
             records.size());
  const std::vector<checks::Violation> violations = checks::run_monitors(records);
  for (const checks::Violation& violation : violations) {
    fmt::print("  {}: {}\n", violation.clause, violation.text);
  }
  return held && violations.empty();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    fmt::print(stderr, "usage: own_driver TARGET LOG\n");
    return 2;
  }
  try {
    return run(arguments[1], arguments[2]) ? 0 : 1;
  } catch (const targets::InputError& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 2;
  } catch (const targets::LackingError& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 3;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 4;
  }
}
