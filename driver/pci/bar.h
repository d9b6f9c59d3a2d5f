// Base address registers: what a function asks for, and giving it addresses where no firmware did.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"
#include "driver/pci/config_space.h"

namespace ringside::pci {

enum class BarKind : std::uint8_t { none, io, memory32, memory64 };

struct Bar {
  BarKind kind = BarKind::none;
  bool prefetchable = false;
  std::uint64_t address = 0;  // without the type bits; 0 = not assigned
  std::uint64_t size = 0;     // a power of two
};

// Sizes BAR `index` (0 .. 5) by writing all-ones, with decoding switched off meanwhile, and restores it. The upper half
// of a 64-bit BAR, an unimplemented one and one whose size is no power of two are BarKind::none.
[[nodiscard]] Bar get_bar(const ConfigSpace& config, Address address, unsigned index);

// Hands out addresses from the machine's windows, upwards, each aligned to its size.
class BarAllocator {
 public:
  explicit BarAllocator(const hal::MachineInfo& info);

  // Gives every BAR of a function without an address one, and leaves the others alone. `bars` has kBarCount entries
  // and is filled in. False when a window is full.
  [[nodiscard]] bool assign(const ConfigSpace& config, Address address, Bar* bars);

 private:
  struct Cursor {
    std::uint64_t next;
    std::uint64_t end;
    [[nodiscard]] std::uint64_t take(std::uint64_t size);  // 0 when full
  };
  Cursor io_;
  Cursor memory_;
};

}  // namespace ringside::pci
