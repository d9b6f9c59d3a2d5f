// A PCI-to-PCI bridge (PCI-to-PCI Bridge Architecture 1.2), or a root port, which is one to software: a second bus,
// and what passes between it and the bus above. Configuration cycles pass by bus number, accesses of the CPU by the
// three windows, DMA by the bridge's own bus-master enable. Its hot-plug controller is configuration space only.
#pragma once

#include "model/pci_bus.h"
#include "model/pci_function.h"
#include "model/quirk_log.h"

namespace ringside::model {

class PciBridge final : public PciFunction, private UpstreamGate {
 public:
  PciBus secondary;

  PciBridge(const sc_core::sc_module_name& name, const Clock& clock, const ConfigSpace& space);

  // Before anything is plugged into the secondary bus.
  void power_on(const ConfigSpace& space, QuirkSet quirks, const Latencies& latencies, Tap* tap);
  // A device was in the slot at power-on.
  void occupy_slot();
  [[nodiscard]] const QuirkCounts& quirk_counts() const { return quirks_.counts(); }

 private:
  bool bar_access(unsigned, Access&, Picoseconds) override { return false; }
  void after_config_write(unsigned offset, unsigned size, Picoseconds at) override;
  void forward_config(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) override;
  void forward(AddressSpace space, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) override;
  void update_windows();
  void update_window(unsigned number, AddressSpace space, const AddressRange& range, std::uint16_t enable);
  [[nodiscard]] bool passes_anyway(Picoseconds at) override;
  [[nodiscard]] AddressRange io_window() const;
  [[nodiscard]] AddressRange memory_window() const;
  [[nodiscard]] AddressRange prefetchable_window() const;
  [[nodiscard]] bool in_reset() const { return (space_.read(PCI_BRIDGE_CONTROL, 2) & PCI_BRIDGE_CTL_BUS_RESET) != 0; }

  QuirkLog quirks_;
  bool was_in_reset_ = false;
};

}  // namespace ringside::model
