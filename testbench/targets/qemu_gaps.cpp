#include "testbench/targets/qemu_gaps.h"

#include <fmt/core.h>

#include <array>
#include <utility>

#include "testbench/targets/qemu_hotplug.h"

namespace ringside::targets {
namespace {

constexpr std::array kCannot{
    std::pair{scenarios::Ask::hold, "QEMU cannot hold all requests of a disk"},
    std::pair{scenarios::Ask::media_error, "QEMU takes errors of the media only from its command line"}};
constexpr unsigned kSmallestRing = 4;
constexpr unsigned kLargestRing = 1024;

}  // namespace

std::string QemuGaps::gap_of(const ScenarioPlan& plan) const {
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
    if (std::string reason = gap_of_disk(disk); !reason.empty()) {
      return reason;
    }
  }
  return {};
}

std::string QemuGaps::gap_of_disk(const DiskPlan& disk) const {
  for (const auto& [name, value] : disk.given.values()) {
    if (origin_of(name) == PropertyOrigin::bench && value != "off" && value != "0" && !device_has(name)) {
      return fmt::format("QEMU {}.{} has no property {}", binary_.numbers.major, binary_.numbers.minor, name);
    }
  }
  const unsigned ring = disk.properties.queue_size;
  return ring < kSmallestRing || ring > kLargestRing
             ? fmt::format("QEMU's queue-size is {} to {}, not {}", kSmallestRing, kLargestRing, ring)
             : "";
}

// Asked of the program itself, and once: a newer version may have it.
bool QemuGaps::device_has(const std::string& property) const {
  if (device_help_.empty()) {
    device_help_ = qemu_device_help(binary_);
  }
  return device_help_.find("\n  " + property + "=") != std::string::npos;
}

}  // namespace ringside::targets
