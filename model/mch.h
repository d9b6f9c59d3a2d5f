// The host bridge of the Q35 chipset as a PCI function: its register PCIEXBAR says where in memory configuration space
// lies (ECAM).
#pragma once

#include "model/host_bridge.h"
#include "model/pci_function.h"

namespace ringside::model {

class Mch final : public PciFunction {
 public:
  Mch(const sc_core::sc_module_name& name, const Clock& clock, HostBridge& bridge);
  void power_on(const Latencies& latencies, Tap* tap) { power_on_function(latencies, tap); }

 private:
  bool bar_access(unsigned, Access&, Picoseconds) override { return false; }
  void after_config_write(unsigned offset, unsigned size, Picoseconds at) override;

  HostBridge& bridge_;
};

}  // namespace ringside::model
