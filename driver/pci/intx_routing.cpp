#include "driver/pci/intx_routing.h"

#include "driver/pci/registers.h"

namespace ringside::pci {
namespace {

constexpr std::uint16_t kIntel = 0x8086;
constexpr std::uint16_t kPiix3Isa = 0x7000;
constexpr std::uint16_t kIch9Lpc = 0x2918;

// Route control registers: PIRQA .. PIRQD, and on the ICH9 PIRQE .. PIRQH (82371SB, 2.2.5; ICH9, 13.1.18 and 13.1.20).
constexpr std::uint8_t PIRQ_ROUT = 0x60;
constexpr std::uint8_t PIRQE_ROUT = 0x68;
constexpr std::uint8_t kRouteDisabled = 0x80;
constexpr std::uint8_t kRouteMask = 0x0f;
constexpr std::uint8_t kIrq = 11;

constexpr unsigned kPins = 4;
constexpr unsigned kNoPirq = ~0u;

// A place on the root bus: what drives the board's wiring.
struct RootPin {
  unsigned device;
  unsigned pin;  // 0 INTA .. 3 INTD
};

// Each bridge turns the pins by the device number below it (PCI-to-PCI Bridge Architecture 1.2, 9.1).
RootPin swizzle(const Bus& bus, const DeviceInfo& device) {
  RootPin root{device.address.device, device.interrupt_pin - 1u};
  for (std::uint16_t bridge = device.parent; bridge != kNoBridge; bridge = bus[bridge].parent) {
    root = {bus[bridge].address.device, (root.device + root.pin) % kPins};
  }
  return root;
}

// i440FX board wiring: INTA of slot 1 is PIRQA, and every next slot turns the pins one further.
unsigned piix3_pirq(const RootPin& root) { return (root.device + kPins - 1u + root.pin) % kPins; }

// --- ICH9 (Intel ICH9 Family, 10.1.75 and following): the chip's own devices choose their PIRQs by registers behind
// RCBA, all others reach PIRQE .. PIRQH as the board is wired.

constexpr std::uint8_t RCBA = 0xf0;
constexpr std::uint32_t RCBA_ENABLE = 1;
constexpr std::uint32_t RCBA_ADDRESS_MASK = 0xffff'c000;
constexpr std::uint32_t kRcbaAddress = 0xfed1'c000;  // where firmware puts it by convention
constexpr unsigned kFirstOwnDevice = 25;
constexpr unsigned kPciBridge = 30;                                                               // its route is fixed
constexpr std::uint16_t kRouteRegisters[] = {0x3150, 0x314c, 0x3148, 0x3146, 0x3144, 0, 0x3140};  // D25IR .. D31IR
constexpr unsigned kRouteBits = 4;
constexpr unsigned kPirqMask = 7;
constexpr unsigned PIRQE = 4;

std::uint32_t chipset_registers(const Bus& bus, const DeviceInfo& router) {
  const std::uint32_t present = bus.config().read32(router.address, RCBA);
  if ((present & RCBA_ENABLE) != 0) {
    return present & RCBA_ADDRESS_MASK;
  }
  bus.config().write32(router.address, RCBA, kRcbaAddress | RCBA_ENABLE);
  return kRcbaAddress;
}

unsigned ich9_pirq(const Bus& bus, const DeviceInfo& router, const RootPin& root) {
  if (root.device < kFirstOwnDevice) {
    return PIRQE + (root.device + root.pin) % kPins;
  }
  if (root.device == kPciBridge) {
    return PIRQE + root.pin;
  }
  const std::uint32_t base = chipset_registers(bus, router);
  const std::uint16_t routes = bus.machine().mmio_read16(base + kRouteRegisters[root.device - kFirstOwnDevice]);
  return routes == 0xffff ? kNoPirq : routes >> (kRouteBits * root.pin) & kPirqMask;
}

std::uint8_t route(const Bus& bus, const DeviceInfo& router, unsigned pirq) {
  const auto control = static_cast<std::uint8_t>(pirq < PIRQE ? PIRQ_ROUT + pirq : PIRQE_ROUT + (pirq - PIRQE));
  const std::uint8_t present = bus.config().read8(router.address, control);
  if ((present & kRouteDisabled) == 0) {
    return present & kRouteMask;
  }
  bus.config().write8(router.address, control, kIrq);
  return kIrq;
}

}  // namespace

std::uint8_t route_intx(const Bus& bus, const DeviceInfo& device) {
  if (device.interrupt_pin == 0 || device.interrupt_pin > kPins) {
    return 0;
  }
  const RootPin root = swizzle(bus, device);
  const DeviceInfo* router = bus.find(kIntel, kPiix3Isa);
  unsigned pirq = piix3_pirq(root);
  if (router == nullptr) {
    router = bus.find(kIntel, kIch9Lpc);
    pirq = router == nullptr ? kNoPirq : ich9_pirq(bus, *router, root);
  }
  if (pirq == kNoPirq) {
    return 0;
  }
  const std::uint8_t irq = route(bus, *router, pirq);
  bus.config().write8(device.address, PCI_INTERRUPT_LINE, irq);
  return irq;
}

}  // namespace ringside::pci
