#include "testbench/targets/harness.h"

#include <fmt/format.h>

#include <boost/stacktrace.hpp>
#include <chrono>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>
#include <vector>

#include "driver/block/open.h"
#include "testbench/faults/faulty_machine.h"
#include "testbench/faults/injector.h"
#include "testbench/trace/debug_stop.h"
#include "testbench/trace/driver_tap.h"
#include "testbench/trace/hash.h"
#include "testbench/trace/text.h"

namespace ringside::targets {
namespace {

block::BlockDevice* open_plain(hal::Machine& machine, hal::Observer*, const block::Options& options) {
  return block::open_disk(machine, hal::Plain{}, options);
}

block::BlockDevice* open_observed(hal::Machine& machine, hal::Observer* observer, const block::Options& options) {
  return block::open_disk(machine, hal::Observed(*observer), options);
}

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

// Passes records on and sees which of them tell of a stray write: those found at a free as well as those at the end.
class GuardWatch final : public trace::Sink {
 public:
  explicit GuardWatch(trace::Sink& sink) : sink_(sink) {}
  void append(const trace::Record& record) override {
    hit_ = hit_ || record.kind == trace::Kind::guard;
    sink_.append(record);
  }
  [[nodiscard]] bool hit() const { return hit_; }

 private:
  trace::Sink& sink_;
  bool hit_ = false;
};

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
  void before_look(std::uint8_t unit, std::uint16_t queue) override {
    hooks_.before_look(unit, queue);
    if (faulty_ != nullptr) {
      faulty_->before_look(unit, queue);
    }
  }
  void on_spin(const void* address) override {
    throw RunAborted(fmt::format("the driver spins on {} without relax{}", address, backtrace_text()));
  }

 private:
  RunHooks& hooks_;
  faults::FaultyMachine* faulty_;
};

// The bench's records of a run. Without a tap nothing is recorded but checks.
class Journal {
 public:
  Journal(hal::Machine& machine, trace::Sink& sink, trace::DriverTap* tap)
      : machine_(machine), sink_(sink), tap_(tap) {}

  void record(const trace::Record& record) {
    if (tap_ != nullptr) {
      tap_->emit(record);
    }
  }
  void record_named(const trace::Record& record, std::string_view name) {
    if (tap_ != nullptr) {
      tap_->emit(record);
      tap_->emit_text(name.data(), name.size());
    }
  }
  void check(bool held, std::string_view name) {
    trace::Record record;
    record.kind = trace::Kind::check;
    record.value = held ? 1 : 0;
    record.hash = trace::hash_bytes(name.data(), name.size());
    if (tap_ != nullptr) {
      record_named(record, name);
      return;
    }
    record.time = machine_.now();
    sink_.append(record);
    trace::split_text(name, [&](trace::Record piece) {
      piece.time = record.time;
      sink_.append(piece);
    });
  }

 private:
  hal::Machine& machine_;
  trace::Sink& sink_;
  trace::DriverTap* tap_;
};

class RecordingBench final : public scenarios::Bench {
 public:
  RecordingBench(Journal& journal, RunHooks& hooks) : journal_(journal), hooks_(hooks) {}

  void check(bool held, const char* what) override {
    journal_.check(held, what);
    if (!held && first_failure_.empty()) {
      first_failure_ = what;
    }
  }
  void observe(const char* what, std::uint64_t value) override {
    trace::Record record;
    record.kind = trace::Kind::observe;
    record.value = value;
    record.hash = trace::hash_bytes(what, std::strlen(what));
    journal_.record_named(record, what);
  }
  std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) override {
    trace::Record record;
    record.kind = trace::Kind::ask;
    record.offset = static_cast<std::uint64_t>(what);
    record.length = argument;
    record.value = hooks_.ask(what, argument);
    journal_.record(record);
    return record.value;
  }
  std::uint64_t hash(const void* data, std::size_t size) override { return trace::hash_bytes(data, size); }

  [[nodiscard]] const std::string& first_failure() const { return first_failure_; }

 private:
  Journal& journal_;
  RunHooks& hooks_;
  std::string first_failure_;
};

trace::Record record_of(trace::Kind kind) {
  trace::Record record;
  record.kind = kind;
  return record;
}

void record_disk(Journal& journal, const DiskImage& disk, std::uint8_t unit) {
  trace::Record record = record_of(trace::Kind::disk_hash);
  record.unit = unit;
  record.hash = disk.hash();
  record.length = disk.bytes();
  journal.record(record);
}

void record_verdict(Journal& journal, bool held) {
  trace::Record record = record_of(trace::Kind::verdict);
  record.value = held ? 1 : 0;
  journal.record(record);
}

// One run, with the tap or without it.
class Run {
 public:
  Run(hal::Machine& machine, RunHooks& hooks, const RunSettings& settings, trace::Sink& sink)
      : machine_(machine),
        settings_(settings),
        guards_(sink),
        faulty_(make_faulty_world()),
        tap_hooks_(hooks, faulty_ ? &faulty_->machine : nullptr),
        tap_(make_tap()),
        journal_(machine, guards_, tap_ ? &*tap_ : nullptr),
        bench_(journal_, hooks) {}

  void begin(const scenarios::Scenario& scenario) {
    journal_.record(record_of(trace::Kind::power_on));
    journal_.record_named(record_of(trace::Kind::scenario), scenario.name);
  }

  void play(const scenarios::Scenario& scenario) {
    hal::Machine& machine = tap_ ? static_cast<hal::Machine&>(*tap_) : machine_;
    hal::Observer* const observer = tap_ ? &*tap_ : nullptr;
    scenarios::Context context(machine, observer, bench_, tap_ ? open_observed : open_plain, settings_.seed);
    if (settings_.debugging && !settings_.debugging->event) {
      trace::stop_before(scenario.run);
    }
    scenario.run(context);
  }

  RunResult end(std::span<const DiskImage> disks) {
    if (tap_) {
      tap_->check_guards();
      bench_.check(!guards_.hit(), "no device wrote outside the buffers it was given");
    }
    for (std::uint8_t unit = 0; tap_ && unit < disks.size(); ++unit) {
      record_disk(journal_, disks[unit], unit);
    }
    if (faulty_) {
      const bool fired = faulty_->injector.any_fired();
      const std::string& why_not = faulty_->injector.why_not();
      bench_.check(fired, fired || why_not.empty() ? "a fault of the plan fired" : why_not.c_str());
    }
    const bool held = bench_.first_failure().empty();
    record_verdict(journal_, held);
    RunResult result;
    result.outcome = held ? Outcome::held : Outcome::failed;
    result.reason = bench_.first_failure();
    result.faults = fault_counts();
    return result;
  }

  RunResult abort(const std::string& reason) {
    record_verdict(journal_, false);
    RunResult result;
    result.outcome = Outcome::error;
    result.reason = reason;
    result.faults = fault_counts();
    return result;
  }

 private:
  std::optional<FaultyWorld> make_faulty_world() {
    return settings_.faults == nullptr
               ? std::nullopt
               : std::optional<FaultyWorld>(std::in_place, *settings_.faults, machine_, guards_);
  }
  std::vector<faults::FaultCount> fault_counts() const {
    return faulty_ ? faulty_->injector.counts() : std::vector<faults::FaultCount>{};
  }

  std::optional<trace::DriverTap> make_tap() {
    if (settings_.tracing == Tracing::off && !faulty_) {
      return std::nullopt;
    }
    trace::TapOptions options;
    options.accesses = settings_.tracing == Tracing::accesses;
    hal::Machine& machine = faulty_ ? static_cast<hal::Machine&>(faulty_->machine) : machine_;
    trace::Sink& sink = faulty_ ? static_cast<trace::Sink&>(faulty_->injector) : guards_;
    return std::optional<trace::DriverTap>(std::in_place, machine, sink, tap_hooks_, options);
  }

  hal::Machine& machine_;
  const RunSettings& settings_;
  GuardWatch guards_;
  std::optional<FaultyWorld> faulty_;
  TapToTarget tap_hooks_;
  std::optional<trace::DriverTap> tap_;
  Journal journal_;
  RecordingBench bench_;
};

RunResult play(Run& run, std::span<const DiskImage> disks, const scenarios::Scenario& scenario) {
  try {
    run.begin(scenario);
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
