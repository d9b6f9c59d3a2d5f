#include "model/piix3.h"

#include "model/chipset.h"

namespace ringside::model {

Piix3::Piix3(const sc_core::sc_module_name& name, Slot slot, const Clock& clock, InterruptController& interrupts)
    : PciFunction(name, slot, clock, piix3_config_space()), interrupts_(interrupts) {}

void Piix3::power_on(const Latencies& latencies, Tap* tap) {
  power_on_function(latencies, tap);
  pirq_ = {};
}

// The board swizzles, so that single-function devices in neighbouring slots do not share a line.
void Piix3::set_intx(Slot slot, std::uint8_t pin, bool high) {
  pirq_[(slot.device - 1u + pin - 1u) % kPirqs] = high;
  drive_lines();
}

void Piix3::after_config_write(unsigned offset, unsigned size, Picoseconds) {
  if (offset < kPirqRouting + kPirqs && offset + size > kPirqRouting) {
    drive_lines();
  }
}

// Several PIRQs may be routed to one line: it is high while any of them is.
void Piix3::drive_lines() {
  std::array<bool, InterruptController::kLines> high{};
  for (unsigned i = 0; i < kPirqs; ++i) {
    const std::uint8_t routing = space_[kPirqRouting + i];
    if ((routing & kRoutingDisabled) == 0 && routing < high.size()) {
      high[routing] = high[routing] || pirq_[i];
    }
  }
  for (unsigned line = 0; line < high.size(); ++line) {
    interrupts_.set_line(line, high[line]);
  }
}

}  // namespace ringside::model
