#include "testbench/trace/pci_shadow.h"

namespace ringside::trace {
namespace {

constexpr unsigned kMaxCapabilities = 48;  // what fits between 0x40 and 0xff: a longer chain is a loop
constexpr unsigned kFirstCapability = 0x40;
constexpr int kMaxUnits = 255;
constexpr std::uint64_t kSmallestLegacyBar =
    0x20;                                    // header, vectors and capacity; a driver that sizes the BAR knows better
constexpr std::uint32_t kNoVendor = 0xffff;  // what nobody answers with (PCI 3.0, 6.1)
constexpr std::uint32_t kIoBar = 1;
constexpr std::uint32_t kMemory64 = 4;

int bar_index(unsigned offset) {
  const bool inside = offset >= PCI_BASE_ADDRESS_0 && offset < PCI_BASE_ADDRESS_0 + 4 * kPciBars;
  return inside ? static_cast<int>((offset - PCI_BASE_ADDRESS_0) / 4) : -1;
}

}  // namespace

void PciShadow::config_read(std::uint16_t bdf, unsigned offset, unsigned width, std::uint32_t value) {
  const bool absent = offset == PCI_VENDOR_ID && (value & kNoVendor) == kNoVendor;
  if (absent || offset + width > kPciConfigBytes) {
    return;
  }
  Function& function = of(bdf);
  bool changed = false;
  for (unsigned i = 0; i < width; ++i) {
    const auto byte = static_cast<std::uint8_t>(value >> (8 * i));
    changed |= !function.known[offset + i] || function.bytes[offset + i] != byte;
    function.bytes[offset + i] = byte;
    function.known[offset + i] = true;
  }
  const int index = bar_index(offset);
  if (index >= 0 && width == 4) {
    Bar& bar = function.bars[static_cast<std::size_t>(index)];
    (bar.sizing ? bar.mask : bar.written) = value;
  }
  if (changed) {
    if (offset < PCI_DEVICE_ID + sizeof(std::uint16_t)) {
      identify(function);
    }
    this->changed(function);
  }
}

const PciShadow::Function* PciShadow::function(std::uint16_t bdf) const {
  if (last_function_ == nullptr || bdf != last_bdf_) {
    const auto found = functions_.find(bdf);
    last_function_ = found == functions_.end() ? nullptr : &found->second;
    last_bdf_ = bdf;
  }
  return last_function_;
}

PciShadow::Function& PciShadow::of(std::uint16_t bdf) {
  return function(bdf) != nullptr ? const_cast<Function&>(*last_function_) : functions_[bdf];
}

// Ranges are those of block devices.
void PciShadow::changed(const Function& function) { dirty_ = dirty_ || function.unit >= 0; }

const PciShadow::Function* PciShadow::disk(std::uint16_t bdf) const {
  const Function* const found = function(bdf);
  return found == nullptr || found->unit < 0 ? nullptr : found;
}

unsigned PciShadow::window_of(const Function& function) {
  return capability(function, PCI_CAP_ID_VNDR, static_cast<std::uint32_t>(Structure::pci_cfg));
}

bool PciShadow::looks_like_window_data(const Function& function, unsigned offset) {
  if (offset < kFirstCapability + kCapConfigData) {
    return false;
  }
  const unsigned at = offset - kCapConfigData;
  return word(function, at, 1) == PCI_CAP_ID_VNDR &&
         word(function, at + kCapType, 1) == static_cast<std::uint32_t>(Structure::pci_cfg);
}

void PciShadow::config_written(std::uint16_t bdf, unsigned offset, unsigned width, std::uint32_t value) {
  const auto function = functions_.find(bdf);
  if (function != functions_.end() && offset >= kFirstCapability && offset + width <= kPciConfigBytes) {
    learn_ecam(function->second, offset, width, value);
    learn_capability_write(function->second, offset, width, value);
    changed(function->second);
    return;
  }
  const int index = bar_index(offset);
  if (index < 0 || width != 4) {
    return;
  }
  Function& written = functions_[bdf];
  Bar& bar = written.bars[static_cast<std::size_t>(index)];
  // All ones asks for the size; some drivers leave the type bits zero.
  bar.sizing = (value | 0xf) == 0xffff'ffff;
  if (!bar.sizing) {
    bar.written = value;
  }
  changed(written);
}

// PCIEXBAR of the q35's host bridge: bit 0 enables, bits 2:1 say how many buses, the rest is the base.
void PciShadow::learn_ecam(const Function& function, unsigned offset, unsigned width, std::uint32_t value) {
  if (!known(function, PCI_VENDOR_ID, 4) || word(function, PCI_VENDOR_ID, 4) != kQ35HostBridge || width != 4) {
    return;
  }
  if (offset == PCIEXBAR) {
    const std::uint64_t size = 0x1000'0000u >> (value >> 1 & 3);
    ecam_ = {(value & 1) != 0, (ecam_.base & ~0xffff'ffffull) | (value & ~static_cast<std::uint32_t>(size - 1)), size};
  } else if (offset == PCIEXBAR + 4) {
    ecam_.base = (ecam_.base & 0xffff'ffffu) | std::uint64_t{value} << 32;
  }
}

// Of what a driver writes to capabilities only this matters here: where the PCI_CFG window looks, and whether MSI-X is
// enabled. Other registers do not keep what is written.
void PciShadow::learn_capability_write(Function& function, unsigned offset, unsigned width, std::uint32_t value) {
  const unsigned window = capability(function, PCI_CAP_ID_VNDR, static_cast<std::uint32_t>(Structure::pci_cfg));
  const unsigned msix = capability(function, PCI_CAP_ID_MSIX, 0);
  for (unsigned i = 0; i < width; ++i) {
    const unsigned at = offset + i;
    const auto byte = static_cast<std::uint8_t>(value >> (8 * i));
    const bool of_window = window != 0 && at >= window + kCapBar && at < window + kCapConfigData;
    if (of_window) {
      function.bytes[at] = byte;
      function.known[at] = true;
    }
    if (msix != 0 && at == msix + kMsixControl + 1) {
      function.msix_enabled = (byte & PCI_MSIX_FLAGS_ENABLE >> 8) != 0;
    }
  }
}

std::optional<ConfigAddress> PciShadow::at_ecam(std::uint64_t address) const {
  const std::uint64_t offset = address - ecam_.base;
  if (!ecam_.enabled || offset >= ecam_.size) {
    return std::nullopt;
  }
  return ConfigAddress{static_cast<std::uint16_t>(offset / kEcamBytesPerFunction),
                       static_cast<unsigned>(offset % kEcamBytesPerFunction)};
}

std::optional<WindowAccess> PciShadow::through_window(const ConfigAddress& at) {
  const Function* const found = disk(at.bdf);
  if (found == nullptr || !looks_like_window_data(*found, at.offset)) {
    return std::nullopt;
  }
  const Function& function = *found;
  const unsigned window = window_of(function);
  if (window == 0 || at.offset != window + kCapConfigData) {
    return std::nullopt;
  }
  if (dirty_) {
    rebuild();
  }
  const std::uint32_t bar = word(function, window + kCapBar, 1);
  const std::uint64_t offset = word(function, window + kCapOffset, 4);
  const std::uint32_t width = word(function, window + kCapLength, 4);
  for (const Range& range : ranges_) {
    if (range.location.unit == function.unit && range.location.bar == bar && offset >= range.bar_offset &&
        offset - range.bar_offset < range.size && (width == 1 || width == 2 || width == 4)) {
      WindowAccess access{range.location, width};
      access.where.offset += offset - range.bar_offset;
      return access;
    }
  }
  return std::nullopt;
}

bool PciShadow::aims_window(const ConfigAddress& at) const {
  const Function* const function = disk(at.bdf);
  if (function == nullptr || at.offset < kFirstCapability) {
    return false;
  }
  const unsigned window = window_of(*function);
  return window != 0 && at.offset >= window + kCapBar && at.offset < window + kCapConfigData;
}

bool PciShadow::resets_function(const ConfigAddress& at, unsigned width, std::uint32_t value) const {
  const Function* const function = disk(at.bdf);
  if (function == nullptr || at.offset < kFirstCapability || width < 2 || (value & PCI_EXP_DEVCTL_BCR_FLR) == 0) {
    return false;
  }
  const unsigned express = capability(*function, PCI_CAP_ID_EXP, 0);
  return express != 0 && at.offset == express + kExpressDeviceControl;
}

int PciShadow::unit_of(std::uint16_t bdf) const {
  const Function* const function = disk(bdf);
  return function == nullptr ? -1 : function->unit;
}

void PciShadow::identify(Function& function) {
  if (function.unit >= 0 || units_ == kMaxUnits || !known(function, PCI_VENDOR_ID, 4)) {
    return;
  }
  const std::uint32_t device = word(function, PCI_DEVICE_ID, 2);
  if (word(function, PCI_VENDOR_ID, 2) == kVirtioVendor && (device == kTransitionalBlock || device == kModernBlock)) {
    function.unit = units_++;
  }
}

BarLocation PciShadow::find(bool io, std::uint64_t address) {
  if (dirty_) {
    rebuild();
  }
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    const std::size_t at = i == 0 ? last_ : (i <= last_ ? i - 1 : i);
    const Range& range = ranges_[at];
    if (range.assigned && range.io == io && address - range.base < range.size) {
      // A whole BAR must not hide a structure inside it from the next look-up.
      last_ = range.location.structure == Structure{} ? 0 : at;
      BarLocation location = range.location;
      location.offset += address - range.base;
      return location;
    }
  }
  return {};
}

void PciShadow::rebuild() {
  dirty_ = false;
  last_ = 0;
  ranges_.clear();
  for (const auto& [bdf, function] : functions_) {
    if (function.unit >= 0) {
      add_structures(function);
    }
  }
  for (const auto& [bdf, function] : functions_) {
    for (unsigned bar = 0; function.unit >= 0 && bar < kPciBars; ++bar) {
      add_range(function, bar, 0, window(function, bar).size, Structure{}, 0);
    }
  }
}

void PciShadow::add_structures(const Function& function) {
  const bool has_legacy = known(function, PCI_DEVICE_ID, 2) && word(function, PCI_DEVICE_ID, 2) == kTransitionalBlock;
  if (has_legacy && (word(function, PCI_BASE_ADDRESS_0, 4) & kIoBar) != 0) {
    const std::uint64_t size = window(function, 0).size;
    add_range(function, 0, 0, size != 0 ? size : kSmallestLegacyBar, Structure::legacy, 0);
  }
  unsigned at = word(function, PCI_CAPABILITY_LIST, 1) & 0xfcu;
  for (unsigned count = 0; at >= kFirstCapability && count < kMaxCapabilities; ++count) {
    if (!known(function, at, 2)) {
      return;
    }
    const std::uint32_t id = word(function, at, 1);
    if (id == PCI_CAP_ID_VNDR) {
      add_virtio(function, at);
    } else if (id == PCI_CAP_ID_MSIX) {
      add_msix(function, at);
    }
    at = word(function, at + 1, 1) & 0xfcu;
  }
}

void PciShadow::add_virtio(const Function& function, unsigned capability) {
  if (!known(function, capability + kCapType, 1) || !known(function, capability + kCapBar, 1) ||
      !known(function, capability + kCapOffset, 4) || !known(function, capability + kCapLength, 4)) {
    return;
  }
  const auto structure = static_cast<Structure>(word(function, capability + kCapType, 1));
  if (structure < Structure::common || structure > Structure::device) {
    return;  // the PCI_CFG window lies in configuration space; anything else is reserved
  }
  const std::uint32_t multiplier =
      structure == Structure::notify ? word(function, capability + kCapNotifyMultiplier, 4) : 0;
  add_range(function, word(function, capability + kCapBar, 1), word(function, capability + kCapOffset, 4),
            word(function, capability + kCapLength, 4), structure, multiplier);
}

void PciShadow::add_msix(const Function& function, unsigned capability) {
  if (!known(function, capability + kMsixTable, 4)) {
    return;
  }
  const std::uint32_t entries =
      known(function, capability + 2, 2) ? (word(function, capability + 2, 2) & 0x7ffu) + 1 : 0x800;
  const std::uint32_t table = word(function, capability + kMsixTable, 4);
  add_range(function, table & 7, table & ~7u, std::uint64_t{entries} * kMsixEntryBytes, Structure::msix_table, 0);
  if (known(function, capability + kMsixPba, 4)) {
    const std::uint32_t pending = word(function, capability + kMsixPba, 4);
    add_range(function, pending & 7, pending & ~7u, (entries + 63) / 64 * 8, Structure::msix_pba, 0);
  }
}

void PciShadow::add_range(const Function& function, unsigned bar, std::uint64_t offset, std::uint64_t size,
                          Structure structure, std::uint32_t multiplier) {
  if (bar >= kPciBars || size == 0) {
    return;
  }
  const BarWindow where = window(function, bar);
  Range range;
  range.io = where.io;
  range.assigned = where.base != 0;
  range.base = where.base + offset;
  range.bar_offset = offset;
  range.size = size;
  range.location.found = true;
  range.location.unit = static_cast<std::uint8_t>(function.unit);
  range.location.bar = static_cast<std::uint8_t>(bar);
  range.location.structure = structure;
  range.location.notify_multiplier = multiplier;
  range.location.msix_enabled = function.msix_enabled;
  ranges_.push_back(range);
}

unsigned PciShadow::capability(const Function& function, std::uint8_t id, std::uint32_t virtio_type) {
  unsigned at = word(function, PCI_CAPABILITY_LIST, 1) & 0xfcu;
  for (unsigned count = 0; at >= kFirstCapability && count < kMaxCapabilities && known(function, at, 2); ++count) {
    if (word(function, at, 1) == id && (virtio_type == 0 || word(function, at + kCapType, 1) == virtio_type)) {
      return at;
    }
    at = word(function, at + 1, 1) & 0xfcu;
  }
  return 0;
}

// The type bits are hardwired, so any read shows them, whatever the driver wrote.
PciShadow::BarWindow PciShadow::window(const Function& function, unsigned bar) {
  const Bar& low = function.bars[bar];
  const std::uint32_t type = word(function, PCI_BASE_ADDRESS_0 + 4 * bar, 4);
  if (low.sizing) {
    return {};
  }
  if ((type & kIoBar) != 0) {
    const std::uint32_t size = low.mask == 0 ? 0 : (~(low.mask & ~3u) + 1) & 0xffff;
    return {true, low.written & 0xfffcu, size};
  }
  std::uint64_t base = low.written & ~0xfu;
  std::uint64_t mask = 0xffff'ffff'0000'0000u | (low.mask & ~0xfu);
  if ((type & 0x6) == kMemory64) {
    if (bar + 1 == kPciBars || function.bars[bar + 1].sizing) {
      return {};
    }
    base |= std::uint64_t{function.bars[bar + 1].written} << 32;
  }
  return {false, base, (low.mask & ~0xfu) == 0 ? 0 : ~mask + 1};
}

bool PciShadow::known(const Function& function, unsigned offset, unsigned width) {
  for (unsigned i = 0; i < width; ++i) {
    if (offset + i >= kPciConfigBytes || !function.known[offset + i]) {
      return false;
    }
  }
  return true;
}

std::uint32_t PciShadow::word(const Function& function, unsigned offset, unsigned width) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < width && offset + i < kPciConfigBytes; ++i) {
    value |= std::uint32_t{function.bytes[offset + i]} << (8 * i);
  }
  return value;
}

}  // namespace ringside::trace
