#include "testbench/targets/machine_plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>

#include "driver/block/block_device.h"
#include "testbench/targets/disk_image.h"

namespace ringside::targets {
namespace {

using scenarios::kMostDisks;

// Where the disks sit that nobody placed: the first where QEMU's would, 5 left to the bridge.
constexpr std::array<std::uint8_t, kMostDisks> kRootDevices{4, 6, 7, 8};

// As the bridges before them follow each other on the root bus.
constexpr std::array<std::string_view, 6> kBusesInOrder{"root", "port0", "port1", "port2", "port3", "bridge0"};

Board board_of(const std::string& type) {
  if (type.starts_with("pc-i440fx-")) {
    return Board::pc;
  }
  if (type.starts_with("pc-q35-")) {
    return Board::q35;
  }
  throw InputError(fmt::format("machine \"{}\": unknown; expected pc, q35, or a versioned type, as in {} and {}", type,
                               kPcType, kQ35Type));
}

const char* name_of(Board board) { return board == Board::pc ? "pc" : "q35"; }

std::vector<std::string> devices_of(const scenarios::Setup& setup) {
  std::vector<std::string> devices;
  for (const char* const device : setup.devices) {
    if (device == nullptr) {
      break;
    }
    devices.emplace_back(device);
  }
  return devices;
}

std::uint8_t default_device(const std::string& bus, unsigned unit) {
  return bus == "root" ? kRootDevices.at(unit) : static_cast<std::uint8_t>(bus == "bridge0" ? 1 + unit : 0);
}

DiskPlan plan_disk(const DeviceProperties& given, unsigned unit) {
  DiskPlan disk;
  disk.given = given;
  disk.properties.serial = serial_of(unit);
  given.apply_to(disk.properties);
  if (!given.says("physical_block_size")) {  // QEMU would refuse: no disk's block is smaller than a logical one
    disk.properties.physical_block_size =
        std::max(disk.properties.physical_block_size, disk.properties.logical_block_size);
  }
  if (!given.says("addr")) {
    disk.properties.place.device = default_device(disk.properties.place.bus, unit);
  }
  check_combination(disk.properties);
  return disk;
}

[[noreturn]] void refuse_place(const DiskPlan& disk, const std::string& problem) {
  const model::PciPlace& place = disk.properties.place;
  throw InputError(
      fmt::format("--device: a disk at {} {:02x}.{:x}: {}", place.bus, place.device, place.function, problem));
}

// What of the board itself sits on the root bus.
bool is_taken(const MachinePlan& plan, unsigned device) {
  const bool chipset = device == 0 || device == (plan.board == Board::pc ? 1u : 31u);
  return chipset || (device == kBridgeDevice && plan.has_bridge()) ||
         (device == kRootPortDevice && plan.root_ports() != 0);
}

void check_place(const MachinePlan& plan, const DiskPlan& disk) {
  const model::PciPlace& place = disk.properties.place;
  const bool port = place.bus.starts_with("port");
  if (port && plan.board == Board::pc) {
    refuse_place(disk, "the machine pc has no root ports; expected --machine q35");
  }
  if (port && place.device != 0) {
    refuse_place(disk, "behind a root port there is only device 0");
  }
  if (place.bus == "root" && is_taken(plan, place.device)) {
    refuse_place(disk, "that device number is the board's own");
  }
}

// Nobody looks for a function but through function 0.
void check_function(const MachinePlan& plan, const DiskPlan& disk) {
  const model::PciPlace& place = disk.properties.place;
  const bool reachable =
      place.function == 0 || std::ranges::any_of(plan.disks, [&](const DiskPlan& other) {
        const model::PciPlace& beside = other.properties.place;
        return !other.given.ide() && beside.bus == place.bus && beside.device == place.device && beside.function == 0;
      });
  if (!reachable) {
    refuse_place(disk, "there is no function 0");
  }
}

void check_neighbours(const DiskPlan& disk, const DiskPlan& other) {
  const model::PciPlace& place = disk.properties.place;
  const model::PciPlace& beside = other.properties.place;
  if (place.bus != beside.bus || place.device != beside.device) {
    return;
  }
  if (place.function == beside.function) {
    refuse_place(disk, "two disks are there");
  }
  if (beside.function == 0 && !beside.multifunction) {
    refuse_place(disk, "function 0 beside it needs multifunction=on");
  }
}

void check_places(const MachinePlan& plan) {
  for (const DiskPlan& disk : plan.disks) {
    if (disk.given.ide()) {
      continue;
    }
    check_place(plan, disk);
    check_function(plan, disk);
    for (const DiskPlan& other : plan.disks) {
      if (&other != &disk && !other.given.ide()) {
        check_neighbours(disk, other);
      }
    }
  }
}

void check_ide(const MachinePlan& plan) {
  const auto ide = std::ranges::count_if(plan.disks, [](const DiskPlan& disk) { return disk.given.ide(); });
  if (ide > 1) {
    throw InputError("--device ide: given twice; expected at most one disk on the IDE controller");
  }
  if (ide != 0 && plan.board != Board::pc) {
    throw InputError("--device ide: the machine q35 has no IDE controller; expected --machine pc");
  }
}

MachinePlan plan_of(const scenarios::Setup& setup, const RunSettings& settings) {
  MachinePlan plan;
  plan.type = machine_type(settings.machine);
  plan.board = board_of(plan.type);
  plan.generated_bytes = setup.disk_sectors == 0 ? kGeneratedDiskBytes : setup.disk_sectors * block::kSectorSize;
  const std::vector<std::string> wishes = devices_of(setup);
  const std::size_t count = std::max({wishes.size(), settings.devices.size(), settings.disks.size(), std::size_t{1}});
  if (count > kMostDisks) {
    throw InputError(fmt::format("{} disks; expected at most {}", count, kMostDisks));
  }
  for (unsigned unit = 0; unit < count; ++unit) {
    DeviceProperties given = unit < wishes.size() ? DeviceProperties::parse(wishes[unit]) : DeviceProperties{};
    given.override_with(unit < settings.devices.size() ? DeviceProperties::parse(settings.devices[unit])
                                                       : DeviceProperties{});
    plan.disks.push_back(plan_disk(given, unit));
    plan.disks.back().image = unit < settings.disks.size() ? settings.disks[unit] : "";
  }
  check_ide(plan);
  check_places(plan);
  return plan;
}

}  // namespace

bool MachinePlan::has_bridge() const {
  return std::ranges::any_of(disks, [](const DiskPlan& disk) { return disk.properties.place.bus == "bridge0"; });
}

unsigned MachinePlan::root_ports() const {
  unsigned count = 0;
  for (const DiskPlan& disk : disks) {
    const std::string& bus = disk.properties.place.bus;
    if (bus.starts_with("port")) {
      count = std::max(count, static_cast<unsigned>(bus.back() - '0') + 1);
    }
  }
  return count;
}

std::string serial_of(unsigned unit) { return fmt::format("ringside-{}", unit); }

std::string machine_type(const std::string& machine) {
  return machine == "pc" ? kPcType : machine == "q35" ? kQ35Type : machine;
}

RunSettings settings_for(const scenarios::Scenario& scenario, RunSettings settings) {
  const std::string wish = scenario.setup.machine == nullptr ? "pc" : scenario.setup.machine;
  settings.machine = machine_type(settings.machine.empty() ? wish : settings.machine);
  return settings;
}

MachinePlan plan_machine(const RunSettings& settings) { return plan_of({}, settings); }

std::vector<unsigned> discovery_order(const MachinePlan& plan) {
  std::vector<unsigned> order;
  for (unsigned index = 0; index < plan.disks.size(); ++index) {
    if (!plan.disks[index].given.ide()) {
      order.push_back(index);
    }
  }
  const auto place = [&](unsigned index) {
    const model::PciPlace& at = plan.disks[index].properties.place;
    const auto bus = std::ranges::find(kBusesInOrder, at.bus) - kBusesInOrder.begin();
    return std::tuple(bus, at.device, at.function);
  };
  std::ranges::sort(order, {}, place);
  return order;
}

ScenarioPlan plan_scenario(const scenarios::Scenario& scenario, const RunSettings& settings) {
  ScenarioPlan plan;
  plan.machine = plan_machine(settings);
  plan.asks = scenario.setup.asks;
  plan.firmware = scenario.setup.firmware;
  const char* const wish = scenario.setup.machine;
  if (wish != nullptr && plan.machine.board != board_of(machine_type(wish))) {
    plan.gap = fmt::format("the scenario is for the machine {}, this is {}", wish, name_of(plan.machine.board));
    return plan;
  }
  try {
    plan.machine = plan_of(scenario.setup, settings);
  } catch (const InputError& problem) {
    plan.gap = fmt::format("what the scenario needs and what is asked for do not go together: {}", problem.what());
  }
  return plan;
}

std::string firmware_gap(const ScenarioPlan& plan) {
  return plan.firmware ? "firmware runs before the scenario, and here no CPU does" : "";
}

}  // namespace ringside::targets
