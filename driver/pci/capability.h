// The capability list of a function. A device may build it wrongly or maliciously: a pointer into the header, a loop,
// a chain that never ends. The walk visits each place at most once.
#pragma once

#include <cstdint>

#include "driver/pci/config_space.h"

namespace ringside::pci {

struct Capability {
  std::uint8_t id = 0;
  std::uint8_t offset = 0;  // 0x40 .. 0xfc, a multiple of 4
};

class CapabilityWalk {
 public:
  CapabilityWalk(const ConfigSpace& config, Address address);

  // False at the end of the list, or where it stops making sense.
  [[nodiscard]] bool next(Capability& capability);

  // True when the walk ended at a loop or outside the area for capabilities.
  [[nodiscard]] bool malformed() const { return malformed_; }

 private:
  const ConfigSpace* config_;
  Address address_;
  std::uint8_t pointer_ = 0;
  std::uint64_t visited_ = 0;  // bit n: the dword at 4n
  bool malformed_ = false;
};

struct ExtendedCapability {
  std::uint16_t id = 0;
  std::uint16_t offset = 0;  // 0x100 .. 0xffc, a multiple of 4
};

// The list in extended configuration space (PCI Express Base 4.0, 7.6), as little trusted. Empty where nothing reaches
// there: it reads all-ones or zero.
class ExtendedCapabilityWalk {
 public:
  ExtendedCapabilityWalk(const ConfigSpace& config, Address address) : config_(&config), address_(address) {}

  [[nodiscard]] bool next(ExtendedCapability& capability);
  [[nodiscard]] bool malformed() const { return malformed_; }

 private:
  const ConfigSpace* config_;
  Address address_;
  std::uint16_t pointer_ = 0x100;
  std::uint64_t visited_[16] = {};  // bit n of word m: the dword at 4 * (64 * m + n)
  bool malformed_ = false;
};

// The first capability with this id; offset 0 when there is none.
[[nodiscard]] std::uint8_t find_capability(const ConfigSpace& config, Address address, std::uint8_t id);

}  // namespace ringside::pci
