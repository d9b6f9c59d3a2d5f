#include "driver/pci/intx_routing.h"

#include "driver/pci/registers.h"

namespace ringside::pci {
namespace {

constexpr std::uint16_t kIntel = 0x8086;
constexpr std::uint16_t kPiix3Isa = 0x7000;
constexpr std::uint8_t PIRQRC = 0x60;  // four route control registers, A .. D (82371SB, 2.2.5)
constexpr std::uint8_t PIRQRC_DISABLED = 0x80;
constexpr std::uint8_t PIRQRC_ROUTE_MASK = 0x0f;
constexpr std::uint8_t kIrq = 11;

// i440FX board wiring: INTA of slot 1 is PIRQA, and every next slot turns the pins one further.
unsigned pirq_of(const DeviceInfo& device) { return (device.address.device - 1u + device.interrupt_pin - 1u) & 3u; }

}  // namespace

std::uint8_t route_intx(const Bus& bus, const DeviceInfo& device) {
  const DeviceInfo* const router = bus.find(kIntel, kPiix3Isa);
  if (router == nullptr || device.interrupt_pin == 0 || device.interrupt_pin > 4) {
    return 0;
  }
  const auto control = static_cast<std::uint8_t>(PIRQRC + pirq_of(device));
  std::uint8_t route = bus.config().read8(router->address, control);
  if ((route & PIRQRC_DISABLED) != 0) {
    bus.config().write8(router->address, control, kIrq);
    route = kIrq;
  }
  const std::uint8_t irq = route & PIRQRC_ROUTE_MASK;
  bus.config().write8(device.address, PCI_INTERRUPT_LINE, irq);
  return irq;
}

}  // namespace ringside::pci
