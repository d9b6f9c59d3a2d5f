// The host bridge: CPU on one side; PCI bus, RAM and the MSI window on the other. Decodes CONFIG_ADDRESS and
// CONFIG_DATA (PCI 3.0, 3.2.2.3.2) and, where the chipset has opened it, memory-mapped configuration space (PCIe 4.0,
// 7.2.2); ports and memory; and what devices access by DMA. An unclaimed read gives all-ones.
#pragma once

#include <tlm_utils/multi_passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <systemc>
#include <tlm>

#include "model/clock.h"
#include "model/pci_bus.h"
#include "model/quirk_log.h"

namespace ringside::model {

class HostBridge final : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<HostBridge> cpu_io;
  tlm_utils::simple_target_socket<HostBridge> cpu_memory;
  tlm_utils::multi_passthrough_target_socket<HostBridge> dma;  // devices as masters
  tlm_utils::simple_initiator_socket<HostBridge> ram;
  tlm_utils::simple_initiator_socket<HostBridge> msi;
  PciBus bus;  // number 0

  HostBridge(const sc_core::sc_module_name& name, const Clock& clock, std::uint64_t ram_bytes);

  void power_on(QuirkSet quirks, Tap* tap);
  [[nodiscard]] const QuirkCounts& quirk_counts() const { return quirks_.counts(); }

  // Where configuration space lies in memory.
  void open_ecam(std::uint64_t base, std::uint64_t bytes);
  void close_ecam() { ecam_bytes_ = 0; }

 private:
  void cpu_io_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void cpu_memory_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void dma_transport(int master, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  unsigned dma_debug(int master, tlm::tlm_generic_payload& transaction);
  bool dma_direct_mem_ptr(int master, tlm::tlm_generic_payload& transaction, tlm::tlm_dmi& dmi);
  void invalidate(sc_dt::uint64 first, sc_dt::uint64 last);
  void config_address_transport(tlm::tlm_generic_payload& transaction);
  void config_data_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void config_cycle(std::uint64_t function_and_offset, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);

  const Clock& clock_;
  std::uint64_t ram_bytes_;
  QuirkLog quirks_;
  std::uint32_t config_address_ = 0;
  std::uint64_t ecam_base_ = 0;
  std::uint64_t ecam_bytes_ = 0;  // 0: closed
};

}  // namespace ringside::model
