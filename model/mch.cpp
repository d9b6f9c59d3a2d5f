#include "model/mch.h"

#include "model/chipset.h"

namespace ringside::model {
namespace {

// Q35, 5.1.13.
constexpr unsigned PCIEXBAR = 0x60;
constexpr std::uint64_t PCIEXBAREN = 0x1;
constexpr unsigned kLengthShift = 1;
constexpr std::uint64_t kLengthMask = 0x3;
constexpr unsigned kLengthReserved = 3;
constexpr std::uint64_t kLongest = 256ull << 20;  // each step halves it
constexpr std::uint64_t kAddressBits = 36;

}  // namespace

Mch::Mch(const sc_core::sc_module_name& name, const Clock& clock, HostBridge& bridge)
    : PciFunction(name, clock, mch_config_space()), bridge_(bridge) {}

void Mch::after_config_write(unsigned offset, unsigned size, Picoseconds) {
  if (offset >= PCIEXBAR + 8 || offset + size <= PCIEXBAR) {
    return;
  }
  const std::uint64_t value = space_.read(PCIEXBAR, 4) | std::uint64_t{space_.read(PCIEXBAR + 4, 4)} << 32;
  const std::uint64_t length = value >> kLengthShift & kLengthMask;
  if ((value & PCIEXBAREN) == 0 || length == kLengthReserved) {
    bridge_.close_ecam();
    return;
  }
  const std::uint64_t bytes = kLongest >> length;
  bridge_.open_ecam(value & ((1ull << kAddressBits) - 1) & ~(bytes - 1), bytes);
}

}  // namespace ringside::model
