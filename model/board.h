// A PC's board: i440FX or Q35, up to four virtio disks, and the bridges that they need, joined by TLM-2.0 sockets. All
// of it is elaborated once; what a machine has this time is strapped at power-on, and the rest is on no bus. A CPU
// binds its two initiator sockets to the bridge's cpu_io and cpu_memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <systemc>
#include <vector>

#include "model/clock.h"
#include "model/host_bridge.h"
#include "model/ich9_lpc.h"
#include "model/interrupt_controller.h"
#include "model/intx.h"
#include "model/iommu.h"
#include "model/latencies.h"
#include "model/mch.h"
#include "model/pci_bridge.h"
#include "model/pci_function.h"
#include "model/piix3.h"
#include "model/piix3_ide.h"
#include "model/properties.h"
#include "model/quirks.h"
#include "model/ram.h"
#include "model/tap.h"
#include "model/virtio_blk_pci.h"

namespace ringside::model {

inline constexpr unsigned kMostDisks = 4;
inline constexpr unsigned kRootPorts = 4;

enum class MachineType : std::uint8_t { pc, q35 };

// One disk of the machine: what it keeps its bytes in, what it is, and who watches it.
struct DiskSetup {
  Disk disk;
  BlkProperties properties;
  Tap* tap = nullptr;
  bool stand_in = false;  // another function sits in its place, see Board::stand_in()
};

// What a power-on straps: SystemC elaborates once, a machine may differ from run to run.
struct PowerOn {
  MachineType machine = MachineType::pc;
  std::vector<DiskSetup> disks;  // 0 .. kMostDisks
  IdeDisk ide;                   // on the IDE controller of `pc`; without storage: none
  QuirkSet quirks;
  Latencies latencies;
  bool dmi = true;
  Tap* tap = nullptr;  // of everything but the disks
};

// What is wrong with it, in a few words; nothing when it can be powered on.
[[nodiscard]] std::optional<std::string> problem_with(const PowerOn& options);

class Board final : public sc_core::sc_module {
 public:
  static constexpr std::uint64_t kRamBytes = 256ull << 20;

  explicit Board(const sc_core::sc_module_name& name);

  // Before the first power-on: a function that is none of the board's, to sit where disk `index` would, in the runs
  // that ask for it. It is powered on by whoever it belongs to.
  void stand_in(unsigned index, PciFunction& function);
  // Where that function drives its INTx pin.
  [[nodiscard]] IntxSink& pin(unsigned index) { return disks_.at(index)->intx; }

  // Everything back to power-on state. Nothing of the run before is left but the kernel's own time. Disks and taps
  // outlive the run. Throws std::invalid_argument for what problem_with() finds.
  void power_on(const PowerOn& options);

  [[nodiscard]] MachineType machine() const { return options_.machine; }
  [[nodiscard]] VirtioBlkPci& disk(unsigned index) { return *disks_.at(index)->function; }
  // Those that the machine has, plugged in or not, in order.
  [[nodiscard]] std::vector<VirtioBlkPci*> disks();
  // How often each quirk made a difference since power-on, in the whole machine.
  [[nodiscard]] QuirkCounts quirk_counts() const;

  // At the end of a run, see Ram::keep(): what a run uses of RAM lies in [first, end), but for what devices write.
  void keep_ram(std::uint64_t first, std::uint64_t end);
  // Where in RAM the last byte ended that a device has written in this run.
  [[nodiscard]] std::uint64_t dma_written_end() const;

  // Hot plug. From unplug on nothing answers where the disk was, what it had in flight is gone, and it does no DMA;
  // plug puts it back at power-on state. False when there is no such disk, or it is there, or gone, already.
  bool unplug(unsigned index);
  bool plug(unsigned index);

  [[nodiscard]] bool plugged(unsigned index) const { return plugged_.at(index); }

  // --- Of all disks that are plugged in, see VirtioBlkPci.
  void catch_up(Picoseconds until) {
    for (VirtioBlkPci* const disk : present_) {
      disk->catch_up(until);
    }
  }
  [[nodiscard]] Picoseconds next_completion() const;
  bool arm();

  Clock clock;
  InterruptController interrupts;
  Ram ram;
  Iommu iommu;  // on when a disk is behind it (iommu_platform), and then for all
  HostBridge bridge;

 private:
  // A function of the chipset that is nothing but its configuration space, and where it sits.
  struct Fixed {
    Fixed(const char* name, Slot place, const Clock& clock, const ConfigSpace& space);
    ConfigOnlyFunction function;
    PciConnector connector;
    Slot slot;
  };
  struct Bridge {
    Bridge(const char* name, const Clock& clock);
    PciBridge function;
    PciConnector connector;
    Slot slot;
    bool in_use = true;  // or not known to be at power-on state
  };
  struct DiskPlace {
    DiskPlace(const char* name, const Clock& clock, HostBridge& bridge);
    IntxWire intx;
    std::unique_ptr<VirtioBlkPci> function;
    std::unique_ptr<PciConnector> connector;
    std::unique_ptr<PciConnector> other;  // of the stand-in
    bool in_use = true;
  };

  void power_on_chipset(const PowerOn& options);
  void power_on_bridges(const PowerOn& options);
  void power_on_bridge(Bridge& bridge, bool there, const ConfigSpace& space);
  void power_on_port(unsigned index, unsigned last, bool there);
  void power_on_disk(unsigned index);
  void put_in(unsigned index);
  [[nodiscard]] PciConnector& connector_of(unsigned index);
  [[nodiscard]] Bridge* bridge_of(const PciPlace& place);
  void list_present();
  [[nodiscard]] PirqRouter& router();

  Fixed i440fx_;
  Piix3 piix3_;
  PciConnector piix3_connector_;
  Piix3Ide piix3_ide_;
  PciConnector piix3_ide_connector_;
  Fixed piix4_pm_;

  Mch mch_;
  PciConnector mch_connector_;
  Ich9Lpc lpc_;
  PciConnector lpc_connector_;
  Fixed ahci_;
  Fixed smbus_;

  Bridge pci_bridge_;
  std::array<std::unique_ptr<Bridge>, kRootPorts> ports_;
  std::array<std::unique_ptr<DiskPlace>, kMostDisks> disks_;

  PowerOn options_;                     // of this run
  std::vector<VirtioBlkPci*> present_;  // plugged in
  std::array<bool, kMostDisks> plugged_{};
  QuirkCounts gone_{};  // what unplugged disks had counted
};

}  // namespace ringside::model
