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

// While a BAR says how large it is, what it holds is no address: nothing may be decoded.
class DecodingOff {
 public:
  DecodingOff(const ConfigSpace& config, Address address)
      : config_(config), address_(address), command_(config.read16(address, PCI_COMMAND)) {
    if (decodes()) {
      config_.write16(address_, PCI_COMMAND, static_cast<std::uint16_t>(command_ & ~kDecoding));
    }
  }
  DecodingOff(const DecodingOff&) = delete;
  DecodingOff& operator=(const DecodingOff&) = delete;
  ~DecodingOff() {
    if (decodes()) {
      config_.write16(address_, PCI_COMMAND, command_);
    }
  }

  [[nodiscard]] bool answers() const { return command_ != kNoCommand; }
  [[nodiscard]] bool decodes() const { return answers() && (command_ & kDecoding) != 0; }

 private:
  static constexpr unsigned kDecoding = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
  const ConfigSpace& config_;
  Address address_;
  std::uint16_t command_;
};

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

// The lowest bits say of which kind a BAR is, and are read-only.
std::uint32_t type_bits(std::uint32_t value) { return (value & PCI_BASE_ADDRESS_SPACE_IO) != 0 ? 0x3u : 0xfu; }

constexpr std::uint32_t kNobody = 0xffff'ffff;  // no BAR reads so: bit 1 of an I/O BAR is 0

// With decoding off. False when the answers do not go together. `in_use`: it was on.
bool read_bar(const ConfigSpace& config, Address address, unsigned index, unsigned count, bool in_use, Bar& bar) {
  const auto [low, mask] = config.probe32(address, bar_register(index));
  if (low == kNobody || ((low ^ mask) & type_bits(low)) != 0) {
    return false;
  }
  if (is_memory64(low)) {
    if (index + 1 >= count) {
      return true;  // where its upper half would be lies another register
    }
    const auto [high, high_mask] = config.probe32(address, bar_register(index + 1));
    // All-ones may be what somebody left who was sizing it: the address is then none that anybody would keep.
    if (high == kNobody && in_use) {
      return false;
    }
    bar = memory_bar(std::uint64_t{high} << 32 | low, std::uint64_t{high_mask} << 32 | mask, true);
  } else if ((mask & ~type_bits(low)) != 0) {  // no address bit can be written where the function has no BAR
    bar = (low & PCI_BASE_ADDRESS_SPACE_IO) != 0 ? io_bar(low, mask)
                                                 : memory_bar(low, 0xffff'ffff'0000'0000u | mask, false);
  }
  bar = hal::is_power_of_two(bar.size) ? bar : Bar{};
  return true;
}

}  // namespace

Bar get_bar(const ConfigSpace& config, Address address, unsigned index, unsigned count) {
  const DecodingOff off(config, address);
  Bar bar;
  return off.answers() && read_bar(config, address, index, count, off.decodes(), bar) ? bar : Bar{};
}

bool read_bars(const ConfigSpace& config, Address address, unsigned count, Bar* bars, bool& decodes) {
  const DecodingOff off(config, address);
  decodes = off.decodes();
  bool whole = off.answers();
  for (unsigned i = 0; i < count && whole; ++i) {
    whole = read_bar(config, address, i, count, decodes, bars[i]);
    i += bars[i].kind == BarKind::memory64 ? 1 : 0;  // its upper half
  }
  for (unsigned i = 0; i < count && !whole; ++i) {
    bars[i] = Bar{};
  }
  return whole;
}

void set_bar(const ConfigSpace& config, Address address, unsigned index, const Bar& bar) {
  config.write32(address, bar_register(index), static_cast<std::uint32_t>(bar.address));
  if (bar.kind == BarKind::memory64 && !hal::mutant(hal::Mutant::bar_upper_half_forgotten)) {
    config.write32(address, bar_register(index + 1), static_cast<std::uint32_t>(bar.address >> 32));
  }
}

bool holds_bar(const ConfigSpace& config, Address address, unsigned index, const Bar& bar) {
  const std::uint32_t low = config.read32(address, bar_register(index));
  const bool wide = bar.kind == BarKind::memory64;
  const std::uint64_t high = wide ? config.read32(address, bar_register(index + 1)) : 0;
  return (high << 32 | (low & ~type_bits(low))) == bar.address;
}

}  // namespace ringside::pci
