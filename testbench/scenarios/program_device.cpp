#include "testbench/scenarios/program_device.h"

#include <new>

#include "driver/block/find.h"
#include "driver/pci/resources.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/program_table.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint64_t kMapped = 0;
constexpr std::uint64_t kLegacy = 2;

bool was_given(const Step& step, unsigned slot) { return (step.given >> slot & 1) != 0; }

// A register of 64 bits takes two accesses (4.1.3.1), the lower half first.
std::uint64_t read(const pci::RegisterWindow& window, std::uint32_t offset, std::uint64_t width) {
  switch (width) {
    case 1:
      return window.read8(offset);
    case 2:
      return window.read16(offset);
    case 4:
      return window.read32(offset);
    default: {
      const std::uint64_t low = window.read32(offset);
      return low | std::uint64_t{window.read32(offset + 4)} << 32;
    }
  }
}

void write(const pci::RegisterWindow& window, std::uint32_t offset, std::uint64_t width, std::uint64_t value) {
  switch (width) {
    case 1:
      return window.write8(offset, static_cast<std::uint8_t>(value));
    case 2:
      return window.write16(offset, static_cast<std::uint16_t>(value));
    case 4:
      return window.write32(offset, static_cast<std::uint32_t>(value));
    default:
      window.write32(offset, static_cast<std::uint32_t>(value));
      window.write32(offset + 4, static_cast<std::uint32_t>(value >> 32));
  }
}

bool is_width(std::uint64_t width, std::uint64_t most) {
  return (width == 1 || width == 2 || width == 4 || width == 8) && width <= most;
}

}  // namespace

void ProgramDevice::find(const Step& step) {
  transport_ = nullptr;
  bus_ = pci::Bus(context_.machine());
  if (!report_.check(bus_.init(static_cast<pci::ConfigAccess>(step.args[FindArgs::config])), "the bus is scanned")) {
    return;
  }
  pci::assign_resources(bus_);
  const auto* const device = block::find_virtio_block_device(bus_, static_cast<unsigned>(step.args[FindArgs::disk]));
  if (!report_.check(device != nullptr && device->problem == nullptr, "there is a virtio disk")) {
    return;
  }
  address_ = device->address;
  const bool master = step.args[FindArgs::bus_master] != 0;
  pci::enable_device(bus_.config(), address_,
                     static_cast<std::uint16_t>(pci::PCI_COMMAND_IO | pci::PCI_COMMAND_MEMORY |
                                                (master ? pci::PCI_COMMAND_MASTER : 0)));
  using Access = virtio::ModernTransport::Access;
  const std::uint64_t access = step.args[FindArgs::access];
  const char* problem = nullptr;
  if (access == kLegacy) {
    problem = legacy_.init(device->bars);
    transport_ = &legacy_;
  } else {
    modern_.~ModernTransport();
    new (&modern_) virtio::ModernTransport(context_.machine());  // it takes the first structure that it sees
    problem =
        modern_.init(bus_.config(), address_, device->bars, access == kMapped ? Access::mapped : Access::config_window);
    transport_ = &modern_;
  }
  if (!report_.check(problem == nullptr, "its registers are found")) {
    transport_ = nullptr;
  }
}

virtio::Transport* ProgramDevice::transport() {
  report_.require(transport_ != nullptr, "a device has been found");
  return transport_;
}

// --- Configuration space

pci::Address ProgramDevice::function_of(const Step& step) const {
  if (!was_given(step, RegisterArgs::function)) {
    return address_;
  }
  const std::uint64_t number = step.args[RegisterArgs::function];
  return {static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number >> 3 & 31),
          static_cast<std::uint8_t>(number & 7)};
}

bool ProgramDevice::may_access(std::uint16_t offset, std::uint64_t width) {
  return transport() != nullptr && report_.require(is_width(width, 4) && offset % width == 0, "the access is aligned");
}

void ProgramDevice::config_read(const Step& step) {
  const auto offset = static_cast<std::uint16_t>(step.args[RegisterArgs::offset]);
  const std::uint64_t width = step.args[RegisterArgs::width];
  if (!may_access(offset, width)) {
    return;
  }
  const pci::ConfigSpace& config = bus_.config();
  const pci::Address function = function_of(step);
  tell(step, width == 1   ? config.read8(function, offset)
             : width == 2 ? config.read16(function, offset)
                          : config.read32(function, offset));
}

void ProgramDevice::config_write(const Step& step) {
  const auto offset = static_cast<std::uint16_t>(step.args[RegisterArgs::offset]);
  const std::uint64_t width = step.args[RegisterArgs::width];
  if (!may_access(offset, width)) {
    return;
  }
  const pci::ConfigSpace& config = bus_.config();
  const pci::Address function = function_of(step);
  const std::uint64_t value = step.args[RegisterArgs::value];
  if (width == 1) {
    config.write8(function, offset, static_cast<std::uint8_t>(value));
  } else if (width == 2) {
    config.write16(function, offset, static_cast<std::uint16_t>(value));
  } else {
    config.write32(function, offset, static_cast<std::uint32_t>(value));
  }
}

// --- The virtio structures

pci::RegisterWindow ProgramDevice::window(std::uint64_t structure) const {
  if (transport_ == &legacy_) {
    return structure == virtio::VIRTIO_PCI_CAP_DEVICE_CFG ? legacy_.device_config() : legacy_.registers();
  }
  return modern_.structure(static_cast<std::uint8_t>(structure));
}

ProgramDevice::Place ProgramDevice::place_of(const Step& step) {
  if (const NamedRegister* const known = register_at(step.args[RegisterArgs::known]); known != nullptr) {
    return {window(known->structure), known->offset, known->width};
  }
  return {window(step.args[RegisterArgs::structure]), static_cast<std::uint32_t>(step.args[RegisterArgs::offset]),
          step.args[RegisterArgs::width]};
}

// The interface wants natural alignment (hal::Machine), but for ports. Outside of the structure is the program's right,
// outside of what a BAR may span is not.
bool ProgramDevice::valid(const Place& place) {
  constexpr std::uint32_t kMostOffset = 1u << 20;
  const bool is_sound = is_width(place.width, 8) && place.offset <= kMostOffset;
  const bool aligned = is_sound && place.offset % (place.width < 4 ? place.width : 4) == 0;
  return report_.require(aligned || (is_sound && transport_ == &legacy_), "the register can be accessed so");
}

void ProgramDevice::register_read(const Step& step) {
  if (transport() == nullptr) {
    return;
  }
  const Place place = place_of(step);
  if (valid(place)) {
    tell(step, read(place.window, place.offset, place.width));
  }
}

void ProgramDevice::register_write(const Step& step, std::uint64_t value) {
  if (transport() == nullptr) {
    return;
  }
  const Place place = place_of(step);
  if (valid(place)) {
    write(place.window, place.offset, place.width, value);
  }
}

void ProgramDevice::tell(const Step& step, std::uint64_t value) {
  const std::uint64_t mask = step.args[RegisterArgs::mask];
  report_.observe("value", value & mask);
  if (was_given(step, RegisterArgs::expect)) {
    report_.check((value & mask) == step.args[RegisterArgs::expect], "the value is what was expected");
  }
}

// --- Status and features

void ProgramDevice::reset() {
  if (transport() != nullptr) {
    report_.check(transport_->reset(), "the device resets");
  }
}

void ProgramDevice::write_status(std::uint8_t value) {
  if (transport_ == &legacy_) {
    legacy_.registers().write8(virtio::VIRTIO_PCI_STATUS, value);
  } else {
    window(virtio::VIRTIO_PCI_CAP_COMMON_CFG).write8(virtio::VIRTIO_PCI_COMMON_STATUS, value);
  }
}

void ProgramDevice::leave() {
  if (transport_ != nullptr) {
    static_cast<void>(transport_->reset());  // a device that has broken its bus need not hear it
  }
}

void ProgramDevice::status(const Step& step) {
  if (transport() != nullptr) {
    write_status(static_cast<std::uint8_t>(step.args[StatusArgs::value]));
    report_.observe("status", transport_->status());
  }
}

void ProgramDevice::negotiate(const Step& step) {
  if (transport() == nullptr) {
    return;
  }
  report_.check(transport_->reset(), "the device resets");
  transport_->add_status(virtio::VIRTIO_CONFIG_S_ACKNOWLEDGE);
  transport_->add_status(virtio::VIRTIO_CONFIG_S_DRIVER);
  report_.observe("offered", transport_->offered_features());
  const bool modern_default = transport_->is_legacy() && !was_given(step, NegotiateArgs::features);
  features_ = modern_default ? 0 : step.args[NegotiateArgs::features];
  const bool accepted = transport_->accept_features(features_);
  report_.observe("accepted", accepted ? 1 : 0);
  const std::uint64_t expected = step.args[NegotiateArgs::expect];
  report_.check(expected == static_cast<std::uint64_t>(Expected::any) ||
                    accepted == (expected == static_cast<std::uint64_t>(Expected::yes)),
                "the features are accepted, or not, as expected");
}

}  // namespace ringside::scenarios
