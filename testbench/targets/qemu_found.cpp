#include "testbench/targets/qemu_found.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "testbench/targets/disk_image.h"
#include "testbench/targets/harness.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_machine.h"

namespace ringside::targets {
namespace {

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

// A start for nothing, so that a QEMU that cannot serve is known before the first scenario. Throws RunAborted.
void try_start(const QemuFound& found) {
  constexpr std::uint64_t kSmallDisk = 64u << 10;
  constexpr std::chrono::seconds kLimit{20};
  RunSettings bare;
  bare.machine = found.machine;
  const DiskImage disk = DiskImage::generated(kSmallDisk, 0);
  const QemuMachine machine(found.binary.path, plan_machine(bare), {&disk, 1}, kLimit);
}

}  // namespace

std::string QemuFound::identity() const { return fmt::format("QEMU {} {} {}", binary.version, machine, binary.path); }

QemuFound find_usable_qemu(const TargetSpec& spec, const RunSettings& settings) {
  const auto wanted = spec.options.find("binary");
  if (wanted != spec.options.end() && (wanted->second.empty() || wanted->second == "on")) {
    throw InputError(fmt::format("target {}: option binary has no value; expected binary=PATH", spec.name));
  }
  QemuFound found;
  found.machine = plan_machine(settings).type;
  check_version(found.machine);
  found.binary = find_qemu(wanted == spec.options.end() ? "" : wanted->second);
  try {
    try_start(found);
  } catch (const RunAborted& problem) {
    throw InputError(
        fmt::format("target {}: {} cannot serve: {}", spec.name, found.identity(), one_line(problem.what())));
  }
  return found;
}

std::string quirks_of_qemu(const QemuBinary& binary) {
  return fmt::format("qemu-{}.{}", binary.numbers.major, binary.numbers.minor);
}

TargetSummary summary_on_qemu() {
  TargetSummary summary;
  summary.options = {{"binary", "which QEMU: a path, or a name to look up in PATH (qemu-system-x86_64)"}};
  if (default_qemu_path().empty()) {
    summary.missing = "qemu-system-x86_64 is not installed: apt install qemu-system-x86";
  }
  return summary;
}

}  // namespace ringside::targets
