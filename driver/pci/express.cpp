#include "driver/pci/express.h"

#include "driver/pci/capability.h"
#include "driver/pci/delay.h"
#include "driver/pci/registers.h"

namespace ringside::pci {
namespace {

// Offsets inside the capability; up to Device Status every version has them.
constexpr std::uint8_t kCapabilityBytes = 12;
constexpr std::uint8_t PCI_EXP_FLAGS = 2;
constexpr std::uint8_t PCI_EXP_DEVCAP = 4;
constexpr std::uint8_t PCI_EXP_DEVCTL = 8;
constexpr std::uint8_t PCI_EXP_DEVSTA = 10;

constexpr unsigned kTypeShift = 4;
constexpr unsigned kTypeMask = 0xf;
constexpr unsigned PCI_EXP_TYPE_ROOT_PORT = 4;
constexpr unsigned PCI_EXP_TYPE_DOWNSTREAM = 6;
constexpr std::uint32_t PCI_EXP_DEVCAP_FLR = 1u << 28;
constexpr std::uint16_t PCI_EXP_DEVCTL_BCR_FLR = 0x8000;
constexpr std::uint16_t PCI_EXP_DEVSTA_TRPND = 0x0020;

constexpr std::uint64_t kDrainTime = 100 * hal::kMillisecond;  // longer than any completion timeout in use
constexpr std::uint64_t kResetTime = 100 * hal::kMillisecond;  // 6.6.2: not touched before that

std::uint16_t express_capability(const ConfigSpace& config, Address address) {
  const std::uint8_t capability = find_capability(config, address, PCI_CAP_ID_EXP);
  return capability > 0x100 - kCapabilityBytes ? std::uint8_t{0} : capability;
}

std::uint16_t at(std::uint16_t capability, std::uint8_t field) {
  return static_cast<std::uint16_t>(capability + field);
}

template <class Done>
bool wait_until(hal::Machine& machine, std::uint64_t time, Done done) {
  const std::uint64_t deadline = machine.now() + time;
  while (!done()) {
    if (machine.now() >= deadline) {
      return false;
    }
    machine.relax(deadline);
  }
  return true;
}

}  // namespace

bool leads_to_link(const ConfigSpace& config, Address address) {
  const std::uint16_t capability = express_capability(config, address);
  if (capability == 0) {
    return false;
  }
  const unsigned type = config.read16(address, at(capability, PCI_EXP_FLAGS)) >> kTypeShift & kTypeMask;
  return type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_DOWNSTREAM;
}

FunctionReset reset_function(hal::Machine& machine, const ConfigSpace& config, Address address) {
  const std::uint16_t capability = express_capability(config, address);
  if (capability == 0 || (config.read32(address, at(capability, PCI_EXP_DEVCAP)) & PCI_EXP_DEVCAP_FLR) == 0) {
    return FunctionReset::unsupported;
  }
  // No new transactions, and those on their way come home: a completion that arrives after the reset could be taken for
  // that of a later request. If they never do, the reset goes ahead all the same (6.6.2, implementation note).
  config.write16(address, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
  static_cast<void>(wait_until(machine, kDrainTime, [&] {
    return (config.read16(address, at(capability, PCI_EXP_DEVSTA)) & PCI_EXP_DEVSTA_TRPND) == 0;
  }));
  const std::uint16_t control = config.read16(address, at(capability, PCI_EXP_DEVCTL));
  config.write16(address, at(capability, PCI_EXP_DEVCTL), control | PCI_EXP_DEVCTL_BCR_FLR);
  delay(machine, kResetTime);
  const bool back =
      wait_until(machine, hal::kSecond, [&] { return config.read16(address, PCI_VENDOR_ID) != kNoVendor; });
  return back ? FunctionReset::done : FunctionReset::failed;
}

}  // namespace ringside::pci
