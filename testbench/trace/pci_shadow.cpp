#include "testbench/trace/pci_shadow.h"

namespace ringside::trace {
namespace {

constexpr unsigned kMaxCapabilities = 48;  // what fits between 0x40 and 0xff: a longer chain is a loop
constexpr int kMaxUnits = 255;
constexpr std::uint32_t kIoBar = 1;
constexpr std::uint32_t kMemory64 = 4;

int bar_index(unsigned offset) {
  const bool inside = offset >= PCI_BASE_ADDRESS_0 && offset < PCI_BASE_ADDRESS_0 + 4 * kPciBars;
  return inside ? static_cast<int>((offset - PCI_BASE_ADDRESS_0) / 4) : -1;
}

}  // namespace

void PciShadow::config_read(std::uint16_t bdf, unsigned offset, unsigned width, std::uint32_t value) {
  const bool absent = width == 4 && offset == PCI_VENDOR_ID && value == 0xffff'ffff;
  if (absent || offset + width > kPciConfigBytes) {
    return;
  }
  Function& function = functions_[bdf];
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
    identify(function);
    dirty_ = true;
  }
}

void PciShadow::config_written(std::uint16_t bdf, unsigned offset, unsigned width, std::uint32_t value) {
  const int index = bar_index(offset);
  if (index < 0 || width != 4) {
    return;
  }
  Bar& bar = functions_[bdf].bars[static_cast<std::size_t>(index)];
  // All ones asks for the size; some drivers leave the type bits zero.
  bar.sizing = (value | 0xf) == 0xffff'ffff;
  if (!bar.sizing) {
    bar.written = value;
  }
  dirty_ = true;
}

int PciShadow::unit_of(std::uint16_t bdf) const {
  const auto function = functions_.find(bdf);
  return function == functions_.end() ? -1 : function->second.unit;
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
    if (range.io == io && address - range.base < range.size) {
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
  unsigned at = word(function, PCI_CAPABILITY_LIST, 1) & 0xfcu;
  for (unsigned count = 0; at >= 0x40 && count < kMaxCapabilities; ++count) {
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
  const BarWindow where = bar < kPciBars ? window(function, bar) : BarWindow{};
  if (where.base == 0 || size == 0) {
    return;
  }
  Range range;
  range.io = where.io;
  range.base = where.base + offset;
  range.size = size;
  range.location.found = true;
  range.location.unit = static_cast<std::uint8_t>(function.unit);
  range.location.bar = static_cast<std::uint8_t>(bar);
  range.location.structure = structure;
  range.location.notify_multiplier = multiplier;
  ranges_.push_back(range);
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
