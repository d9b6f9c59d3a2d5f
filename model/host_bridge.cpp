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
void master_abort(tlm::tlm_generic_payload& transaction, int read_as = 0xff) {
  if (transaction.is_read()) {
    std::memset(transaction.get_data_ptr(), read_as, transaction.get_data_length());
  }
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

bool unclaimed(const tlm::tlm_generic_payload& transaction) {
  return transaction.get_response_status() == tlm::TLM_ADDRESS_ERROR_RESPONSE;
}

}  // namespace

HostBridge::HostBridge(const sc_core::sc_module_name& name, const Clock& clock, std::uint64_t ram_bytes)
    : sc_module(name),
      cpu_io("cpu_io"),
      cpu_memory("cpu_memory"),
      dma("dma"),
      ram("ram"),
      msi("msi"),
      clock_(clock),
      ram_bytes_(ram_bytes) {
  cpu_io.register_b_transport(this, &HostBridge::cpu_io_transport);
  cpu_memory.register_b_transport(this, &HostBridge::cpu_memory_transport);
  dma.register_b_transport(this, &HostBridge::dma_transport);
  dma.register_transport_dbg(this, &HostBridge::dma_debug);
  dma.register_get_direct_mem_ptr(this, &HostBridge::dma_direct_mem_ptr);
  ram.register_invalidate_direct_mem_ptr(this, &HostBridge::invalidate);
}

void HostBridge::power_on(QuirkSet quirks, Tap* tap) {
  quirks_.power_on(quirks, tap);
  bus.power_on();
  config_address_ = 0;
  close_ecam();
}

void HostBridge::open_ecam(std::uint64_t base, std::uint64_t bytes) {
  ecam_base_ = base;
  ecam_bytes_ = bytes;
}

void HostBridge::cpu_io_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  const std::uint64_t port = transaction.get_address();
  if (port == CONFIG_ADDRESS) {
    config_address_transport(transaction);
  } else if (port >= CONFIG_DATA && port < CONFIG_DATA + 4) {
    config_data_transport(transaction, delay);
  } else {
    bus.transport(AddressSpace::io, transaction, delay);
    if (unclaimed(transaction)) {
      master_abort(transaction);
    }
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
  if ((config_address_ & CONFIG_ADDRESS_ENABLE) == 0 || crosses) {
    master_abort(transaction);
    return;
  }
  const std::uint64_t function = config_address_ >> 8 & 0xffff;
  config_cycle(function << kConfigFunctionShift | (config_address_ & 0xfc) | (port - CONFIG_DATA), transaction, delay);
}

// What is for bus 0 is a cycle of type 0 there, the rest is of type 1 (PCI 3.0, 3.2.2.3.1).
void HostBridge::config_cycle(std::uint64_t function_and_offset, tlm::tlm_generic_payload& transaction,
                              sc_core::sc_time& delay) {
  const std::uint64_t address = transaction.get_address();
  const bool here = function_and_offset >> kConfigBusShift == 0;
  transaction.set_address(function_and_offset | (here ? 0 : kConfigTypeOne));
  bus.config_transport(transaction, delay);
  transaction.set_address(address);
  if (unclaimed(transaction)) {
    master_abort(transaction);
  }
}

void HostBridge::cpu_memory_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  const std::uint64_t address = transaction.get_address();
  if (address < ram_bytes_) {
    ram->b_transport(transaction, delay);
    return;
  }
  if (address - ecam_base_ < ecam_bytes_) {
    config_cycle(address - ecam_base_, transaction, delay);
    return;
  }
  bus.transport(AddressSpace::memory, transaction, delay);
  if (unclaimed(transaction)) {
    const bool zero =
        transaction.is_read() && quirks_.fires(Quirk::unclaimed_memory_reads_zero, clock_.now() + delay.value());
    master_abort(transaction, zero ? 0x00 : 0xff);
  }
}

// A device reaches RAM and the MSI window. One device that reaches into another's BAR is not what this board wires up.
void HostBridge::dma_transport(int, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
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

unsigned HostBridge::dma_debug(int, tlm::tlm_generic_payload& transaction) {
  return transaction.get_address() < ram_bytes_ ? ram->transport_dbg(transaction) : 0;
}

bool HostBridge::dma_direct_mem_ptr(int, tlm::tlm_generic_payload& transaction, tlm::tlm_dmi& dmi) {
  return transaction.get_address() < ram_bytes_ && ram->get_direct_mem_ptr(transaction, dmi);
}

void HostBridge::invalidate(sc_dt::uint64 first, sc_dt::uint64 last) {
  for (unsigned i = 0; i < dma.size(); ++i) {
    dma[static_cast<int>(i)]->invalidate_direct_mem_ptr(first, last);
  }
}

}  // namespace ringside::model
