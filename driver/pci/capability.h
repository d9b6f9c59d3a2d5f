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

// The first capability with this id; offset 0 when there is none.
[[nodiscard]] std::uint8_t find_capability(const ConfigSpace& config, Address address, std::uint8_t id);

}  // namespace ringside::pci
