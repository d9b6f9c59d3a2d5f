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
#include "testbench/targets/missing_fences.h"
#include "testbench/targets/recording_bench.h"
#include "testbench/targets/scenario_play.h"
#include "testbench/targets/sleep_watch.h"
#include "testbench/targets/weak_machine.h"
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

// What the bench is asked for by scenarios, a plan may have done too.
class FaultsByTarget final : public faults::TargetFaults {
 public:
  explicit FaultsByTarget(RunHooks& hooks) : hooks_(hooks) {}
  bool inject(std::uint8_t unit, model::DeviceFaults& faults) override { return hooks_.inject(unit, faults); }
  bool unplug(std::uint8_t unit) override { return done(scenarios::Ask::unplug, unit); }
  bool plug(std::uint8_t unit) override { return done(scenarios::Ask::plug, unit); }
  // Only the first disk's capacity can be changed.
  bool resize(std::uint8_t unit, std::uint64_t sectors) override {
    return unit == 0 && done(scenarios::Ask::resize, sectors);
  }
  std::uint64_t sectors(std::uint8_t unit) override { return hooks_.ask(scenarios::Ask::disk_sectors, unit); }
  bool fail_media(const faults::Fault& fault) override { return hooks_.fail_media(fault); }
  bool cut_power(const faults::Fault& fault) override { return hooks_.cut_power(fault); }

 private:
  bool done(scenarios::Ask what, std::uint64_t argument) {
    return hooks_.ask(what, argument) != scenarios::kNotAvailable;
  }
  RunHooks& hooks_;
};

// The machine that misbehaves as a plan says, between the target's machine and the tap.
struct FaultyWorld {
  FaultyWorld(const faults::Plan& plan, hal::Machine& inner, RunHooks& hooks, trace::Sink& sink)
      : machine(inner), target(hooks), injector(plan, machine, sink), harm(harm_of(plan)) {
    injector.use(target);
  }
  faults::FaultyMachine machine;
  FaultsByTarget target;
  faults::Injector injector;
  unsigned harm;
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
  void after_look() override {
    if (faulty_ != nullptr) {
      faulty_->after_look();
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

// Memory and registers in an order that the driver did not write.
class OrderedMemory {
 public:
  OrderedMemory(trace::DriverTap& tap, RunHooks& hooks, const MemoryOrder& order, std::uint64_t seed)
      : tap_(tap),
        weak_(order.weak ? std::optional<WeakMachine>(std::in_place, tap, tap, hooks, seed ^ kStream) : std::nullopt),
        fences_(weak_ ? static_cast<hal::Observer&>(*weak_) : tap, order.without) {}
  [[nodiscard]] hal::Machine& machine() { return weak_ ? static_cast<hal::Machine&>(*weak_) : tap_; }
  [[nodiscard]] hal::Observer& memory() { return fences_; }
  void settle() {
    if (weak_) {
      weak_->settle();
    }
  }
  [[nodiscard]] std::uint64_t time_held_up() const { return weak_ ? weak_->time_held_up() : 0; }

 private:
  static constexpr std::uint64_t kStream = 0x6d65'6d6f'7279'2121;  // so that the scenario's choices are others

  trace::DriverTap& tap_;
  std::optional<WeakMachine> weak_;
  MissingFences fences_;
};

// What is asked of the bench happens after all that the driver did before.
class SettledHooks final : public RunHooks {
 public:
  explicit SettledHooks(RunHooks& inner) : inner_(inner) {}
  void set_memory(OrderedMemory* memory) { memory_ = memory; }
  void set_faults(faults::Injector* faults) { faults_ = faults; }

  std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) override {
    if (memory_ != nullptr) {
      memory_->settle();
    }
    if (what == scenarios::Ask::calm) {
      if (faults_ != nullptr) {
        faults_->calm();
      }
      return 1;
    }
    return inner_.ask(what, argument);
  }
  void before_look(std::uint8_t unit, std::uint16_t queue) override { inner_.before_look(unit, queue); }
  bool inner_state(std::uint8_t unit, InnerState& state) override { return inner_.inner_state(unit, state); }
  void fetch_disks() override { inner_.fetch_disks(); }

 private:
  RunHooks& inner_;
  OrderedMemory* memory_ = nullptr;
  faults::Injector* faults_ = nullptr;
};

void record_disk(Journal& journal, const DiskImage& disk, std::uint8_t unit) {
  trace::Record record = bench_record(trace::Kind::disk_hash);
  record.unit = unit;
  record.hash = disk.hash();
  record.length = disk.bytes();
  journal.record(record);
}

void record_disks(Journal& journal, std::span<const DiskImage> disks, const trace::KindSet& wanted) {
  for (unsigned unit = 0; unit < disks.size() && wanted.contains(trace::Kind::disk_hash); ++unit) {
    record_disk(journal, disks[unit], static_cast<std::uint8_t>(unit));
  }
}

void record_verdict(Journal& journal, bool held) {
  trace::Record record = bench_record(trace::Kind::verdict);
  record.value = held ? 1 : 0;
  journal.record(record);
}

// One run, with the tap or without it.
class Run {
 public:
  Run(hal::Machine& machine, RunHooks& hooks, const RunSettings& settings, const MemoryOrder& order, trace::Sink& sink)
      : settings_(settings),
        order_(order),
        sleep_(sink),
        guards_(order.as_written() ? sink : sleep_),
        settled_hooks_(hooks),
        faulty_(make_faulty_world(machine, hooks)),
        tap_hooks_(hooks, faulty_ ? &faulty_->machine : nullptr),
        play_(faulty_ ? static_cast<hal::Machine&>(faulty_->machine) : machine,
              faulty_ ? static_cast<trace::Sink&>(faulty_->injector) : guards_, tap_hooks_, settled_hooks_,
              tap_options()) {
    tap_hooks_.set_tap(play_.tap());
    settled_hooks_.set_faults(faulty_ ? &faulty_->injector : nullptr);
    if (!order.as_written()) {
      memory_.emplace(*play_.tap(), hooks, order, settings.seed);
      play_.put_in_front(memory_->machine(), memory_->memory());
      settled_hooks_.set_memory(&*memory_);
    }
  }

  void play(const scenarios::Scenario& scenario) {
    play_.begin(scenario);
    if (memory_) {
      play_.journal().record_named(bench_record(trace::Kind::log_line), order_.text());
    }
    if (settings_.debugging && !settings_.debugging->event) {
      trace::stop_before(scenario.run);
    }
    play_.play(scenario, settings_.seed);
  }

  RunResult end(std::span<const DiskImage> disks) {
    if (memory_) {
      memory_->settle();
      play_.bench().check(!sleep_.overslept(), kNotOverslept);
      if (order_.weak) {
        play_.bench().observe(kTimeHeldUp, memory_->time_held_up());
      }
    }
    if (faulty_) {
      faulty_->injector.settle();
    }
    play_.check_guards(guards_, faulty_ && (faulty_->harm & faults::kStrays) != 0);
    settled_hooks_.fetch_disks();
    record_disks(play_.journal(), disks, settings_.wanted);
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

  // Nobody is left who could check anything; what counts is what the disks hold.
  RunResult end_without_power(std::span<const DiskImage> disks) {
    record_disks(play_.journal(), disks, settings_.wanted);
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
  std::optional<FaultyWorld> make_faulty_world(hal::Machine& machine, RunHooks& hooks) {
    return settings_.faults == nullptr
               ? std::nullopt
               : std::optional<FaultyWorld>(std::in_place, *settings_.faults, machine, hooks, guards_);
  }
  std::vector<faults::FaultCount> fault_counts() const {
    return faulty_ ? faulty_->injector.counts() : std::vector<faults::FaultCount>{};
  }

  std::optional<trace::TapOptions> tap_options() const {
    if (settings_.tracing == Tracing::off && !faulty_ && order_.as_written()) {
      return std::nullopt;
    }
    trace::TapOptions options;
    options.accesses = settings_.tracing == Tracing::accesses;
    options.from_outside = settings_.tracing == Tracing::requests;
    return options;
  }

  const RunSettings& settings_;
  const MemoryOrder& order_;
  SleepWatch sleep_;
  GuardWatch guards_;
  SettledHooks settled_hooks_;
  std::optional<FaultyWorld> faulty_;
  TapToTarget tap_hooks_;
  ScenarioPlay play_;
  std::optional<OrderedMemory> memory_;  // what the driver has instead of the tap
};

RunResult play(Run& run, std::span<const DiskImage> disks, const scenarios::Scenario& scenario) {
  try {
    run.play(scenario);
    return run.end(disks);
  } catch (const PowerLost&) {
    return run.end_without_power(disks);
  } catch (const std::exception& problem) {
    return run.abort(problem.what());
  }
}

}  // namespace

std::vector<DiskImage> open_disk_images(const MachinePlan& plan, const RunSettings& settings, DiskPlace place) {
  constexpr std::uint64_t kSeedStep = 0xd1b5'4a32'd192'ed03;  // so that no two disks of a run are alike
  std::vector<DiskImage> images;
  for (const DiskPlan& disk : plan.disks) {
    const std::uint64_t seed = settings.disk_seed.value_or(settings.seed) + images.size() * kSeedStep;
    if (!disk.image.empty()) {
      images.push_back(DiskImage::named(disk.image, settings.write_through));
    } else if (settings.disk_seed && place == DiskPlace::memory) {
      images.push_back(DiskImage::in_memory(plan.generated_bytes, seed));
    } else {
      images.push_back(DiskImage::generated(plan.generated_bytes, seed));
    }
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
                       const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink,
                       const MemoryOrder& order) {
  const auto start = std::chrono::steady_clock::now();
  std::optional<trace::StopAtEvent> stop;
  if (settings.debugging && settings.debugging->event) {
    stop.emplace(sink, *settings.debugging->event);
  }
  Run run(machine, hooks, settings, order, stop ? static_cast<trace::Sink&>(*stop) : sink);
  RunResult result = play(run, disks, scenario);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace ringside::targets
