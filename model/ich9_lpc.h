// The LPC bridge of the Q35 chipset, as far as interrupts go. Each of the eight PIRQ lines drives an input of the I/O
// interrupt controller of its own, 16 to 23, and beside it the ISA line that its routing register names, if it names
// one: registers 0x60 .. 0x63 for PIRQ A to D, 0x68 .. 0x6b for E to H (ICH9, 13.1.17 and 13.1.19). Which PIRQ a pin of
// the chipset's own devices drives is in the chipset configuration registers, in memory where RCBA says (10.1).
#pragma once

#include <array>
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
  void forward(AddressSpace space, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) override;
  void drive_lines() override;
  void place_chipset_registers();
  [[nodiscard]] std::uint64_t chipset_base() const;

  static constexpr std::uint64_t kChipsetBytes = 16u << 10;

  InterruptController& interrupts_;
  std::array<std::uint8_t, kChipsetBytes> chipset_{};
};

}  // namespace ringside::model
