#include "driver/pci/power.h"

#include "driver/pci/capability.h"
#include "driver/pci/delay.h"
#include "driver/pci/registers.h"

namespace ringside::pci {
namespace {

constexpr std::uint8_t kCapabilityBytes = 8;
constexpr std::uint8_t PMCSR = 4;  // offset inside the capability
constexpr std::uint16_t PMCSR_POWER_STATE = 0x3;
constexpr std::uint64_t kWakeTime = 10 * hal::kMillisecond;  // from D3hot (table 5-6); from D2 less

}  // namespace

void wake(hal::Machine& machine, const ConfigSpace& config, Address address) {
  const std::uint8_t capability = find_capability(config, address, PCI_CAP_ID_PM);
  if (capability == 0 || capability > 0x100 - kCapabilityBytes) {
    return;
  }
  const auto reg = static_cast<std::uint16_t>(capability + PMCSR);
  const std::uint16_t control = config.read16(address, reg);
  // All-ones is nobody's answer: some of its bits are reserved.
  if (control != 0xffff && (control & PMCSR_POWER_STATE) != 0) {
    config.write16(address, reg, static_cast<std::uint16_t>(control & ~PMCSR_POWER_STATE));
    delay(machine, kWakeTime);
  }
}

}  // namespace ringside::pci
