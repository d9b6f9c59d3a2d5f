// The ISA bridge of the chipset, as far as interrupts go: it routes the four PIRQ lines of the PCI bus to the lines of
// the interrupt controller, as its registers 0x60 .. 0x63 say.
#pragma once

#include <array>
#include <cstdint>

#include "model/interrupt_controller.h"
#include "model/pci_function.h"

namespace ringside::model {

// Where a function drives its INTx pin.
class IntxSink {
 public:
  virtual void set_intx(Slot slot, std::uint8_t pin, bool high) = 0;

 protected:
  ~IntxSink() = default;
};

class Piix3 final : public PciFunction, public IntxSink {
 public:
  Piix3(const sc_core::sc_module_name& name, Slot slot, const Clock& clock, InterruptController& interrupts);

  void power_on(const Latencies& latencies, Tap* tap);
  void set_intx(Slot slot, std::uint8_t pin, bool high) override;

 private:
  static constexpr unsigned kPirqs = 4;
  static constexpr unsigned kPirqRouting = 0x60;
  static constexpr std::uint8_t kRoutingDisabled = 0x80;

  bool bar_access(unsigned, Access&, Picoseconds) override { return false; }
  void after_config_write(unsigned offset, unsigned size, Picoseconds at) override;
  void drive_lines();

  InterruptController& interrupts_;
  std::array<bool, kPirqs> pirq_{};  // one function per PIRQ drives it at most: no sharing on this board
};

}  // namespace ringside::model
