#include "testbench/targets/qemu_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "driver/block/block_device.h"
#include "testbench/targets/harness.h"
#include "testbench/targets/qemu_binary.h"
#include "testbench/targets/qemu_machine.h"

namespace ringside::targets {
namespace {

constexpr char kMachine[] = "pc-i440fx-7.2";

class QemuHooks final : public RunHooks {
 public:
  QemuHooks(QemuMachine& machine, const DiskImage& disk) : machine_(machine), disk_(disk) {}

  std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) override {
    switch (what) {
      case scenarios::Ask::disk_sectors:
        return argument == 0 ? disk_.bytes() / block::kSectorSize : scenarios::kNotAvailable;
      case scenarios::Ask::resize:
        return resize(argument);
      case scenarios::Ask::hold:
      case scenarios::Ask::release:
      case scenarios::Ask::media_error:
      case scenarios::Ask::unplug:
      case scenarios::Ask::plug:
        return scenarios::kNotAvailable;
    }
    return scenarios::kNotAvailable;
  }

  // QEMU shows what it shows, when it does.
  void before_look(std::uint8_t, std::uint16_t) override {}

 private:
  std::uint64_t resize(std::uint64_t sectors) {
    constexpr std::uint64_t kMostSectors = std::uint64_t{1} << 40;
    const bool done = sectors <= kMostSectors && machine_.resize_disk(sectors * block::kSectorSize);
    return done ? sectors : scenarios::kNotAvailable;
  }

  QemuMachine& machine_;
  const DiskImage& disk_;
};

class QemuTarget final : public Target {
 public:
  QemuTarget(QemuBinary binary, std::string machine) : binary_(std::move(binary)), machine_(std::move(machine)) {}

  std::string identity() const override {
    return fmt::format("QEMU {} {} {}", binary_.version, machine_, binary_.path);
  }
  std::string quirks_of() const override {
    return fmt::format("qemu-{}.{}", binary_.numbers.major, binary_.numbers.minor);
  }

  RunResult run(const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) override {
    const auto start = std::chrono::steady_clock::now();
    const DiskImage disk = open_disk_image(settings);
    RunResult result = run_on(disk, scenario, settings, sink);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

  // A start for nothing, so that a QEMU that cannot serve is known before the first scenario. Throws RunAborted.
  void try_start() const {
    constexpr std::uint64_t kSmallDisk = 64u << 10;
    constexpr std::chrono::seconds kLimit{20};
    const DiskImage disk = DiskImage::generated(kSmallDisk, 0);
    const QemuMachine machine(binary_.path, machine_, disk, kLimit);
  }

 private:
  RunResult run_on(const DiskImage& disk, const scenarios::Scenario& scenario, const RunSettings& settings,
                   trace::Sink& sink) {
    try {
      QemuMachine machine(binary_.path, machine_, disk, settings.timeout);
      QemuHooks hooks(machine, disk);
      return run_scenario(machine, hooks, disk, scenario, settings, sink);
    } catch (const RunAborted& problem) {
      RunResult result;
      result.outcome = Outcome::error;
      result.reason = problem.what();
      return result;
    }
  }

  QemuBinary binary_;
  std::string machine_;
};

std::string machine_type(const std::string& wanted) {
  if (wanted == "pc") {
    return kMachine;
  }
  std::string_view rest = wanted;
  constexpr std::string_view kFamily = "pc-i440fx-";
  if (rest.starts_with(kFamily)) {
    rest.remove_prefix(kFamily.size());
    if (take_version(rest) && rest.empty()) {
      return wanted;
    }
  }
  throw InputError(
      fmt::format("machine \"{}\": the target qemu has none like it; expected pc or pc-i440fx-VERSION, as in {}",
                  wanted, kMachine));
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
  const std::string machine = machine_type(settings.machine);
  QemuBinary binary = find_qemu(wanted == spec.options.end() ? "" : wanted->second);
  auto target = std::make_unique<QemuTarget>(std::move(binary), machine);
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
