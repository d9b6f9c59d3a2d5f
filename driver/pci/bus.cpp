#include "driver/pci/bus.h"

#include <new>

#include "driver/hal/mutant.h"
#include "driver/hal/text.h"
#include "driver/pci/ecam.h"
#include "driver/pci/express.h"

namespace ringside::pci {
namespace {

constexpr unsigned kDevices = 32;
constexpr unsigned kFunctions = 8;
constexpr unsigned kMostFunctions = 256;  // of the whole machine; any further are not seen
constexpr unsigned kMostLevels = 16;      // of buses behind buses
constexpr std::uint16_t kVirtioVendor = 0x1af4;

DeviceInfo describe(const ConfigSpace& config, Address address) {
  DeviceInfo info;
  info.address = address;
  const std::uint32_t id = config.read32(address, PCI_VENDOR_ID);
  info.vendor = static_cast<std::uint16_t>(id);
  info.device = static_cast<std::uint16_t>(id >> 16);
  const std::uint32_t class_and_revision = config.read32(address, PCI_REVISION_ID);
  info.class_code = class_and_revision >> 8;
  info.revision = static_cast<std::uint8_t>(class_and_revision);
  info.header_type = config.read8(address, PCI_HEADER_TYPE) & PCI_HEADER_TYPE_MASK;
  info.interrupt_pin = config.read8(address, PCI_INTERRUPT_PIN);
  info.interrupt_line = config.read8(address, PCI_INTERRUPT_LINE);
  if (info.is_bridge()) {
    info.secondary = config.read8(address, PCI_SECONDARY_BUS);
    info.subordinate = config.read8(address, PCI_SUBORDINATE_BUS);
  }
  return info;
}

}  // namespace

bool Bus::init(ConfigAccess access) {
  hal::Line().text("[PCI] Initializing PCI subsystem...").log_to(*machine_);
  devices_ =
      static_cast<DeviceInfo*>(machine_->alloc_private(sizeof(DeviceInfo) * kMostFunctions, alignof(DeviceInfo)));
  if (devices_ == nullptr) {
    hal::Line().text("[PCI] No memory for the device table").log_to(*machine_);
    return false;
  }
  if (!choose_access(access)) {
    hal::Line().text("[PCI] No memory-mapped configuration space").log_to(*machine_);
    return false;
  }
  scan();
  log_devices();
  return true;
}

bool Bus::choose_access(ConfigAccess access) {
  if (access == ConfigAccess::cam) {
    return true;
  }
  const hal::Window window = enable_ecam(*machine_);
  if (window.size != 0) {
    config_.use_ecam(window);
  }
  return window.size != 0 || access == ConfigAccess::automatic;
}

// Depth first, so that the numbers of all buses behind a bridge follow each other; without recursion, as the device
// decides how deep it goes.
void Bus::scan() {
  Level levels[kMostLevels];
  unsigned depth = 0;
  levels[0].last_bus = config_.last_bus();
  enter(levels[0]);
  for (;;) {
    Level& level = levels[depth];
    if (level.next == level.end) {
      if (depth == 0) {
        return;
      }
      leave(level, levels[--depth]);
      continue;
    }
    const auto index = static_cast<std::uint16_t>(level.next++);
    if (!devices_[index].is_bridge()) {
      continue;
    }
    if (depth + 1 < kMostLevels && open_bridge(level, index, levels[depth + 1])) {
      enter(levels[++depth]);
    } else {
      devices_[index].secondary = devices_[index].subordinate = 0;
      hal::Line().text("[PCI] No bus number for a bridge").log_to(*machine_);
    }
  }
}

void Bus::enter(Level& level) {
  level.begin = count_;
  // A PCI Express link has one device at its end, number 0; a port may answer for it under all the others too.
  const bool link = level.bridge != kNoBridge && leads_to_link(config_, devices_[level.bridge].address);
  const unsigned devices = link ? 1 : kDevices;
  for (unsigned device = 0; device < devices; ++device) {
    scan_device({static_cast<std::uint8_t>(level.bus), static_cast<std::uint8_t>(device), 0}, level.bridge);
  }
  level.next = level.begin;
  level.end = count_;
  level.next_bus = level.bus + 1;
  for (unsigned i = level.begin; i < level.end; ++i) {
    if (has_numbers(level, static_cast<std::uint16_t>(i)) && devices_[i].subordinate >= level.next_bus) {
      level.next_bus = devices_[i].subordinate + 1u;
    }
  }
}

void Bus::leave(const Level& level, Level& parent) {
  if (level.renumbered) {
    DeviceInfo& bridge = devices_[level.bridge];
    bridge.subordinate = static_cast<std::uint8_t>(level.next_bus - 1);
    write_numbers(bridge);
    parent.next_bus = level.next_bus;
  }
}

// Whether firmware has numbered it: inside its parent's numbers, and not those of a bridge beside it.
bool Bus::has_numbers(const Level& level, std::uint16_t index) const {
  const DeviceInfo& bridge = devices_[index];
  if (!bridge.is_bridge() || config_.read8(bridge.address, PCI_PRIMARY_BUS) != level.bus ||
      bridge.secondary <= level.bus || bridge.subordinate < bridge.secondary || bridge.subordinate > level.last_bus) {
    return false;
  }
  for (unsigned i = level.begin; i < index; ++i) {
    const DeviceInfo& other = devices_[i];
    if (other.is_bridge() && other.secondary <= bridge.subordinate && bridge.secondary <= other.subordinate) {
      return false;
    }
  }
  return true;
}

bool Bus::open_bridge(const Level& level, std::uint16_t index, Level& below) {
  DeviceInfo& bridge = devices_[index];
  below = Level{};
  below.bridge = index;
  if (has_numbers(level, index)) {
    below.bus = bridge.secondary;
    below.last_bus = bridge.subordinate;
    return true;
  }
  if (level.next_bus > level.last_bus) {
    return false;
  }
  below.bus = level.next_bus;
  below.last_bus = level.last_bus;
  below.renumbered = true;
  bridge.secondary = static_cast<std::uint8_t>(below.bus);
  bridge.subordinate = static_cast<std::uint8_t>(below.last_bus);  // all that is left, until we know how many it needs
  write_numbers(bridge);
  return true;
}

void Bus::write_numbers(const DeviceInfo& bridge) const {
  const std::uint32_t latency = config_.read32(bridge.address, PCI_PRIMARY_BUS) & 0xff00'0000;
  config_.write32(
      bridge.address, PCI_PRIMARY_BUS,
      latency | std::uint32_t{bridge.subordinate} << 16 | std::uint32_t{bridge.secondary} << 8 | bridge.address.bus);
}

void Bus::scan_device(Address first, std::uint16_t parent) {
  if (config_.read16(first, PCI_VENDOR_ID) == kNoVendor) {
    return;  // functions 1..7 exist only beside a function 0 (PCI 3.0, 3.2.2.3.4)
  }
  add(first, parent);
  if ((config_.read8(first, PCI_HEADER_TYPE) & PCI_HEADER_TYPE_MULTI_FUNCTION) == 0 ||
      hal::mutant(hal::Mutant::functions_beyond_0_missed)) {
    return;  // a single-function device may decode function 0 under all eight numbers
  }
  for (std::uint8_t function = 1; function < kFunctions; ++function) {
    const Address address{first.bus, first.device, function};
    if (config_.read16(address, PCI_VENDOR_ID) != kNoVendor) {
      add(address, parent);
    }
  }
}

void Bus::add(Address address, std::uint16_t parent) {
  if (count_ == kMostFunctions) {
    return;
  }
  DeviceInfo* const info = new (&devices_[count_++]) DeviceInfo(describe(config_, address));
  info->parent = parent;
}

void Bus::log_devices() {
  hal::Line().text("[PCI] Found ").dec(count_).text(" PCI device(s)").log_to(*machine_);
  for (unsigned i = 0; i < count_; ++i) {
    const DeviceInfo& info = devices_[i];
    hal::Line line;
    line.text("[PCI]   Bus ").dec(info.address.bus).text(" Device ").dec(info.address.device);
    line.text(" Func ").dec(info.address.function);
    line.text(": Vendor=").hex(info.vendor, 4).text(" Device=").hex(info.device, 4);
    if (info.vendor == kVirtioVendor) {
      line.text(" [VirtIO]");
    }
    line.log_to(*machine_);
  }
}

const DeviceInfo* Bus::find(std::uint16_t vendor, std::uint16_t device) const {
  for (unsigned i = 0; i < count_; ++i) {
    if (devices_[i].vendor == vendor && devices_[i].device == device) {
      return &devices_[i];
    }
  }
  return nullptr;
}

void enable_device(const ConfigSpace& config, Address address, std::uint16_t set, std::uint16_t clear) {
  const std::uint16_t command = config.read16(address, PCI_COMMAND);
  if (command != kNoCommand) {
    config.write16(address, PCI_COMMAND, static_cast<std::uint16_t>((command & ~clear) | set));
  }
}

}  // namespace ringside::pci
