#include "testbench/targets/harness.h"

#include <fmt/format.h>

#include <boost/stacktrace.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <vector>

#include "testbench/faults/faulty_machine.h"
#include "testbench/faults/injector.h"
#include "testbench/targets/guard_watch.h"
#include "testbench/targets/inner_state.h"
#include "testbench/targets/recording_bench.h"
#include "testbench/targets/scenario_play.h"
#include "testbench/trace/debug_stop.h"
#include "testbench/trace/driver_tap.h"

namespace ringside::targets {
namespace {

// Where the driver is: the frames between the tap and the scenario, by name as far as the program exports them.
std::string backtrace_text() {
  constexpr std::size_t kSkippedFrames = 2;  // this function and the hook that calls it
  constexpr std::size_t kFrames = 12;
  std::string text;
  for (const auto& frame : boost::stacktrace::stacktrace(kSkippedFrames, kFrames)) {
    const std::string name = frame.name();
    text += name.empty() ? fmt::format("\n  at {}", frame.address()) : fmt::format("\n  at {}", name);
  }
  return text;
}

// The machine that misbehaves as a plan says, between the target's machine and the tap.
struct FaultyWorld {
  FaultyWorld(const faults::Plan& plan, hal::Machine& inner, trace::Sink& sink)
      : machine(inner), injector(plan, machine, sink) {}
  faults::FaultyMachine machine;
  faults::Injector injector;
};

class TapToTarget final : public trace::TapHooks {
 public:
  TapToTarget(RunHooks& hooks, faults::FaultyMachine* faulty) : hooks_(hooks), faulty_(faulty) {}
  // The tap that asks, once it is there.
  void set_tap(trace::DriverTap* tap) { tap_ = tap; }

  void before_look(std::uint8_t unit, std::uint16_t queue) override {
    hooks_.before_look(unit, queue);
    if (faulty_ != nullptr) {
      faulty_->before_look(unit, queue);
    }
  }
  void before_reset(std::uint8_t unit) override {
    if (InnerState state; tap_ != nullptr && hooks_.inner_state(unit, state)) {
      record_inner_state(*tap_, unit, state);
    }
  }
  void on_spin(const void* address) override {
    throw RunAborted(fmt::format("the driver spins on {} without relax{}", address, backtrace_text()));
  }

 private:
  RunHooks& hooks_;
  faults::FaultyMachine* faulty_;
  trace::DriverTap* tap_ = nullptr;
};

void record_disk(Journal& journal, const DiskImage& disk, std::uint8_t unit) {
  trace::Record record = bench_record(trace::Kind::disk_hash);
  record.unit = unit;
  record.hash = disk.hash();
  record.length = disk.bytes();
  journal.record(record);
}

void record_verdict(Journal& journal, bool held) {
  trace::Record record = bench_record(trace::Kind::verdict);
  record.value = held ? 1 : 0;
  journal.record(record);
}

// One run, with the tap or without it.
class Run {
 public:
  Run(hal::Machine& machine, RunHooks& hooks, const RunSettings& settings, trace::Sink& sink)
      : settings_(settings),
        guards_(sink),
        faulty_(make_faulty_world(machine)),
        tap_hooks_(hooks, faulty_ ? &faulty_->machine : nullptr),
        play_(faulty_ ? static_cast<hal::Machine&>(faulty_->machine) : machine,
              faulty_ ? static_cast<trace::Sink&>(faulty_->injector) : guards_, tap_hooks_, hooks, tap_options()) {
    tap_hooks_.set_tap(play_.tap());
  }

  void play(const scenarios::Scenario& scenario) {
    play_.begin(scenario);
    if (settings_.debugging && !settings_.debugging->event) {
      trace::stop_before(scenario.run);
    }
    play_.play(scenario, settings_.seed);
  }

  RunResult end(std::span<const DiskImage> disks) {
    play_.check_guards(guards_);
    for (std::uint8_t unit = 0; unit < disks.size(); ++unit) {
      record_disk(play_.journal(), disks[unit], unit);
    }
    if (faulty_) {
      const bool fired = faulty_->injector.any_fired();
      const std::string& why_not = faulty_->injector.why_not();
      play_.bench().check(fired, fired || why_not.empty() ? "a fault of the plan fired" : why_not.c_str());
    }
    const std::string& failure = play_.bench().first_failure();
    record_verdict(play_.journal(), failure.empty());
    RunResult result;
    result.outcome = failure.empty() ? Outcome::held : Outcome::failed;
    result.reason = failure;
    result.faults = fault_counts();
    return result;
  }

  RunResult abort(const std::string& reason) {
    record_verdict(play_.journal(), false);
    RunResult result;
    result.outcome = Outcome::error;
    result.reason = reason;
    result.faults = fault_counts();
    return result;
  }

 private:
  std::optional<FaultyWorld> make_faulty_world(hal::Machine& machine) {
    return settings_.faults == nullptr ? std::nullopt
                                       : std::optional<FaultyWorld>(std::in_place, *settings_.faults, machine, guards_);
  }
  std::vector<faults::FaultCount> fault_counts() const {
    return faulty_ ? faulty_->injector.counts() : std::vector<faults::FaultCount>{};
  }

  std::optional<trace::TapOptions> tap_options() const {
    if (settings_.tracing == Tracing::off && !faulty_) {
      return std::nullopt;
    }
    trace::TapOptions options;
    options.accesses = settings_.tracing == Tracing::accesses;
    return options;
  }

  const RunSettings& settings_;
  GuardWatch guards_;
  std::optional<FaultyWorld> faulty_;
  TapToTarget tap_hooks_;
  ScenarioPlay play_;
};

RunResult play(Run& run, std::span<const DiskImage> disks, const scenarios::Scenario& scenario) {
  try {
    run.play(scenario);
    return run.end(disks);
  } catch (const std::exception& problem) {
    return run.abort(problem.what());
  }
}

}  // namespace

std::vector<DiskImage> open_disk_images(const MachinePlan& plan, const RunSettings& settings) {
  constexpr std::uint64_t kSeedStep = 0xd1b5'4a32'd192'ed03;  // so that no two disks of a run are alike
  std::vector<DiskImage> images;
  for (const DiskPlan& disk : plan.disks) {
    const std::uint64_t seed = settings.seed + images.size() * kSeedStep;
    images.push_back(disk.image.empty() ? DiskImage::generated(plan.generated_bytes, seed)
                                        : DiskImage::named(disk.image, settings.write_through));
  }
  return images;
}

RunResult skipped(const std::string& reason) {
  RunResult result;
  result.outcome = Outcome::skipped;
  result.reason = reason;
  return result;
}

RunResult run_scenario(hal::Machine& machine, RunHooks& hooks, std::span<const DiskImage> disks,
                       const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) {
  const auto start = std::chrono::steady_clock::now();
  std::optional<trace::StopAtEvent> stop;
  if (settings.debugging && settings.debugging->event) {
    stop.emplace(sink, *settings.debugging->event);
  }
  Run run(machine, hooks, settings, stop ? static_cast<trace::Sink&>(*stop) : sink);
  RunResult result = play(run, disks, scenario);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace ringside::targets
