#include "testbench/targets/model_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "driver/block/block_device.h"
#include "testbench/targets/harness.h"
#include "testbench/targets/inner_state.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/model_disk.h"
#include "testbench/targets/model_follower.h"
#include "testbench/targets/model_hierarchy.h"
#include "testbench/targets/model_machine.h"
#include "testbench/targets/model_power.h"
#include "testbench/targets/model_recorder.h"
#include "testbench/targets/model_settings.h"
#include "testbench/targets/model_simulation.h"
#include "testbench/targets/run_aborted.h"

namespace ringside::targets {
namespace {

InnerState inner_state_of(const model::VirtioBlkPci& disk) {
  InnerState state;
  state.status = disk.inner_status();
  state.features = disk.inner_features();
  for (std::uint16_t number = 0; number < disk.inner_queues(); ++number) {
    const model::Virtqueue& queue = disk.inner_queue(number);
    const model::Virtqueue::Registers& registers = queue.registers;
    if (registers.enabled) {
      state.queues.push_back({number, registers.size, queue.next_available(), queue.next_used(), queue.in_flight,
                              queue.place().desc, queue.place().driver, queue.place().device});
    }
  }
  return state;
}

class ModelHooks final : public RunHooks {
 public:
  ModelHooks(ModelSimulation& simulation, const MachinePlan& plan, std::span<const DiskImage> images,
             std::deque<ModelDisk>& disks, std::deque<CuttableDisk>& power, ModelFollower* follower)
      : board_(simulation.board),
        cpu_(simulation.cpu),
        units_(discovery_order(plan)),
        images_(images),
        disks_(disks),
        power_(power),
        follower_(follower) {}

  std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) override {
    const auto unit = static_cast<unsigned>(std::min<std::uint64_t>(argument, images_.size()));
    switch (what) {
      case scenarios::Ask::disk_sectors:
        return unit < images_.size() ? images_[unit].bytes() / block::kSectorSize : scenarios::kNotAvailable;
      case scenarios::Ask::resize:
        return resize(argument);
      case scenarios::Ask::hold:
      case scenarios::Ask::release:
        hold(what == scenarios::Ask::hold);
        return 1;
      case scenarios::Ask::unplug:
        board_.catch_up(cpu_.now());
        return board_.unplug(unit) ? 1 : scenarios::kNotAvailable;
      case scenarios::Ask::plug:
        return board_.plug(unit) ? 1 : scenarios::kNotAvailable;
      case scenarios::Ask::media_error:
      case scenarios::Ask::calm:  // the harness's
        return scenarios::kNotAvailable;
    }
    return scenarios::kNotAvailable;
  }
  void before_look(std::uint8_t unit, std::uint16_t queue) override {
    if (follower_ != nullptr) {
      follower_->look(unit, queue);
    }
  }
  bool hold_up() override {
    const model::Picoseconds next = board_.next_completion();
    if (next == model::kNever || (follower_ != nullptr && follower_->rules())) {
      return false;
    }
    cpu_.sleep_until(std::max(next, cpu_.now()));
    board_.catch_up(cpu_.now());
    return true;
  }
  bool cut_power(const faults::Fault&) override {
    board_.catch_up(cpu_.now());
    bool sound = !power_.empty();
    for (CuttableDisk& disk : power_) {
      sound = disk.cut_power() && sound;
    }
    if (!sound) {
      return false;
    }
    power_.clear();
    throw PowerLost();
  }
  // What a disk asks is there for this run only.
  ~ModelHooks() {
    for (model::VirtioBlkPci* const disk : board_.disks()) {
      disk->inject(nullptr);
    }
  }
  bool inject(std::uint8_t unit, model::DeviceFaults& faults) override {
    if (unit >= units_.size() || units_[unit] >= board_.disks().size()) {
      return false;
    }
    board_.disk(units_[unit]).inject(&faults);
    return true;
  }
  bool inner_state(std::uint8_t unit, InnerState& state) override {
    if (unit >= units_.size() || !board_.plugged(units_[unit])) {
      return false;
    }
    board_.catch_up(cpu_.now());
    state = inner_state_of(board_.disk(units_[unit]));
    return true;
  }

 private:
  [[nodiscard]] std::uint64_t resize(std::uint64_t sectors) {
    constexpr std::uint64_t kMostSectors = std::uint64_t{1} << 40;
    board_.catch_up(cpu_.now());
    if (sectors == 0 || sectors > kMostSectors || !disks_.front().resize(sectors * block::kSectorSize)) {
      return scenarios::kNotAvailable;
    }
    board_.disk(0).resize(sectors, cpu_.now());
    return sectors;
  }
  void hold(bool hold) {
    board_.catch_up(cpu_.now());
    if (follower_ != nullptr && follower_->following()) {
      return;  // what completes, and when, is the schedule's to say
    }
    for (model::VirtioBlkPci* const disk : board_.disks()) {
      hold ? disk->hold_completions() : disk->free_completions();
    }
  }

  model::Board& board_;
  ModelCpu& cpu_;
  std::vector<unsigned> units_;  // of the log
  std::span<const DiskImage> images_;
  std::deque<ModelDisk>& disks_;
  std::deque<CuttableDisk>& power_;  // of the disks that have not lost it
  ModelFollower* follower_;
};

// The plan's first loss of power; null when it has none.
const faults::Fault* power_cut_of(const RunSettings& settings) {
  if (settings.faults == nullptr) {
    return nullptr;
  }
  const auto found = std::ranges::find(settings.faults->faults, faults::Action::power_cut, &faults::Fault::action);
  return found == settings.faults->faults.end() ? nullptr : &*found;
}

// What the log calls a disk of the plan.
std::uint8_t log_unit(const MachinePlan& plan, unsigned index) {
  const std::vector<unsigned> order = discovery_order(plan);
  return static_cast<std::uint8_t>(std::ranges::find(order, index) - order.begin());
}

model::MachineType machine_of(const MachinePlan& plan) {
  return plan.board == Board::pc ? model::MachineType::pc : model::MachineType::q35;
}

std::string gap_of(const ScenarioPlan& plan) {
  if (!plan.gap.empty()) {
    return plan.gap;
  }
  if (plan.firmware) {
    return firmware_gap(plan);
  }
  if ((plan.asks & scenarios::asking(scenarios::Ask::media_error)) != 0) {
    return "the model's media have no errors";
  }
  return {};
}

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
  ModelTarget(const ModelOptions& options, std::string machine) : options_(options), machine_(std::move(machine)) {}

  std::string identity() const override {
    return fmt::format("Ringside model {} (SystemC {}.{}.{})", machine_, SC_VERSION_MAJOR, SC_VERSION_MINOR,
                       SC_VERSION_PATCH);
  }

  std::string gap(const scenarios::Scenario& scenario, const RunSettings& settings) const override {
    return gap_of(plan_scenario(scenario, settings));
  }

  RunResult run(const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) override {
    const auto start = std::chrono::steady_clock::now();
    const model::Latencies latencies = model_latencies(settings);
    const ScenarioPlan plan = plan_scenario(scenario, settings);
    if (const std::string reason = gap_of(plan); !reason.empty()) {
      return skipped(reason);
    }
    const std::vector<DiskImage> images = open_disk_images(plan.machine, settings, DiskPlace::memory);
    RunResult result = run_on(plan.machine, images, latencies, scenario, settings, sink);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

 private:
  RunResult run_on(const MachinePlan& plan, std::span<const DiskImage> images, const model::Latencies& latencies,
                   const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) {
    try {
      std::deque<ModelDisk> disks;  // they do not move
      std::deque<CuttableDisk> power;
      const faults::Fault* const cut = power_cut_of(settings);
      const bool device_side = settings.tracing >= Tracing::events;
      ModelRecorder recorder(sink, settings.wanted);
      model::PowerOn power_on;
      for (unsigned unit = 0; unit < images.size(); ++unit) {
        ModelDisk& disk = disks.emplace_back(images[unit], settings.write_through);
        if (plan.disks[unit].given.ide()) {
          power_on.ide = {&disk.storage(), images[unit].bytes() / block::kSectorSize,
                          plan.disks[unit].properties.serial};
          continue;
        }
        model::DiskSetup& setup = power_on.disks.emplace_back();
        setup.disk.storage =
            cut == nullptr ? &disk.storage() : &power.emplace_back(disk.storage(), settings.seed, cut->value).storage();
        setup.disk.sectors = images[unit].bytes() / block::kSectorSize;
        setup.disk.serial = plan.disks[unit].properties.serial;
        setup.properties = plan.disks[unit].properties;
        setup.tap = device_side ? &recorder.disk(log_unit(plan, unit)) : nullptr;
      }
      power_on.machine = plan.board == Board::pc ? model::MachineType::pc : model::MachineType::q35;
      power_on.machine = machine_of(plan);
      power_on.quirks = options_.quirks;
      power_on.latencies = latencies;
      power_on.dmi = options_.dmi;
      power_on.tap = device_side ? &recorder.board() : nullptr;
#ifdef RINGSIDE_MUTANTS
      model::set_mutant(options_.mutant);
      hal::active_mutant = options_.driver_mutant;
#endif
      RunResult result = play(plan, power_on, images, disks, power, scenario, settings, recorder);
      for (CuttableDisk& disk : power) {
        if (!disk.keep()) {
          return aborted("a disk image cannot be written");
        }
      }
      recorder.finish();
      return result;
    } catch (const std::exception& problem) {
      return aborted(problem.what());
    }
  }

  RunResult play(const MachinePlan& plan, const model::PowerOn& power_on, std::span<const DiskImage> images,
                 std::deque<ModelDisk>& disks, std::deque<CuttableDisk>& power, const scenarios::Scenario& scenario,
                 const RunSettings& settings, trace::Sink& sink) {
    ModelSimulation& simulation = ModelSimulation::instance();
    simulation.board.power_on(power_on);
    simulation.cpu.power_on();
    std::optional<ModelFollower> follower;
    if (settings.follow != nullptr) {
      std::vector<model::VirtioBlkPci*> units;
      for (const unsigned index : discovery_order(plan)) {
        units.push_back(&simulation.board.disk(index));
      }
      follower.emplace(*settings.follow, simulation.cpu, std::move(units));
    }
    ModelFollower* const follow = follower ? &*follower : nullptr;
    RunResult result;
    simulation.cpu.run([&] {
      ModelMachine machine(simulation.board, simulation.cpu, follow, settings.limit());
      ModelHooks hooks(simulation, plan, images, disks, power, follow);
      result = run_scenario(machine, hooks, images, scenario, settings, sink, options_.memory);
    });
    result.quirks = quirk_hits(simulation.board.quirk_counts());
    return result;
  }

  ModelOptions options_;
  std::string machine_;
};

}  // namespace

std::string model_modules() {
  ModelSimulation::instance().cpu.run([] {});
  return elaborated_hierarchy();
}

std::unique_ptr<Target> make_model_target(const TargetSpec& spec, const RunSettings& settings) {
  const MachinePlan plan = plan_machine(settings);
  check_model_machine(plan);
  (void)model_latencies(settings);
  const ModelOptions options = model_options(spec);
  if (settings.tracing == Tracing::requests && !options.memory.as_written()) {
    throw InputError(
        "requests alone are recorded where memory is as the driver writes it, without memory= and without=");
  }
  return std::make_unique<ModelTarget>(options, plan.type);
}

TargetSummary model_summary() {
  TargetSummary summary;
  summary.name = "model";
  summary.summary = "a PC in SystemC/TLM-2.0, with timing";
  summary.options = {{"strict", "follow the specification, whatever it is compared with"},
                     {"dmi", "off: every DMA is a transaction of its own; the log stays the same (on)"},
                     {"memory", "weak: what memory order leaves open is decided at random, from the seed (plain)"},
                     {"without",
                      "barriers that the driver calls and that are not there: some of avail_publish, "
                      "avail_notify, used_consume, used_rearm, with a + between"},
                     {"quirks", "depart from the specification as a QEMU does: none or qemu-VERSION (none)"}};
  summary.settings = model_setting_summaries();
#ifdef RINGSIDE_MUTANTS
  summary.options.emplace_back("mutant", "make a deliberate mistake");
  summary.options.emplace_back("driver-mutant", "let the driver make one");
#endif
  return summary;
}

}  // namespace ringside::targets
