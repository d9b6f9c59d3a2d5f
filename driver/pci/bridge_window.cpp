#include "driver/pci/bridge_window.h"

#include "driver/pci/registers.h"

namespace ringside::pci {
namespace {

// `base` and `limit` are the first and the last granule's addresses.
BridgeWindow decode(std::uint64_t base, std::uint64_t limit, Space space) {
  if (base == 0 || base > limit) {
    return {};
  }
  return {base, limit - base + window_granularity(space), window_granularity(space)};
}

BridgeWindow read_io(const ConfigSpace& config, Address address) {
  const std::uint32_t value = config.read16(address, PCI_IO_BASE);
  const bool wide = (value & PCI_RANGE_TYPE_MASK) == PCI_RANGE_TYPE_WIDE;
  const std::uint32_t upper = wide ? config.read32(address, PCI_IO_BASE_UPPER16) : 0;
  const std::uint64_t base = (upper & 0xffffu) << 16 | (value & 0x00f0u) << 8;
  const std::uint64_t limit = (upper & 0xffff'0000u) | (value & 0xf000u);
  return decode(base, limit, Space::io);
}

std::uint64_t memory_base(std::uint32_t value) { return std::uint64_t{value & 0xfff0u} << 16; }
std::uint64_t memory_limit(std::uint32_t value) { return value & 0xfff0'0000u; }

BridgeWindow read_memory(const ConfigSpace& config, Address address) {
  const std::uint32_t value = config.read32(address, PCI_MEMORY_BASE);
  return decode(memory_base(value), memory_limit(value), Space::memory);
}

BridgeWindow read_prefetchable(const ConfigSpace& config, Address address) {
  const std::uint32_t value = config.read32(address, PCI_PREF_MEMORY_BASE);
  const std::uint64_t upper_base = config.read32(address, PCI_PREF_BASE_UPPER32);
  const std::uint64_t upper_limit = config.read32(address, PCI_PREF_LIMIT_UPPER32);
  return decode(upper_base << 32 | memory_base(value), upper_limit << 32 | memory_limit(value), Space::prefetchable);
}

void write_io(const ConfigSpace& config, const DeviceInfo& bridge, std::uint64_t first, std::uint64_t last) {
  const bool wide = (config.read8(bridge.address, PCI_IO_BASE) & PCI_RANGE_TYPE_MASK) == PCI_RANGE_TYPE_WIDE;
  config.write16(bridge.address, PCI_IO_BASE, static_cast<std::uint16_t>((first >> 8 & 0xf0u) | (last & 0xf000u)));
  if (wide) {
    config.write32(bridge.address, PCI_IO_BASE_UPPER16, 0);  // x86 has 64 KiB of ports
  }
}

constexpr std::uint32_t memory_registers(std::uint64_t first, std::uint64_t last) {
  return static_cast<std::uint32_t>((first >> 16 & 0xfff0u) | (last & 0xfff0'0000u));
}

// Closed while the halves do not belong together, open with the last write.
void write_prefetchable(const ConfigSpace& config, const DeviceInfo& bridge, std::uint64_t first, std::uint64_t last) {
  constexpr std::uint32_t kClosed = memory_registers(0xfff0'0000, 0);
  config.write32(bridge.address, PCI_PREF_MEMORY_BASE, kClosed);
  config.write32(bridge.address, PCI_PREF_BASE_UPPER32, static_cast<std::uint32_t>(first >> 32));
  config.write32(bridge.address, PCI_PREF_LIMIT_UPPER32, static_cast<std::uint32_t>(last >> 32));
  config.write32(bridge.address, PCI_PREF_MEMORY_BASE, memory_registers(first, last));
}

bool same(const BridgeWindow& a, const BridgeWindow& b) { return a.base == b.base && a.size == b.size; }

// From address 0 is not closed, though nobody wants it: the first granule is passed on.
bool closed(const ConfigSpace& config, Address address, Space space) {
  if (space == Space::io) {
    const std::uint16_t value = config.read16(address, PCI_IO_BASE);
    return (value & 0xf0u) > (value >> 8 & 0xf0u);
  }
  const std::uint32_t value = config.read32(address, space == Space::memory ? PCI_MEMORY_BASE : PCI_PREF_MEMORY_BASE);
  return memory_base(value) > memory_limit(value);
}

BridgeWindow read_window(const ConfigSpace& config, const DeviceInfo& bridge, Space space) {
  switch (space) {
    case Space::io:
      return read_io(config, bridge.address);
    case Space::memory:
      return read_memory(config, bridge.address);
    case Space::prefetchable:
      return bridge.wide_prefetchable ? read_prefetchable(config, bridge.address) : BridgeWindow{};
  }
  return {};
}

}  // namespace

void read_windows(const ConfigSpace& config, DeviceInfo& bridge) {
  const std::uint16_t type = config.read16(bridge.address, PCI_PREF_MEMORY_BASE);
  bridge.wide_prefetchable = (type & PCI_RANGE_TYPE_MASK) == PCI_RANGE_TYPE_WIDE;
  for (unsigned space = 0; space < kSpaces; ++space) {
    bridge.windows[space] = read_window(config, bridge, static_cast<Space>(space));
  }
}

void write_window(const ConfigSpace& config, const DeviceInfo& bridge, Space space) {
  const BridgeWindow& window = bridge.windows[static_cast<unsigned>(space)];
  const bool open = window.size != 0;
  const bool done = open ? same(read_window(config, bridge, space), window) : closed(config, bridge.address, space);
  if (done) {
    return;  // what lies behind may be in use
  }
  const std::uint64_t closed_first = space == Space::io ? 0xf000 : 0xfff0'0000;
  const std::uint64_t first = open ? window.base : closed_first;
  const std::uint64_t last = open ? window.base + window.size - window_granularity(space) : 0;
  switch (space) {
    case Space::io:
      write_io(config, bridge, first, last);
      break;
    case Space::memory:
      config.write32(bridge.address, PCI_MEMORY_BASE, memory_registers(first, last));
      break;
    case Space::prefetchable:
      if (bridge.wide_prefetchable) {
        write_prefetchable(config, bridge, first, last);
      }
      break;
  }
}

}  // namespace ringside::pci
