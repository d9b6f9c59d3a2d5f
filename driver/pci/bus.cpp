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
constexpr unsigned kMostLevels = 16;  // of buses behind buses
constexpr std::uint16_t kVirtioVendor = 0x1af4;

// Each register of the header is read once, and what lies side by side together: a scan is most of what a machine sees
// of its configuration space, and an access to it costs thousands of instructions where a hypervisor answers.
DeviceInfo describe(const ConfigSpace& config, Address address, std::uint32_t id, std::uint8_t header) {
  DeviceInfo info;
  info.address = address;
  info.vendor = static_cast<std::uint16_t>(id);
  info.device = static_cast<std::uint16_t>(id >> 16);
  const std::uint32_t class_and_revision = config.read32(address, PCI_REVISION_ID);
  info.class_code = class_and_revision >> 8;
  info.revision = static_cast<std::uint8_t>(class_and_revision);
  info.header_type = header & PCI_HEADER_TYPE_MASK;
  const std::uint16_t line_and_pin = config.read16(address, PCI_INTERRUPT_LINE);
  info.interrupt_line = static_cast<std::uint8_t>(line_and_pin);
  info.interrupt_pin = static_cast<std::uint8_t>(line_and_pin >> 8);
  if (info.is_bridge()) {
    info.secondary = config.read8(address, PCI_SECONDARY_BUS);
    info.subordinate = config.read8(address, PCI_SUBORDINATE_BUS);
  }
  return info;
}

}  // namespace

bool Bus::init(ConfigAccess access) {
  hal::Line().text("[PCI] Initializing PCI subsystem...").log_to(*machine_);
  if (!choose_access(access)) {
    hal::Line().text("[PCI] No memory-mapped configuration space").log_to(*machine_);
    return false;
  }
  scan();
  if (out_of_memory_) {
    hal::Line().text("[PCI] No memory for the device table").log_to(*machine_);
    return false;
  }
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
    if (!(*this)[index].is_bridge()) {
      continue;
    }
    if (depth + 1 < kMostLevels && open_bridge(level, index, levels[depth + 1])) {
      enter(levels[++depth]);
    } else {
      (*this)[index].secondary = (*this)[index].subordinate = 0;
      hal::Line().text("[PCI] No bus number for a bridge").log_to(*machine_);
    }
  }
}

void Bus::enter(Level& level) {
  level.begin = count_;
  // A PCI Express link has one device at its end, number 0; a port may answer for it under all the others too.
  const bool link = level.bridge != kNoBridge && leads_to_link(config_, (*this)[level.bridge].address);
  const unsigned devices = link ? 1 : kDevices;
  for (unsigned device = 0; device < devices; ++device) {
    scan_device({static_cast<std::uint8_t>(level.bus), static_cast<std::uint8_t>(device), 0}, level.bridge);
  }
  level.next = level.begin;
  level.end = count_;
  level.next_bus = level.bus + 1;
  for (unsigned i = level.begin; i < level.end; ++i) {
    if (has_numbers(level, static_cast<std::uint16_t>(i)) && (*this)[i].subordinate >= level.next_bus) {
      level.next_bus = (*this)[i].subordinate + 1u;
    }
  }
}

void Bus::leave(const Level& level, Level& parent) {
  if (level.renumbered) {
    DeviceInfo& bridge = (*this)[level.bridge];
    bridge.subordinate = static_cast<std::uint8_t>(level.next_bus - 1);
    write_numbers(bridge);
    parent.next_bus = level.next_bus;
  }
}

// Whether firmware has numbered it: inside its parent's numbers, and not those of a bridge beside it.
bool Bus::has_numbers(const Level& level, std::uint16_t index) const {
  const DeviceInfo& bridge = (*this)[index];
  if (!bridge.is_bridge() || config_.read8(bridge.address, PCI_PRIMARY_BUS) != level.bus ||
      bridge.secondary <= level.bus || bridge.subordinate < bridge.secondary || bridge.subordinate > level.last_bus) {
    return false;
  }
  for (unsigned i = level.begin; i < index; ++i) {
    const DeviceInfo& other = (*this)[i];
    if (other.is_bridge() && other.secondary <= bridge.subordinate && bridge.secondary <= other.subordinate) {
      return false;
    }
  }
  return true;
}

bool Bus::open_bridge(const Level& level, std::uint16_t index, Level& below) {
  DeviceInfo& bridge = (*this)[index];
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
  const std::optional<std::uint8_t> header = scan_function(first, parent);
  if (!header) {
    return;  // functions 1..7 exist only beside a function 0 (PCI 3.0, 3.2.2.3.4)
  }
  if ((*header & PCI_HEADER_TYPE_MULTI_FUNCTION) == 0 || hal::mutant(hal::Mutant::functions_beyond_0_missed)) {
    return;  // a single-function device may decode function 0 under all eight numbers
  }
  for (std::uint8_t function = 1; function < kFunctions; ++function) {
    (void)scan_function({first.bus, first.device, function}, parent);
  }
}

std::optional<std::uint8_t> Bus::scan_function(Address address, std::uint16_t parent) {
  const std::uint32_t id = config_.read32(address, PCI_VENDOR_ID);
  if (static_cast<std::uint16_t>(id) == kNoVendor) {
    return std::nullopt;
  }
  const std::uint8_t header = config_.read8(address, PCI_HEADER_TYPE);
  if (DeviceInfo* const info = new_entry(); info != nullptr) {
    *info = describe(config_, address, id, header);
    info->parent = parent;
  }
  return header;
}

DeviceInfo* Bus::new_entry() {
  if (count_ == kMostFunctions) {
    return nullptr;
  }
  DeviceInfo*& shelf = shelves_[count_ / kShelf];
  if (count_ % kShelf == 0) {
    shelf = static_cast<DeviceInfo*>(machine_->alloc_private(sizeof(DeviceInfo) * kShelf, alignof(DeviceInfo)));
    out_of_memory_ = out_of_memory_ || shelf == nullptr;
  }
  return shelf == nullptr ? nullptr : new (&shelf[count_++ % kShelf]) DeviceInfo;
}

void Bus::log_devices() {
  hal::Line().text("[PCI] Found ").dec(count_).text(" PCI device(s)").log_to(*machine_);
  for (unsigned i = 0; i < count_; ++i) {
    const DeviceInfo& info = (*this)[i];
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
    if ((*this)[i].vendor == vendor && (*this)[i].device == device) {
      return &(*this)[i];
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
