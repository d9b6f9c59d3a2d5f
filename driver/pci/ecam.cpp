#include "driver/pci/ecam.h"

#include "driver/pci/registers.h"

namespace ringside::pci {
namespace {

constexpr Address kHostBridge{};
constexpr std::uint32_t kQ35Mch = 0x29c0'8086;  // device and vendor

// Intel 3 Series Express Chipset (Q35), 5.1.16
constexpr std::uint16_t PCIEXBAR = 0x60;
constexpr std::uint32_t PCIEXBAR_ENABLE = 1;
constexpr std::uint32_t PCIEXBAR_LENGTH_MASK = 6;  // 256, 128 or 64 MiB, and a reserved value
constexpr std::uint32_t PCIEXBAR_LENGTH_SHIFT = 1;
constexpr std::uint64_t kLongest = 256u << 20;
constexpr std::uint32_t kLengths = 3;

hal::Window decode(std::uint32_t low, std::uint32_t high) {
  const std::uint32_t length = (low & PCIEXBAR_LENGTH_MASK) >> PCIEXBAR_LENGTH_SHIFT;
  if ((low & PCIEXBAR_ENABLE) == 0 || length >= kLengths) {
    return {};
  }
  const std::uint64_t size = kLongest >> length;
  return {(std::uint64_t{high} << 32 | low) & ~(size - 1), size};
}

// The longest space that the window holds at its base.
bool encode(const hal::Window& window, std::uint32_t& low) {
  for (std::uint32_t length = 0; length < kLengths; ++length) {
    const std::uint64_t size = kLongest >> length;
    if (window.size >= size && window.base % size == 0) {
      low = static_cast<std::uint32_t>(window.base) | length << PCIEXBAR_LENGTH_SHIFT | PCIEXBAR_ENABLE;
      return true;
    }
  }
  return false;
}

}  // namespace

hal::Window enable_ecam(hal::Machine& machine) {
  const ConfigSpace config(machine);
  if (config.read32(kHostBridge, PCI_VENDOR_ID) != kQ35Mch) {
    return {};
  }
  const auto read = [&config] {
    return decode(config.read32(kHostBridge, PCIEXBAR), config.read32(kHostBridge, PCIEXBAR + 4));
  };
  const hal::Window present = read();
  const hal::Window wanted = machine.info().ecam_window;
  std::uint32_t low = 0;
  if (present.size != 0 || !encode(wanted, low)) {
    return present;
  }
  // Off while the halves do not belong together, on with the last write.
  config.write32(kHostBridge, PCIEXBAR, 0);
  config.write32(kHostBridge, PCIEXBAR + 4, static_cast<std::uint32_t>(wanted.base >> 32));
  config.write32(kHostBridge, PCIEXBAR, low);
  return read();
}

}  // namespace ringside::pci
