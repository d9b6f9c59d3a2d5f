// The machine `pc`: an i440FX board with one virtio-blk, joined by TLM-2.0 sockets. A CPU binds its two initiator
// sockets to the bridge's cpu_io and cpu_memory.
#pragma once

#include <cstdint>
#include <systemc>
#include <vector>

#include "model/clock.h"
#include "model/host_bridge.h"
#include "model/interrupt_controller.h"
#include "model/latencies.h"
#include "model/pci_function.h"
#include "model/piix3.h"
#include "model/properties.h"
#include "model/quirks.h"
#include "model/ram.h"
#include "model/tap.h"
#include "model/virtio_blk_pci.h"

namespace ringside::model {

// One disk of the machine: what it keeps its bytes in, what it is, and who watches it.
struct DiskSetup {
  Disk disk;
  BlkProperties properties;
  Tap* tap = nullptr;
};

// What a power-on straps: SystemC elaborates once, a machine may differ from run to run.
struct PowerOn {
  std::vector<DiskSetup> disks;  // 1 .. kMostDisks
  QuirkSet quirks;
  Latencies latencies;
  bool dmi = true;
  Tap* tap = nullptr;  // of everything but the disks
};

class Pc final : public sc_core::sc_module {
 public:
  static constexpr std::uint64_t kRamBytes = 256ull << 20;

  explicit Pc(const sc_core::sc_module_name& name);

  // Everything back to power-on state. Nothing of the run before is left but the kernel's own time. The disk and the
  // tap outlive the run.
  void power_on(const PowerOn& options);

  Clock clock;
  InterruptController interrupts;
  Ram ram;
  HostBridge bridge;
  ConfigOnlyFunction host;
  Piix3 isa;
  ConfigOnlyFunction ide;
  ConfigOnlyFunction pm;
  VirtioBlkPci disk;
};

}  // namespace ringside::model
