// A PCI bus: connectors with functions in them, and the routing of configuration cycles, ports and memory to the one
// that answers. What is plugged in where is strapped at power-on, and changes with hot plug.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "model/address_map.h"
#include "model/dma_port.h"
#include "model/pci_function.h"

namespace ringside::model {

class PciBus;

// The bus's end of one function: three initiator sockets, bound for good; the bus that it is on may change.
class PciConnector final : public sc_core::sc_module, public ClaimSink {
 public:
  tlm_utils::simple_initiator_socket<PciConnector> config;
  tlm_utils::simple_initiator_socket<PciConnector> io;
  tlm_utils::simple_initiator_socket<PciConnector> memory;

  // `port` is the function's own way to memory, null when it has none.
  PciConnector(const sc_core::sc_module_name& name, PciFunction& function, DmaPort* port = nullptr);

  [[nodiscard]] Slot slot() const { return function_.slot(); }

  void claim(AddressSpace space, unsigned number, const AddressRange& range) override;
  void release(AddressSpace space, unsigned number) override;

 private:
  friend PciBus;
  PciFunction& function_;
  DmaPort* port_;
  PciBus* bus_ = nullptr;  // null: in no slot
};

class PciBus {
 public:
  // Nothing is plugged in, nothing is claimed, and masters may act.
  void power_on();
  // The bridge above: masters may act when it lets them. Before anything is plugged in.
  void power_on_below(UpstreamGate& gate);
  void plug(PciConnector& connector, Slot slot);
  // What it claimed nobody claims any more.
  void unplug(PciConnector& connector);

  // A cycle of type 0 or 1 (PCI 3.0, 3.2.2.3; see kConfigTypeOne). TLM_ADDRESS_ERROR_RESPONSE when nobody answers.
  void config_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void transport(AddressSpace space, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
    PciConnector* const claimer = map(space).find(transaction.get_address());
    if (claimer == nullptr) {
      transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    (space == AddressSpace::io ? claimer->io : claimer->memory)->b_transport(transaction, delay);
  }

  // Whether what is on this bus reaches memory: the bridge above forwards upstream only as a bus master itself.
  void let_masters_act(bool allowed);
  // Secondary bus reset (PCI-to-PCI Bridge Architecture 1.2, 3.2.5.17).
  void reset_functions(Picoseconds at);

 private:
  friend PciConnector;
  [[nodiscard]] AddressMap& map(AddressSpace space) { return space == AddressSpace::io ? io_ : memory_; }

  std::vector<PciConnector*> connectors_;
  AddressMap io_;
  AddressMap memory_;
  bool masters_act_ = true;
  UpstreamGate* gate_ = nullptr;
};

}  // namespace ringside::model
