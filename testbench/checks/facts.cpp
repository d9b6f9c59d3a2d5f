#include "testbench/checks/facts.h"

#include <algorithm>

namespace ringside::checks {
namespace {

using namespace trace;

constexpr std::uint16_t kThroughWindow = 1;
constexpr unsigned kCommand = 0x04;
constexpr unsigned kCommandMaster = 0x4;
constexpr unsigned kFirstCapability = 0x40;
constexpr unsigned kMaxCapabilities = 48;  // what fits behind the header: a longer chain is a loop
constexpr std::uint32_t kVirtioDevices = 0x1000;
constexpr std::uint32_t kLastVirtioDevice = 0x107f;
constexpr std::uint32_t kMsixTableSize = 0x7ff;

bool is_register(const Record& record) {
  return record.width != 0 && record.width <= 4 && record.offset < kPciConfigBytes &&
         record.offset + record.width <= kPciConfigBytes;
}

// What a function that is gone answers with.
bool is_all_ones(const Record& record) {
  return record.width != 0 && record.value == (~std::uint64_t{0} >> (64 - 8 * std::min<unsigned>(record.width, 8)));
}

std::optional<unsigned> bar_at(std::uint64_t offset) {
  const bool inside = offset >= PCI_BASE_ADDRESS_0 && offset < PCI_BASE_ADDRESS_0 + 4 * kPciBars && offset % 4 == 0;
  return inside ? std::optional(static_cast<unsigned>((offset - PCI_BASE_ADDRESS_0) / 4)) : std::nullopt;
}

Function::Kind kind_of(const Function& function) {
  const std::uint32_t device = function.word(PCI_DEVICE_ID, 2).value_or(0);
  if (function.word(PCI_VENDOR_ID, 2) != kVirtioVendor || device < kVirtioDevices || device > kLastVirtioDevice) {
    return Function::Kind::other;
  }
  const bool block = device == kTransitionalBlock || device == kModernBlock;
  return block ? Function::Kind::block : Function::Kind::virtio;
}

}  // namespace

const DeviceFacts Facts::kNothing{};

unsigned Function::capability(std::uint8_t id) const {
  unsigned at = word(PCI_CAPABILITY_LIST, 1).value_or(0) & 0xfcu;
  for (unsigned i = 0; i < kMaxCapabilities && at >= kFirstCapability; ++i) {
    if (word(at, 1) == id) {
      return at;
    }
    at = word(at + 1, 1).value_or(0) & 0xfcu;
  }
  return 0;
}

bool Function::all_capabilities_known() const {
  auto next = word(PCI_CAPABILITY_LIST, 1);
  for (unsigned i = 0; i < kMaxCapabilities && next && (*next & 0xfc) >= kFirstCapability; ++i) {
    const unsigned at = *next & 0xfc;
    next = knows(at, 1) ? word(at + 1, 1) : std::nullopt;
  }
  return next.has_value();
}

bool Facts::is_function_reset(const Record& record) const {
  if (record.kind != Kind::config_write || accessed_ == nullptr || !accessed_->is_block_device()) {
    return false;
  }
  const unsigned express = accessed_->capability(PCI_CAP_ID_EXP);
  return express != 0 && record.offset == express + kExpressDeviceControl &&
         (record.value & PCI_EXP_DEVCTL_BCR_FLR) != 0;
}

DeviceFacts& Facts::of(std::uint8_t unit) {
  if (unit >= devices_.size()) {
    devices_.resize(unit + std::size_t{1});
  }
  return devices_[unit];
}

void Facts::learn(const Record& record) {
  switch (record.kind) {
    case Kind::config_read:
      turn_to(record.region);
      config_read(record);
      break;
    case Kind::config_write:
      turn_to(record.region);
      config_write(record);
      break;
    case Kind::register_read:
    case Kind::register_write:
      if (record.region == static_cast<std::uint32_t>(Structure::legacy)) {
        of(record.unit).legacy = true;
      } else if (record.region == static_cast<std::uint32_t>(Structure::common)) {
        of(record.unit).legacy = false;
      }
      break;
    case Kind::device_status:
      if (record.flags == 0) {
        DeviceFacts& device = of(record.unit);
        device.status = static_cast<std::uint8_t>(record.value);
        if (record.value == 0) {
          device.accepted = 0;
        }
      }
      break;
    case Kind::features:
      if (record.flags == 0) {
        of(record.unit).offer_known = true;
        of(record.unit).offered = record.value;
      } else {
        of(record.unit).accepted = record.value;
      }
      break;
    default:
      break;
  }
}

// One function is mostly read from its beginning to its end.
void Facts::turn_to(std::uint32_t region) {
  if (accessed_ == nullptr || region != accessed_region_) {
    const auto found = functions_.find(region);
    accessed_ = found == functions_.end() ? nullptr : &found->second;
    accessed_region_ = region;
  }
}

void Facts::config_read(const Record& record) {
  if ((record.flags & kThroughWindow) != 0 || !is_register(record)) {
    return;
  }
  if (is_all_ones(record)) {                                                         // nobody there, or no longer
    const bool tells = record.offset == PCI_VENDOR_ID || record.offset == kCommand;  // of both no function has all bits
    if (tells && accessed_ != nullptr) {
      if (accessed_->is_block_device()) {
        of(accessed_->unit).gone = true;
      }
      forget(*accessed_);
      functions_.erase(record.region);
      accessed_ = nullptr;
    }
    return;
  }
  if (accessed_ == nullptr) {
    accessed_ = &functions_[record.region];
  }
  Function& function = *accessed_;
  if (const auto bar = bar_at(record.offset); bar && function.bars[*bar].sizing) {
    function.bars[*bar].mask = static_cast<std::uint32_t>(record.value);
    ++function.news;
    return;
  }
  const unsigned news = function.news;
  learn_bytes(record, function);
  if (!function.is_block_device()) {
    return;
  }
  if (function_of(record.unit) != &function) {
    forget(function);
    function.unit = record.unit;
    file(function);
  }
  of(record.unit).gone = false;
  if (function.news != news) {
    learn_msix(function);
  }
}

void Facts::learn_bytes(const Record& record, Function& function) {
  for (unsigned i = 0; i < record.width; ++i) {
    const auto byte = static_cast<std::uint8_t>(record.value >> (8 * i));
    const std::size_t at = record.offset + i;
    function.news += !function.known[at] || function.bytes[at] != byte ? 1 : 0;
    function.bytes[at] = byte;
    function.known.set(at);
  }
  if (record.offset < PCI_DEVICE_ID + sizeof(std::uint16_t)) {
    function.kind = kind_of(function);
    if (!function.is_block_device()) {
      forget(function);
    }
  }
}

void Facts::learn_msix(const Function& function) {
  const unsigned msix = function.capability(PCI_CAP_ID_MSIX);
  const auto control = msix == 0 ? std::nullopt : function.word(msix + kMsixControl, 2);
  if (control) {
    of(function.unit).vectors = (*control & kMsixTableSize) + 1;
    of(function.unit).msix_enabled = (*control & PCI_MSIX_FLAGS_ENABLE) != 0;
  }
}

void Facts::file(const Function& function) {
  by_unit_.resize(std::max(by_unit_.size(), function.unit + std::size_t{1}));
  by_unit_[function.unit] = &function;
}

void Facts::forget(const Function& function) {
  std::ranges::replace(by_unit_, &function, static_cast<const Function*>(nullptr));
}

// What a driver writes is remembered where monitors ask for it: BARs that are sized, and whether MSI-X is enabled.
void Facts::config_write(const Record& record) {
  if (accessed_ == nullptr || !is_register(record)) {
    return;
  }
  Function& function = *accessed_;
  if (const auto bar = bar_at(record.offset)) {
    function.bars[*bar].sizing = record.width == 4 && (record.value | 0xf) == 0xffff'ffff;
  }
  if (!function.is_block_device()) {
    return;
  }
  if (record.offset == kCommand) {
    of(function.unit).off_the_bus = (record.value & kCommandMaster) == 0;
  }
  if (is_function_reset(record)) {
    of(function.unit).msix_enabled = false;
    of(function.unit).status = 0;
    return;
  }
  const unsigned msix = function.capability(PCI_CAP_ID_MSIX);
  const unsigned control = msix + kMsixControl + 1;
  if (msix != 0 && record.offset <= control && control < record.offset + record.width) {
    const auto high = static_cast<std::uint8_t>(record.value >> (8 * (control - record.offset)));
    function.bytes[control] = high;
    of(function.unit).msix_enabled = (high & PCI_MSIX_FLAGS_ENABLE >> 8) != 0;
  }
}

}  // namespace ringside::checks
