#include "testbench/targets/qemu_hotplug.h"

#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <thread>

#include "testbench/targets/qemu_command_line.h"

namespace ringside::targets {
namespace {

// ACPI's hot-plug registers (docs/specs/acpi_pci_hotplug in QEMU): which bus, and which of its slots to eject.
constexpr std::uint16_t kPcRegisters = 0xae00;
constexpr std::uint16_t kQ35Registers = 0x0cc0;
constexpr std::uint16_t kEject = 0x08;
constexpr std::uint16_t kRemovable = 0x0c;
constexpr std::uint16_t kSelectBus = 0x10;

// The drive of a device that was ejected is free a moment later.
constexpr unsigned kTries = 200;
constexpr std::chrono::milliseconds kBetweenTries{5};

std::string object_of(unsigned unit) { return "/machine/peripheral/" + device_id_of(unit); }

std::string bus_object(const std::string& bus) {
  return bus == "root" ? "pci.0" : fmt::format("/machine/peripheral/{}/{}", bus, bus);
}

bool is_alone(const MachinePlan& plan, unsigned unit) {
  const model::PciPlace& place = plan.disks[unit].properties.place;
  for (unsigned other = 0; other < plan.disks.size(); ++other) {
    const DiskPlan& disk = plan.disks[other];
    const model::PciPlace& beside = disk.properties.place;
    if (other != unit && !disk.given.ide() && beside.bus == place.bus && beside.device == place.device) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool can_unplug(const MachinePlan& plan, unsigned unit) {
  if (unit >= plan.disks.size() || plan.disks[unit].given.ide()) {
    return false;
  }
  const bool hot = plan.board == Board::pc || plan.disks[unit].properties.place.bus != "root";
  return hot && is_alone(plan, unit);
}

bool unplug_disk(Qtest& qtest, Qmp& qmp, const MachinePlan& plan, unsigned unit) {
  if (!can_unplug(plan, unit) || !qmp.has_object(object_of(unit))) {
    return false;
  }
  const model::PciPlace& place = plan.disks[unit].properties.place;
  const auto selector = qmp.number(bus_object(place.bus), "acpi-pcihp-bsel");
  if (!selector) {
    return false;
  }
  const std::uint16_t registers = plan.board == Board::pc ? kPcRegisters : kQ35Registers;
  qtest.write("outl", registers + kSelectBus, *selector);
  qtest.write("outl", registers + kEject, std::uint64_t{1} << place.device);
  // Writes are posted, and QMP is another socket: the answer to a read says that the slot was ejected.
  (void)qtest.read("inl", registers + kRemovable);
  return !qmp.has_object(object_of(unit));
}

bool plug_disk(Qmp& qmp, const MachinePlan& plan, unsigned unit) {
  if (!can_unplug(plan, unit) || qmp.has_object(object_of(unit))) {
    return false;
  }
  const std::string command = "device_add " + device_text(plan, unit);
  for (unsigned tries = 0; tries < kTries; ++tries) {
    if (qmp.command_line(command).empty()) {
      return true;
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
  return false;
}

}  // namespace ringside::targets
