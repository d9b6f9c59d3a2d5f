// The ISA bridge of the i440FX chipset, as far as interrupts go: it routes the four PIRQ lines of the PCI bus to the
// lines of the interrupt controller, as its registers 0x60 .. 0x63 say.
#pragma once

#include <cstdint>

#include "model/interrupt_controller.h"
#include "model/intx.h"
#include "model/pci_function.h"

namespace ringside::model {

class Piix3 final : public PciFunction, public PirqRouter {
 public:
  Piix3(const sc_core::sc_module_name& name, const Clock& clock, InterruptController& interrupts);

  void power_on(const Latencies& latencies, Tap* tap);
  [[nodiscard]] unsigned pirq_of(unsigned device, unsigned pin) const override;

 private:
  static constexpr unsigned kPirqs = 4;
  static constexpr unsigned kPirqRouting = 0x60;
  static constexpr std::uint8_t kRoutingDisabled = 0x80;

  bool bar_access(unsigned, Access&, Picoseconds) override { return false; }
  void after_config_write(unsigned offset, unsigned size, Picoseconds at) override;
  void drive_lines() override;

  InterruptController& interrupts_;
};

}  // namespace ringside::model
