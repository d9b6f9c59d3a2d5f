#include "driver/pci/bus.h"

#include "driver/hal/text.h"
#include "driver/pci/registers.h"

namespace ringside::pci {
namespace {

constexpr unsigned kDevices = 32;
constexpr unsigned kFunctions = 8;
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
  return info;
}

}  // namespace

bool Bus::init() {
  hal::Line().text("[PCI] Initializing PCI subsystem...").log_to(*machine_);
  devices_ = static_cast<DeviceInfo*>(
      machine_->alloc_private(sizeof(DeviceInfo) * kDevices * kFunctions, alignof(DeviceInfo)));
  if (devices_ == nullptr) {
    hal::Line().text("[PCI] No memory for the device table").log_to(*machine_);
    return false;
  }
  for (unsigned device = 0; device < kDevices; ++device) {
    scan_device(static_cast<std::uint8_t>(device));
  }
  log_devices();
  return true;
}

void Bus::scan_device(std::uint8_t device) {
  const Address first{0, device, 0};
  if (config_.read16(first, PCI_VENDOR_ID) == kNoVendor) {
    return;  // functions 1..7 exist only beside a function 0 (PCI 3.0, 3.2.2.3.4)
  }
  add(first);
  if ((config_.read8(first, PCI_HEADER_TYPE) & PCI_HEADER_TYPE_MULTI_FUNCTION) == 0) {
    return;  // a single-function device may decode function 0 under all eight numbers
  }
  for (std::uint8_t function = 1; function < kFunctions; ++function) {
    const Address address{0, device, function};
    if (config_.read16(address, PCI_VENDOR_ID) != kNoVendor) {
      add(address);
    }
  }
}

void Bus::add(Address address) { devices_[count_++] = describe(config_, address); }

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
  config.write16(address, PCI_COMMAND, static_cast<std::uint16_t>((command & ~clear) | set));
}

}  // namespace ringside::pci
