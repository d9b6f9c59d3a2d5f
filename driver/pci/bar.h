// Base address registers: what a function asks for.
#pragma once

#include <cstdint>

#include "driver/pci/config_space.h"
#include "driver/pci/registers.h"

namespace ringside::pci {

enum class BarKind : std::uint8_t { none, io, memory32, memory64 };

struct Bar {
  BarKind kind = BarKind::none;
  bool prefetchable = false;
  std::uint64_t address = 0;  // without the type bits; 0 = not assigned
  std::uint64_t size = 0;     // a power of two
};

// Sizes BAR `index` (0 .. 5; a bridge has `count` 2) by writing all-ones, with decoding switched off meanwhile, and
// restores it. The upper half of a 64-bit BAR, an unimplemented one and one whose size is no power of two are
// BarKind::none.
[[nodiscard]] Bar get_bar(const ConfigSpace& config, Address address, unsigned index, unsigned count = kBarCount);

// The same of BARs 0 .. count - 1. False when what the function answers does not go together, as that of one that is
// leaving; `bars` are all none then. `decodes`: whether it answers at the addresses that it has.
[[nodiscard]] bool read_bars(const ConfigSpace& config, Address address, unsigned count, Bar* bars, bool& decodes);

// Gives BAR `index` its address.
void set_bar(const ConfigSpace& config, Address address, unsigned index, const Bar& bar);
// Whether BAR `index` has it. One that has more bits hardwired to zero than its size said has another.
[[nodiscard]] bool holds_bar(const ConfigSpace& config, Address address, unsigned index, const Bar& bar);

}  // namespace ringside::pci
