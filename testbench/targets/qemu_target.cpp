#include "testbench/targets/qemu_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "driver/block/block_device.h"
#include "testbench/targets/harness.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_binary.h"
#include "testbench/targets/qemu_machine.h"

namespace ringside::targets {
namespace {

class QemuHooks final : public RunHooks {
 public:
  QemuHooks(QemuMachine& machine, std::span<const DiskImage> disks) : machine_(machine), disks_(disks) {}

  std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) override {
    switch (what) {
      case scenarios::Ask::disk_sectors:
        return argument < disks_.size() ? disks_[argument].bytes() / block::kSectorSize : scenarios::kNotAvailable;
      case scenarios::Ask::resize:
        return resize(argument);
      case scenarios::Ask::unplug:
        return argument < disks_.size() && machine_.unplug(static_cast<unsigned>(argument)) ? 1
                                                                                            : scenarios::kNotAvailable;
      case scenarios::Ask::plug:
        return argument < disks_.size() && machine_.plug(static_cast<unsigned>(argument)) ? 1
                                                                                          : scenarios::kNotAvailable;
      case scenarios::Ask::hold:
      case scenarios::Ask::release:
      case scenarios::Ask::media_error:
        return scenarios::kNotAvailable;
    }
    return scenarios::kNotAvailable;
  }

  // QEMU shows what it shows, when it does.
  void before_look(std::uint8_t, std::uint16_t) override {}

 private:
  std::uint64_t resize(std::uint64_t sectors) {
    constexpr std::uint64_t kMostSectors = std::uint64_t{1} << 40;
    const bool done = sectors <= kMostSectors && machine_.resize_disk(0, sectors * block::kSectorSize);
    return done ? sectors : scenarios::kNotAvailable;
  }

  QemuMachine& machine_;
  std::span<const DiskImage> disks_;
};

class QemuTarget final : public Target {
 public:
  QemuTarget(QemuBinary binary, MachinePlan plan) : binary_(std::move(binary)), plan_(std::move(plan)) {}

  std::string identity() const override {
    return fmt::format("QEMU {} {} {}", binary_.version, plan_.type, binary_.path);
  }
  std::string quirks_of() const override {
    return fmt::format("qemu-{}.{}", binary_.numbers.major, binary_.numbers.minor);
  }

  std::string gap(const scenarios::Scenario& scenario, const RunSettings& settings) const override {
    return gap_of(plan_scenario(scenario, settings));
  }

  RunResult run(const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) override {
    const auto start = std::chrono::steady_clock::now();
    const ScenarioPlan plan = plan_scenario(scenario, settings);
    if (const std::string reason = gap_of(plan); !reason.empty()) {
      return skipped(reason);
    }
    const std::vector<DiskImage> disks = open_disk_images(plan.machine, settings);
    RunResult result = run_on(plan.machine, disks, scenario, settings, sink);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

  // A start for nothing, so that a QEMU that cannot serve is known before the first scenario. Throws RunAborted.
  void try_start() const {
    constexpr std::uint64_t kSmallDisk = 64u << 10;
    constexpr std::chrono::seconds kLimit{20};
    RunSettings bare;
    bare.machine = plan_.type;
    const DiskImage disk = DiskImage::generated(kSmallDisk, 0);
    const QemuMachine machine(binary_.path, plan_machine(bare), {&disk, 1}, kLimit);
  }

 private:
  std::string gap_of(const ScenarioPlan& plan) const {
    if (!plan.gap.empty()) {
      return plan.gap;
    }
    for (const auto& [ask, reason] : kCannot) {
      if ((plan.asks & scenarios::asking(ask)) != 0) {
        return reason;
      }
    }
    for (unsigned unit = 0; unit < plan.machine.disks.size(); ++unit) {
      if ((plan.asks & scenarios::asking(scenarios::Ask::unplug)) != 0 && !can_unplug(plan.machine, unit)) {
        return fmt::format("QEMU cannot unplug disk {} where it sits", unit);
      }
    }
    for (const DiskPlan& disk : plan.machine.disks) {
      for (const auto& [name, value] : disk.given.values()) {
        if (origin_of(name) == PropertyOrigin::bench && value != "off" && value != "0" && !device_has(name)) {
          return fmt::format("QEMU {}.{} has no property {}", binary_.numbers.major, binary_.numbers.minor, name);
        }
      }
      if (disk.properties.queue_size < kSmallestRing || disk.properties.queue_size > kLargestRing) {
        return fmt::format("QEMU's queue-size is {} to {}, not {}", kSmallestRing, kLargestRing,
                           disk.properties.queue_size);
      }
    }
    return {};
  }

  // Asked of the program itself, and once: a newer version may have it.
  bool device_has(const std::string& property) const {
    if (device_help_.empty()) {
      device_help_ = qemu_device_help(binary_);
    }
    return device_help_.find("\n  " + property + "=") != std::string::npos;
  }

  RunResult run_on(const MachinePlan& plan, std::span<const DiskImage> disks, const scenarios::Scenario& scenario,
                   const RunSettings& settings, trace::Sink& sink) {
    try {
      QemuMachine machine(binary_.path, plan, disks, settings.timeout);
      QemuHooks hooks(machine, disks);
      return run_scenario(machine, hooks, disks, scenario, settings, sink);
    } catch (const RunAborted& problem) {
      RunResult result;
      result.outcome = Outcome::error;
      result.reason = problem.what();
      return result;
    }
  }

  static constexpr std::array kCannot{
      std::pair{scenarios::Ask::hold, "QEMU cannot hold all requests of a disk"},
      std::pair{scenarios::Ask::media_error, "QEMU takes errors of the media only from its command line"}};
  static constexpr unsigned kSmallestRing = 4;
  static constexpr unsigned kLargestRing = 1024;

  QemuBinary binary_;
  MachinePlan plan_;  // without a scenario's own wishes
  mutable std::string device_help_;
};

// A family, and after it nothing but a version: the type becomes part of an option.
void check_version(const std::string& type) {
  std::string_view rest = type;
  rest.remove_prefix(rest.rfind('-') + 1);
  if (!take_version(rest) || !rest.empty()) {
    throw InputError(
        fmt::format("machine \"{}\": expected a version at its end, as in {} and {}", type, kPcType, kQ35Type));
  }
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

std::unique_ptr<Target> make_qemu_target(const TargetSpec& spec, const RunSettings& settings) {
  const auto wanted = spec.options.find("binary");
  if (wanted != spec.options.end() && (wanted->second.empty() || wanted->second == "on")) {
    throw InputError("target qemu: option binary has no value; expected binary=PATH");
  }
  MachinePlan plan = plan_machine(settings);
  check_version(plan.type);
  QemuBinary binary = find_qemu(wanted == spec.options.end() ? "" : wanted->second);
  auto target = std::make_unique<QemuTarget>(std::move(binary), std::move(plan));
  try {
    target->try_start();
  } catch (const RunAborted& problem) {
    throw InputError(fmt::format("target qemu: {} cannot serve: {}", target->identity(), one_line(problem.what())));
  }
  return target;
}

TargetSummary qemu_summary() {
  TargetSummary summary;
  summary.name = "qemu";
  summary.summary = "QEMU's own virtio-blk-pci on an inert PC, over qtest";
  summary.options = {{"binary", "which QEMU: a path, or a name to look up in PATH (qemu-system-x86_64)"}};
  if (default_qemu_path().empty()) {
    summary.missing = "qemu-system-x86_64 is not installed: apt install qemu-system-x86";
  }
  return summary;
}

}  // namespace ringside::targets
