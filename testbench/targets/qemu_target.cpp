#include "testbench/targets/qemu_target.h"

#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "testbench/targets/harness.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_binary.h"
#include "testbench/targets/qemu_found.h"
#include "testbench/targets/qemu_gaps.h"
#include "testbench/targets/qemu_inner_state.h"
#include "testbench/targets/qemu_machine.h"
#include "testbench/targets/qemu_media.h"

namespace ringside::targets {
namespace {

class QemuHooks final : public RunHooks {
 public:
  QemuHooks(QemuMachine& machine, const MachinePlan& plan, const QemuVersion& version)
      : machine_(machine),
        plan_(plan),
        media_(machine.qmp()),
        units_(discovery_order(plan)),
        tells_(tells_inner_state(version)) {}

  std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) override { return machine_.ask(what, argument); }
  // QEMU shows what it shows, when it does.
  void before_look(std::uint8_t, std::uint16_t) override {}
  bool fail_media(const faults::Fault& fault) override {
    if (fault.unit >= units_.size()) {
      return false;
    }
    const unsigned disk = units_[fault.unit];
    return media_.fail(disk, plan_.disks.at(disk).properties.read_only, fault);
  }
  bool inner_state(std::uint8_t unit, InnerState& state) override {
    if (!tells_ || unit >= units_.size()) {
      return false;
    }
    std::optional<InnerState> told = qemu_inner_state(machine_.qmp(), units_[unit]);
    if (told) {
      state = std::move(*told);
    }
    return told.has_value();
  }

 private:
  QemuMachine& machine_;
  const MachinePlan& plan_;
  QemuMedia media_;
  std::vector<unsigned> units_;  // of the log
  bool tells_;
};

class QemuTarget final : public Target {
 public:
  explicit QemuTarget(QemuFound found) : found_(std::move(found)), gaps_(found_.binary) {}

  std::string identity() const override { return found_.identity(); }
  std::string quirks_of() const override { return quirks_of_qemu(found_.binary); }

  std::string gap(const scenarios::Scenario& scenario, const RunSettings& settings) const override {
    return gap_of(plan_scenario(scenario, settings), settings);
  }

  RunResult run(const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) override {
    const auto start = std::chrono::steady_clock::now();
    const ScenarioPlan plan = plan_scenario(scenario, settings);
    if (const std::string reason = gap_of(plan, settings); !reason.empty()) {
      return skipped(reason);
    }
    const std::vector<DiskImage> disks = open_disk_images(plan.machine, settings);
    RunResult result = run_on(plan.machine, disks, scenario, settings, sink);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

 private:
  [[nodiscard]] std::string gap_of(const ScenarioPlan& plan, const RunSettings& settings) const {
    if (settings.faults != nullptr) {
      if (std::string gap = faults::gap_on(faults::kOnQemu, *settings.faults); !gap.empty()) {
        return gap;
      }
    }
    return plan.firmware ? firmware_gap(plan) : gaps_.gap_of(plan);
  }

  RunResult run_on(const MachinePlan& plan, std::span<const DiskImage> disks, const scenarios::Scenario& scenario,
                   const RunSettings& settings, trace::Sink& sink) {
    try {
      QemuMachine machine(found_.binary.path, plan, disks, settings.limit());
      if (settings.recording != nullptr) {
        machine.record(*settings.recording);
      }
      QemuHooks hooks(machine, plan, found_.binary.numbers);
      return run_scenario(machine, hooks, disks, scenario, settings, sink);
    } catch (const RunAborted& problem) {
      RunResult result;
      result.outcome = Outcome::error;
      result.reason = problem.what();
      return result;
    }
  }

  QemuFound found_;
  QemuGaps gaps_;
};

}  // namespace

std::unique_ptr<Target> make_qemu_target(const TargetSpec& spec, const RunSettings& settings) {
  return std::make_unique<QemuTarget>(find_usable_qemu(spec, settings));
}

TargetSummary qemu_summary() {
  TargetSummary summary = summary_on_qemu();
  summary.name = "qemu";
  summary.summary = "QEMU's own virtio-blk-pci on an inert PC, over qtest";
  return summary;
}

}  // namespace ringside::targets
