#include "testbench/targets/model_target.h"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <optional>

#include "driver/block/block_device.h"
#include "testbench/targets/harness.h"
#include "testbench/targets/model_cpu.h"
#include "testbench/targets/model_disk.h"
#include "testbench/targets/model_follower.h"
#include "testbench/targets/model_machine.h"
#include "testbench/targets/model_recorder.h"
#include "testbench/targets/model_settings.h"

namespace ringside::targets {
namespace {

// The one board of this process. SystemC elaborates once, and its kernel is global.
struct Simulation {
  model::Pc pc{"pc"};
  ModelCpu cpu{"cpu", pc};

  static Simulation& instance() {
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);  // standard output is for results
    static Simulation* const simulation = new Simulation;   // never destroyed: the kernel refers to it until exit
    return *simulation;
  }
};

class ModelHooks final : public RunHooks {
 public:
  ModelHooks(const DiskImage& disk, ModelFollower* follower) : disk_(disk), follower_(follower) {}

  std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) override {
    const bool known = what == scenarios::Ask::disk_sectors && argument == 0;
    return known ? disk_.bytes() / block::kSectorSize : scenarios::kNotAvailable;
  }
  void before_look(std::uint8_t unit, std::uint16_t queue) override {
    if (follower_ != nullptr) {
      follower_->look(unit, queue);
    }
  }

 private:
  const DiskImage& disk_;
  ModelFollower* follower_;
};

std::vector<QuirkHit> quirk_hits(const model::QuirkCounts& counts) {
  std::vector<QuirkHit> hits;
  for (const model::QuirkInfo& info : model::all_quirks()) {
    const std::uint64_t count = counts[static_cast<unsigned>(info.quirk)];
    if (count != 0) {
      hits.push_back({std::string(info.name), std::string(info.clause), count});
    }
  }
  return hits;
}

RunResult aborted(const char* reason) {
  RunResult result;
  result.outcome = Outcome::error;
  result.reason = reason;
  return result;
}

class ModelTarget final : public Target {
 public:
  explicit ModelTarget(const ModelOptions& options) : options_(options) {}

  std::string identity() const override {
    return fmt::format("Ringside model pc-i440fx-7.2 (SystemC {}.{}.{})", SC_VERSION_MAJOR, SC_VERSION_MINOR,
                       SC_VERSION_PATCH);
  }

  RunResult run(const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) override {
    const auto start = std::chrono::steady_clock::now();
    const model::Latencies latencies = model_latencies(settings);
    const DiskImage image = open_disk_image(settings);
    RunResult result = run_on(image, latencies, scenario, settings, sink);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

 private:
  RunResult run_on(const DiskImage& image, const model::Latencies& latencies, const scenarios::Scenario& scenario,
                   const RunSettings& settings, trace::Sink& sink) {
    try {
      ModelDisk disk(image, settings.write_through);
      ModelRecorder recorder(sink);
      model::PowerOn power_on;
      model::DiskSetup& setup = power_on.disks.emplace_back();
      setup.disk.storage = &disk.storage();
      setup.disk.sectors = image.bytes() / block::kSectorSize;
      setup.disk.serial = kSerial;
      power_on.quirks = options_.quirks;
      power_on.latencies = latencies;
      power_on.dmi = options_.dmi;
      power_on.tap = settings.tracing == Tracing::off ? nullptr : &recorder.board();
      setup.tap = settings.tracing == Tracing::off ? nullptr : &recorder.disk(0);
#ifdef RINGSIDE_MUTANTS
      model::set_mutant(options_.mutant);
#endif
      RunResult result = play(power_on, image, scenario, settings, recorder);
      recorder.finish();
      return result;
    } catch (const std::exception& problem) {
      return aborted(problem.what());
    }
  }

  RunResult play(const model::PowerOn& power_on, const DiskImage& image, const scenarios::Scenario& scenario,
                 const RunSettings& settings, trace::Sink& sink) {
    Simulation& simulation = Simulation::instance();
    simulation.pc.power_on(power_on);
    simulation.cpu.power_on();
    std::optional<ModelFollower> follower;
    if (settings.follow != nullptr) {
      follower.emplace(*settings.follow, simulation.cpu, std::vector<model::VirtioBlkPci*>{&simulation.pc.disk});
    }
    ModelFollower* const follow = follower ? &*follower : nullptr;
    RunResult result;
    simulation.cpu.run([&] {
      ModelMachine machine(simulation.pc, simulation.cpu, follow, settings.timeout);
      ModelHooks hooks(image, follow);
      result = run_scenario(machine, hooks, image, scenario, settings, sink);
    });
    result.quirks = quirk_hits(simulation.pc.disk.quirk_counts());
    return result;
  }

  ModelOptions options_;
};

}  // namespace

std::unique_ptr<Target> make_model_target(const TargetSpec& spec, const RunSettings& settings) {
  check_model_machine(settings);
  (void)model_latencies(settings);
  return std::make_unique<ModelTarget>(model_options(spec));
}

TargetSummary model_summary() {
  TargetSummary summary;
  summary.name = "model";
  summary.summary = "a PC in SystemC/TLM-2.0, with timing";
  summary.options = {{"strict", "follow the specification, whatever it is compared with"},
                     {"dmi", "off: every DMA is a transaction of its own; the log stays the same (on)"},
                     {"quirks", "depart from the specification as a QEMU does: none or qemu-VERSION (none)"}};
#ifdef RINGSIDE_MUTANTS
  summary.options.emplace_back("mutant", "make a deliberate mistake");
#endif
  return summary;
}

}  // namespace ringside::targets
