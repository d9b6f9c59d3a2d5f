#include "model/piix3.h"

#include <array>

#include "model/chipset.h"

namespace ringside::model {

Piix3::Piix3(const sc_core::sc_module_name& name, const Clock& clock, InterruptController& interrupts)
    : PciFunction(name, clock, piix3_config_space()), interrupts_(interrupts) {}

void Piix3::power_on(const Latencies& latencies, Tap* tap) {
  power_on_function(latencies, tap);
  let_go();
}

// The board swizzles, so that single-function devices in neighbouring slots do not share a line.
unsigned Piix3::pirq_of(unsigned device, unsigned pin) const { return (device + kPirqs - 1 + pin) % kPirqs; }

void Piix3::after_config_write(unsigned offset, unsigned size, Picoseconds) {
  if (offset < kPirqRouting + kPirqs && offset + size > kPirqRouting) {
    drive_lines();
  }
}

// Several PIRQs may be routed to one line: it is high while any of them is.
void Piix3::drive_lines() {
  constexpr unsigned kIsaLines = 16;
  std::array<bool, kIsaLines> high{};
  for (unsigned i = 0; i < kPirqs; ++i) {
    const std::uint8_t routing = space_[kPirqRouting + i];
    if ((routing & kRoutingDisabled) == 0 && routing < high.size()) {
      high[routing] = high[routing] || pirq_high(i);
    }
  }
  for (unsigned line = 0; line < high.size(); ++line) {
    interrupts_.set_line(line, high[line]);
  }
}

}  // namespace ringside::model
