#include "model/pc.h"

#include "model/chipset.h"

namespace ringside::model {

Pc::Pc(const sc_core::sc_module_name& name)
    : sc_module(name),
      interrupts("interrupts"),
      ram("ram", kRamBytes),
      bridge("bridge", kRamBytes),
      host("host", Slot{0, 0}, clock, i440fx_config_space()),
      isa("isa", Slot{1, 0}, clock, interrupts),
      ide("ide", Slot{1, 1}, clock, piix3_ide_config_space()),
      pm("pm", Slot{1, 3}, clock, piix4_pm_config_space()),
      disk("disk", Slot{4, 0}, clock, kRamBytes, isa) {
  bridge.ram.bind(ram.socket);
  bridge.msi.bind(interrupts.msi);
  disk.dma.socket.bind(bridge.dma);
  for (PciFunction* const function :
       {static_cast<PciFunction*>(&host), static_cast<PciFunction*>(&isa), static_cast<PciFunction*>(&ide),
        static_cast<PciFunction*>(&pm), static_cast<PciFunction*>(&disk)}) {
    bridge.attach(*function);
  }
}

void Pc::power_on(const PowerOn& options) {
  clock.power_on();
  interrupts.power_on();
  ram.power_on(options.dmi);
  bridge.power_on();
  host.power_on(options.latencies, options.tap);
  isa.power_on(options.latencies, options.tap);
  ide.power_on(options.latencies, options.tap);
  pm.power_on(options.latencies, options.tap);
  const DiskSetup& first = options.disks.at(0);
  disk.power_on(first.disk, options.quirks, options.latencies, first.tap);
}

}  // namespace ringside::model

// libsystemc brings a main() that calls sc_main(). The programs here have a main() of their own and start the kernel
// when they need it, but the library still wants the symbol.
int sc_main(int, char*[]) { return 0; }
