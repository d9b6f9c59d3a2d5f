// The i440FX host bridge: CPU on one side; PCI bus, RAM and the MSI window on the other. Decodes CONFIG_ADDRESS and
// CONFIG_DATA (PCI 3.2.2.3.2), ports and memory, and what devices access by DMA. An unclaimed read gives all-ones.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <memory>
#include <systemc>
#include <tlm>
#include <vector>

#include "model/pci_function.h"

namespace ringside::model {

class HostBridge final : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<HostBridge> cpu_io;
  tlm_utils::simple_target_socket<HostBridge> cpu_memory;
  tlm_utils::simple_target_socket<HostBridge> dma;  // devices as masters
  tlm_utils::simple_initiator_socket<HostBridge> ram;
  tlm_utils::simple_initiator_socket<HostBridge> msi;

  HostBridge(const sc_core::sc_module_name& name, std::uint64_t ram_bytes);

  // Construction: puts a function on the bus.
  void attach(PciFunction& function);
  void power_on();

 private:
  using InitiatorSocket = tlm_utils::simple_initiator_socket<HostBridge>;

  // One function's place on the bus: the bridge's side of its three address spaces.
  struct Place {
    explicit Place(Slot slot);
    InitiatorSocket config;
    InitiatorSocket io;
    InitiatorSocket memory;
    std::uint16_t number;
  };

  void cpu_io_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void cpu_memory_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void dma_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  unsigned dma_debug(tlm::tlm_generic_payload& transaction);
  bool dma_direct_mem_ptr(tlm::tlm_generic_payload& transaction, tlm::tlm_dmi& dmi);
  void invalidate(sc_dt::uint64 first, sc_dt::uint64 last);
  void config_address_transport(tlm::tlm_generic_payload& transaction);
  void config_data_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  template <InitiatorSocket Place::*kSpace>
  void broadcast(Place*& last_claimer, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);

  std::uint64_t ram_bytes_;
  std::vector<std::unique_ptr<Place>> places_;
  Place* last_io_claimer_ = nullptr;  // asked first: a driver mostly talks to one device
  Place* last_memory_claimer_ = nullptr;
  std::uint32_t config_address_ = 0;
};

}  // namespace ringside::model
