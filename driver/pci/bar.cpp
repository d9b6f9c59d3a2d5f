#include "driver/pci/bar.h"

#include "driver/hal/bits.h"
#include "driver/hal/mutant.h"
#include "driver/pci/bus.h"
#include "driver/pci/registers.h"

namespace ringside::pci {
namespace {

std::uint8_t bar_register(unsigned index) {
  if (hal::mutant(hal::Mutant::bar_index_not_scaled)) {
    return static_cast<std::uint8_t>(PCI_BASE_ADDRESS_0 + index);
  }
  return static_cast<std::uint8_t>(PCI_BASE_ADDRESS_0 + 4 * index);
}

// Writes all-ones, reads the mask back, restores.
std::uint32_t probe(const ConfigSpace& config, Address address, unsigned index) {
  const std::uint8_t reg = bar_register(index);
  const std::uint32_t saved = config.read32(address, reg);
  config.write32(address, reg, 0xffff'ffff);
  const std::uint32_t mask = config.read32(address, reg);
  config.write32(address, reg, saved);
  return mask;
}

bool is_memory64(std::uint32_t low) {
  return (low & PCI_BASE_ADDRESS_SPACE_IO) == 0 &&
         (low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
}

Bar io_bar(std::uint32_t value, std::uint32_t mask) {
  Bar bar;
  bar.kind = BarKind::io;
  bar.address = value & PCI_BASE_ADDRESS_IO_MASK;
  // The upper 16 bits may be hardwired to zero (PCI 3.0, 6.2.5.1): a device with a 16-bit decoder.
  bar.size = (~(mask & PCI_BASE_ADDRESS_IO_MASK) & 0xffffu) + 1u;
  return bar;
}

Bar memory_bar(std::uint64_t value, std::uint64_t mask, bool is64) {
  Bar bar;
  bar.kind = is64 ? BarKind::memory64 : BarKind::memory32;
  bar.prefetchable = (value & PCI_BASE_ADDRESS_MEM_PREFETCH) != 0;
  bar.address = value & ~std::uint64_t{0xf};
  bar.size = ~(mask & ~std::uint64_t{0xf}) + 1;
  return bar;
}

// The four type bits are read-only, so an unimplemented BAR shows a zero mask apart from them.
bool implemented(std::uint32_t value, std::uint32_t mask) {
  const std::uint32_t type_bits = (value & PCI_BASE_ADDRESS_SPACE_IO) != 0 ? 0x3u : 0xfu;
  return (mask & ~type_bits) != 0 && mask != 0xffff'ffff;
}

}  // namespace

Bar get_bar(const ConfigSpace& config, Address address, unsigned index, unsigned count) {
  const std::uint16_t command = config.read16(address, PCI_COMMAND);
  enable_device(config, address, 0, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);

  Bar bar;
  const std::uint32_t low = config.read32(address, bar_register(index));
  const std::uint32_t low_mask = probe(config, address, index);
  if (is_memory64(low)) {
    if (index + 1 >= count) {
      config.write16(address, PCI_COMMAND, command);
      return bar;  // where its upper half would be lies another register
    }
    const std::uint64_t high = config.read32(address, bar_register(index + 1));
    const std::uint64_t high_mask = probe(config, address, index + 1);
    bar = memory_bar(high << 32 | low, high_mask << 32 | low_mask, true);
  } else if (implemented(low, low_mask)) {
    bar = (low & PCI_BASE_ADDRESS_SPACE_IO) != 0 ? io_bar(low, low_mask)
                                                 : memory_bar(low, 0xffff'ffff'0000'0000u | low_mask, false);
  }
  config.write16(address, PCI_COMMAND, command);
  return hal::is_power_of_two(bar.size) ? bar : Bar{};
}

void set_bar(const ConfigSpace& config, Address address, unsigned index, const Bar& bar) {
  config.write32(address, bar_register(index), static_cast<std::uint32_t>(bar.address));
  if (bar.kind == BarKind::memory64 && !hal::mutant(hal::Mutant::bar_upper_half_forgotten)) {
    config.write32(address, bar_register(index + 1), static_cast<std::uint32_t>(bar.address >> 32));
  }
}

}  // namespace ringside::pci
