#include "model/ich9_lpc.h"

#include <array>

#include "model/chipset.h"

namespace ringside::model {
namespace {

constexpr unsigned kRoutingAToD = 0x60;
constexpr unsigned kRoutingEToH = 0x68;
constexpr std::uint8_t kRoutingDisabled = 0x80;
constexpr std::uint8_t kRoutingIrq = 0x0f;
constexpr unsigned kFirstPirqLine = 16;

constexpr unsigned routing_register(unsigned pirq) { return pirq < 4 ? kRoutingAToD + pirq : kRoutingEToH + pirq - 4; }

}  // namespace

Ich9Lpc::Ich9Lpc(const sc_core::sc_module_name& name, const Clock& clock, InterruptController& interrupts)
    : PciFunction(name, clock, ich9_lpc_config_space()), interrupts_(interrupts) {}

void Ich9Lpc::power_on(const Latencies& latencies, Tap* tap) {
  power_on_function(latencies, tap);
  let_go();
}

// Slots are wired to PIRQ E .. H in turn; the chipset's own devices, 25 and up, to A .. D by pin, except device 30, as
// their route registers in the chipset configuration have it at power-on (ICH9, 10.1.47 and on).
unsigned Ich9Lpc::pirq_of(unsigned device, unsigned pin) const {
  constexpr unsigned kFirstOwnDevice = 25;
  constexpr unsigned kDmiToPci = 30;
  constexpr unsigned kPirqE = 4;
  if (device < kFirstOwnDevice) {
    return kPirqE + (device + pin) % kPins;
  }
  return device == kDmiToPci ? kPirqE + pin : pin;
}

void Ich9Lpc::after_config_write(unsigned offset, unsigned size, Picoseconds) {
  if (offset < kRoutingEToH + 4 && offset + size > kRoutingAToD) {
    drive_lines();
  }
}

void Ich9Lpc::drive_lines() {
  std::array<bool, kFirstPirqLine> isa{};
  for (unsigned i = 0; i < kPirqs; ++i) {
    const std::uint8_t routing = space_[routing_register(i)];
    if ((routing & kRoutingDisabled) == 0) {
      isa[routing & kRoutingIrq] = isa[routing & kRoutingIrq] || pirq_high(i);
    }
    interrupts_.set_line(kFirstPirqLine + i, pirq_high(i));
  }
  for (unsigned line = 0; line < isa.size(); ++line) {
    interrupts_.set_line(line, isa[line]);
  }
}

}  // namespace ringside::model
