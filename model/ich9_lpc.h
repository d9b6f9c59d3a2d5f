// The LPC bridge of the Q35 chipset, as far as interrupts go. Each of the eight PIRQ lines drives an input of the I/O
// interrupt controller of its own, 16 to 23, and beside it the ISA line that its routing register names, if it names
// one: registers 0x60 .. 0x63 for PIRQ A to D, 0x68 .. 0x6b for E to H (ICH9, 13.1.17 and 13.1.19).
#pragma once

#include <cstdint>

#include "model/interrupt_controller.h"
#include "model/intx.h"
#include "model/pci_function.h"

namespace ringside::model {

class Ich9Lpc final : public PciFunction, public PirqRouter {
 public:
  Ich9Lpc(const sc_core::sc_module_name& name, const Clock& clock, InterruptController& interrupts);

  void power_on(const Latencies& latencies, Tap* tap);
  [[nodiscard]] unsigned pirq_of(unsigned device, unsigned pin) const override;

 private:
  static constexpr unsigned kPirqs = 8;

  bool bar_access(unsigned, Access&, Picoseconds) override { return false; }
  void after_config_write(unsigned offset, unsigned size, Picoseconds at) override;
  void drive_lines() override;

  InterruptController& interrupts_;
};

}  // namespace ringside::model
