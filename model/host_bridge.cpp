#include "model/host_bridge.h"

#include <algorithm>
#include <cstring>

#include "model/interrupt_controller.h"

namespace ringside::model {
namespace {

constexpr std::uint64_t CONFIG_ADDRESS = 0xcf8;
constexpr std::uint64_t CONFIG_DATA = 0xcfc;
constexpr std::uint32_t CONFIG_ADDRESS_ENABLE = 0x8000'0000;

// Nobody claimed it: reads see the bus floating high, writes go nowhere (PCI master abort). Not an error to a CPU.
void master_abort(tlm::tlm_generic_payload& transaction) {
  if (transaction.is_read()) {
    std::memset(transaction.get_data_ptr(), 0xff, transaction.get_data_length());
  }
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

}  // namespace

HostBridge::Place::Place(Slot slot)
    : config(sc_core::sc_gen_unique_name("config")),
      io(sc_core::sc_gen_unique_name("io")),
      memory(sc_core::sc_gen_unique_name("memory")),
      number(slot.number()) {}

HostBridge::HostBridge(const sc_core::sc_module_name& name, std::uint64_t ram_bytes)
    : sc_module(name),
      cpu_io("cpu_io"),
      cpu_memory("cpu_memory"),
      dma("dma"),
      ram("ram"),
      msi("msi"),
      ram_bytes_(ram_bytes) {
  cpu_io.register_b_transport(this, &HostBridge::cpu_io_transport);
  cpu_memory.register_b_transport(this, &HostBridge::cpu_memory_transport);
  dma.register_b_transport(this, &HostBridge::dma_transport);
  dma.register_transport_dbg(this, &HostBridge::dma_debug);
  dma.register_get_direct_mem_ptr(this, &HostBridge::dma_direct_mem_ptr);
  ram.register_invalidate_direct_mem_ptr(this, &HostBridge::invalidate);
}

void HostBridge::attach(PciFunction& function) {
  places_.push_back(std::make_unique<Place>(function.slot()));
  places_.back()->config.bind(function.config);
  places_.back()->io.bind(function.io);
  places_.back()->memory.bind(function.memory);
}

void HostBridge::power_on() {
  config_address_ = 0;
  last_io_claimer_ = nullptr;
  last_memory_claimer_ = nullptr;
}

// Positive decoding: each function looks at the address, and the one that knows it answers.
template <HostBridge::InitiatorSocket HostBridge::Place::*kSpace>
void HostBridge::broadcast(Place*& last_claimer, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  if (last_claimer != nullptr) {
    (last_claimer->*kSpace)->b_transport(transaction, delay);
    if (transaction.get_response_status() != tlm::TLM_ADDRESS_ERROR_RESPONSE) {
      return;
    }
  }
  for (const auto& place : places_) {
    ((*place).*kSpace)->b_transport(transaction, delay);
    if (transaction.get_response_status() != tlm::TLM_ADDRESS_ERROR_RESPONSE) {
      last_claimer = place.get();
      return;
    }
  }
  master_abort(transaction);
}

void HostBridge::cpu_io_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  const std::uint64_t port = transaction.get_address();
  if (port == CONFIG_ADDRESS) {
    config_address_transport(transaction);
  } else if (port >= CONFIG_DATA && port < CONFIG_DATA + 4) {
    config_data_transport(transaction, delay);
  } else {
    broadcast<&Place::io>(last_io_claimer_, transaction, delay);
  }
}

void HostBridge::config_address_transport(tlm::tlm_generic_payload& transaction) {
  const unsigned size = std::min<unsigned>(transaction.get_data_length(), sizeof config_address_);
  if (transaction.is_read()) {
    std::memcpy(transaction.get_data_ptr(), &config_address_, size);
  } else if (size == sizeof config_address_) {  // only a write of all four bytes is for the bridge
    std::memcpy(&config_address_, transaction.get_data_ptr(), size);
  }
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

void HostBridge::config_data_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  const std::uint64_t port = transaction.get_address();
  const bool crosses = port + transaction.get_data_length() > CONFIG_DATA + 4;
  const std::uint32_t bus_and_function = config_address_ >> 8 & 0xffff;
  if ((config_address_ & CONFIG_ADDRESS_ENABLE) == 0 || crosses) {
    master_abort(transaction);
    return;
  }
  for (const auto& place : places_) {
    if (place->number == bus_and_function) {
      transaction.set_address((config_address_ & 0xfc) + (port - CONFIG_DATA));
      place->config->b_transport(transaction, delay);
      transaction.set_address(port);
      return;
    }
  }
  master_abort(transaction);
}

void HostBridge::cpu_memory_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  if (transaction.get_address() < ram_bytes_) {
    ram->b_transport(transaction, delay);
  } else {
    broadcast<&Place::memory>(last_memory_claimer_, transaction, delay);
  }
}

// A device reaches RAM and the MSI window. One device that reaches into another's BAR is not what this board wires up.
void HostBridge::dma_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  const std::uint64_t address = transaction.get_address();
  if (address < ram_bytes_) {
    ram->b_transport(transaction, delay);
    return;
  }
  if (address - InterruptController::kMsiBase < InterruptController::kMsiBytes) {
    transaction.set_address(address - InterruptController::kMsiBase);
    msi->b_transport(transaction, delay);
    transaction.set_address(address);
    return;
  }
  transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

unsigned HostBridge::dma_debug(tlm::tlm_generic_payload& transaction) {
  return transaction.get_address() < ram_bytes_ ? ram->transport_dbg(transaction) : 0;
}

bool HostBridge::dma_direct_mem_ptr(tlm::tlm_generic_payload& transaction, tlm::tlm_dmi& dmi) {
  return transaction.get_address() < ram_bytes_ && ram->get_direct_mem_ptr(transaction, dmi);
}

void HostBridge::invalidate(sc_dt::uint64 first, sc_dt::uint64 last) { dma->invalidate_direct_mem_ptr(first, last); }

}  // namespace ringside::model
