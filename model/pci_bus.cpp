#include "model/pci_bus.h"

namespace ringside::model {

PciConnector::PciConnector(const sc_core::sc_module_name& name, PciFunction& function, DmaPort* port)
    : sc_module(name), config("config"), io("io"), memory("memory"), function_(function), port_(port) {
  config.bind(function.config);
  io.bind(function.io);
  memory.bind(function.memory);
  function.connect(*this);
}

void PciConnector::claim(AddressSpace space, unsigned number, const AddressRange& range) {
  if (bus_ != nullptr) {
    bus_->map(space).claim(*this, number, range);
  }
}

void PciConnector::release(AddressSpace space, unsigned number) {
  if (bus_ != nullptr) {
    bus_->map(space).release(*this, number);
  }
}

void PciBus::power_on() {
  for (PciConnector* const connector : connectors_) {
    connector->bus_ = nullptr;
  }
  connectors_.clear();
  io_.clear();
  memory_.clear();
  masters_act_ = true;
  gate_ = nullptr;
}

void PciBus::power_on_below(UpstreamGate& gate) {
  power_on();
  masters_act_ = false;
  gate_ = &gate;
}

void PciBus::plug(PciConnector& connector, Slot slot) {
  connector.function_.place(slot);
  connector.bus_ = this;
  connectors_.push_back(&connector);
  if (connector.port_ != nullptr) {
    connector.port_->set_upstream(masters_act_, gate_);
  }
}

void PciBus::unplug(PciConnector& connector) {
  connector.bus_ = nullptr;
  std::erase(connectors_, &connector);
  io_.release_all(connector);
  memory_.release_all(connector);
  if (connector.port_ != nullptr) {
    connector.port_->set_upstream(false, nullptr);
  }
}

void PciBus::config_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  const std::uint64_t address = transaction.get_address();
  const bool type_one = (address & kConfigTypeOne) != 0;
  for (PciConnector* const connector : connectors_) {
    if (!type_one && connector->slot().number() != (address >> kConfigFunctionShift & 0xff)) {
      continue;
    }
    connector->config->b_transport(transaction, delay);
    if (transaction.get_response_status() != tlm::TLM_ADDRESS_ERROR_RESPONSE) {
      return;
    }
  }
  transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

void PciBus::let_masters_act(bool allowed) {
  masters_act_ = allowed;
  for (PciConnector* const connector : connectors_) {
    if (connector->port_ != nullptr) {
      connector->port_->set_upstream(allowed, gate_);
    }
  }
}

void PciBus::reset_functions(Picoseconds at) {
  for (PciConnector* const connector : connectors_) {
    connector->function_.reset(at);
  }
}

}  // namespace ringside::model
