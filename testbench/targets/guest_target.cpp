#include "testbench/targets/guest_target.h"

#include <fmt/core.h>

#include <chrono>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "testbench/targets/guest_image.h"
#include "testbench/targets/guest_log.h"
#include "testbench/targets/guest_order.h"
#include "testbench/targets/guest_run.h"
#include "testbench/targets/harness.h"
#include "testbench/targets/kvm_probe.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_found.h"
#include "testbench/targets/qemu_gaps.h"
#include "testbench/targets/recording_bench.h"

namespace ringside::targets {
namespace {

constexpr char kNotBuilt[] = "this program was built without the guest's image, which needs GCC on x86-64";

// What the target's own options say.
struct GuestOptions {
  std::string accelerator = "tcg";
  guest::Mistake mistake = guest::Mistake::none;
};

class GuestTarget final : public Target {
 public:
  GuestTarget(QemuFound found, const GuestOptions& options)
      : found_(std::move(found)), gaps_(found_.binary), options_(options) {}

  std::string identity() const override {
    return fmt::format("{}, the guest on {}", found_.identity(), options_.accelerator);
  }
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
    GuestLog log(sink);
    RunResult result;
    try {
      GuestRun run(found_.binary.path, plan.machine, disks, order(scenario, settings, plan), settings.limit());
      run.serve(log);
      result.reason = log.first_failure();
      result.outcome = result.reason.empty() ? Outcome::held : Outcome::failed;
      record_disks(log, disks, settings);
    } catch (const RunAborted& problem) {
      result.outcome = Outcome::error;
      result.reason = problem.what();
    }
    record_verdict(log, result, settings);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

 private:
  std::string gap_of(const ScenarioPlan& plan, const RunSettings& settings) const {
    if (settings.faults != nullptr) {
      return "faults are made between the driver and its machine, where the bench does not reach on a guest";
    }
    return gaps_.gap_of(plan);
  }

  GuestOrder order(const scenarios::Scenario& scenario, const RunSettings& settings, const ScenarioPlan& plan) const {
    GuestOrder order;
    order.accelerator = options_.accelerator;
    order.start = plan.firmware ? GuestStart::kernel : GuestStart::rom;
    order.scenario = scenario.name;
    order.steps = scenario.steps;
    order.seed = settings.seed;
    order.tracing = settings.tracing;
    order.mistake = options_.mistake;
    order.debugging = settings.debugging;
    return order;
  }

  // What ends every log, see harness.cpp: here the bench adds it, for it has the disks.
  static void record_disks(GuestLog& log, std::span<const DiskImage> disks, const RunSettings& settings) {
    for (std::uint8_t unit = 0; settings.tracing != Tracing::off && unit < disks.size(); ++unit) {
      trace::Record record = bench_record(trace::Kind::disk_hash);
      record.unit = unit;
      record.hash = disks[unit].hash();
      record.length = disks[unit].bytes();
      log.append_now(record);
    }
  }
  static void record_verdict(GuestLog& log, const RunResult& result, const RunSettings& settings) {
    if (settings.tracing != Tracing::off) {
      trace::Record record = bench_record(trace::Kind::verdict);
      record.value = result.outcome == Outcome::held ? 1 : 0;
      log.append_now(record);
    }
  }

  QemuFound found_;
  QemuGaps gaps_;
  GuestOptions options_;
};

GuestOptions options_of(const TargetSpec& spec) {
  GuestOptions options;
  if (const auto accel = spec.options.find("accel"); accel != spec.options.end()) {
    if (accel->second != "tcg" && accel->second != "kvm") {
      throw InputError(fmt::format("target guest: accel={}; expected tcg or kvm", accel->second));
    }
    options.accelerator = accel->second;
  }
  if (const auto mistake = spec.options.find("mistake"); mistake != spec.options.end()) {
    options.mistake = guest_mistake(mistake->second);
  }
  return options;
}

}  // namespace

std::unique_ptr<Target> make_guest_target(const TargetSpec& spec, const RunSettings& settings) {
  const GuestOptions options = options_of(spec);
  if (guest_image().rom.empty()) {
    throw LackingError(fmt::format("target guest: {}", kNotBuilt));
  }
  if (options.accelerator == "kvm") {
    require_kvm();
  }
  return std::make_unique<GuestTarget>(find_usable_qemu(spec, settings), options);
}

TargetSummary guest_summary() {
  TargetSummary summary = summary_on_qemu();
  summary.name = "guest";
  summary.summary = "a bare-metal guest on QEMU's CPU, against QEMU's own virtio-blk-pci";
  summary.debugged_remotely = true;
  summary.options.emplace_back("accel", "who executes it: tcg, or kvm where that works (tcg)");
  summary.options.emplace_back("mistake", "a deliberate one, to see what is said of it: " + guest_mistake_names());
  if (guest_image().rom.empty()) {
    summary.missing = kNotBuilt;
  }
  return summary;
}

}  // namespace ringside::targets
