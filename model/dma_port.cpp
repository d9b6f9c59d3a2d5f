#include "model/dma_port.h"

#include <algorithm>
#include <array>

namespace ringside::model {
namespace {

constexpr std::uint64_t kBounceBytes = 4096;
using Bounce = std::array<std::uint8_t, kBounceBytes>;

}  // namespace

DmaPort::DmaPort(const sc_core::sc_module_name& name, std::uint64_t ram_bytes)
    : sc_module(name), socket("socket"), ram_bytes_(ram_bytes) {
  socket.register_invalidate_direct_mem_ptr(this, &DmaPort::invalidate);
}

void DmaPort::power_on(const Latencies& latencies, Tap* tap) {
  latencies_ = latencies;
  tap_ = tap;
  bus_master_ = false;
  at_ = 0;
}

void DmaPort::show(std::uint64_t address, std::uint64_t size, bool is_write) {
  const DmaFailure failure = !may_act()               ? DmaFailure::bus_master_off
                             : !in_ram(address, size) ? DmaFailure::outside_memory
                                                      : DmaFailure::none;
  tap_->dma(at_, address, size, is_write, failure);
}

bool DmaPort::transport(tlm::tlm_command command, std::uint64_t address, std::uint8_t* data, std::uint64_t size) {
  tlm::tlm_generic_payload transaction;
  transaction.set_command(command);
  transaction.set_address(address);
  transaction.set_data_ptr(data);
  transaction.set_data_length(static_cast<unsigned>(size));
  transaction.set_streaming_width(static_cast<unsigned>(size));
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;  // what the link costs is in at_ already, with DMI or without
  socket->b_transport(transaction, delay);
  if (transaction.is_dmi_allowed()) {
    ask_for_pointer(address);
  }
  return transaction.is_response_ok();
}

bool DmaPort::debug_read(std::uint64_t address, void* data, std::uint64_t size) const {
  tlm::tlm_generic_payload transaction;
  transaction.set_command(tlm::TLM_READ_COMMAND);
  transaction.set_address(address);
  transaction.set_data_ptr(static_cast<std::uint8_t*>(data));
  transaction.set_data_length(static_cast<unsigned>(size));
  return socket->transport_dbg(transaction) == size;
}

void DmaPort::ask_for_pointer(std::uint64_t address) {
  tlm::tlm_generic_payload transaction;
  transaction.set_address(address);
  tlm::tlm_dmi dmi;
  if (socket->get_direct_mem_ptr(transaction, dmi) && dmi.is_read_write_allowed()) {
    direct_ = dmi.get_dmi_ptr();
    direct_start_ = dmi.get_start_address();
    direct_bytes_ = dmi.get_end_address() - dmi.get_start_address() + 1;
  }
}

void DmaPort::invalidate(sc_dt::uint64, sc_dt::uint64) { direct_bytes_ = 0; }

DmaPort::Result DmaPort::disk_to_memory(Storage& disk, std::uint64_t offset, std::uint64_t address,
                                        std::uint64_t size) {
  if (!admit(address, size, true)) {
    return Result::dma_failed;
  }
  if (std::uint8_t* const memory = direct(address, size)) {
    return disk.read(offset, memory, size) ? Result::ok : Result::media_failed;
  }
  Bounce bounce;
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t piece = std::min(size - done, kBounceBytes);
    if (!disk.read(offset + done, bounce.data(), piece)) {
      return Result::media_failed;
    }
    if (!transport(tlm::TLM_WRITE_COMMAND, address + done, bounce.data(), piece)) {
      return Result::dma_failed;
    }
    done += piece;
  }
  return Result::ok;
}

DmaPort::Result DmaPort::memory_to_disk(Storage& disk, std::uint64_t offset, std::uint64_t address,
                                        std::uint64_t size) {
  if (!admit(address, size, false)) {
    return Result::dma_failed;
  }
  if (const std::uint8_t* const memory = direct(address, size)) {
    return disk.write(offset, memory, size) ? Result::ok : Result::media_failed;
  }
  Bounce bounce;
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t piece = std::min(size - done, kBounceBytes);
    if (!transport(tlm::TLM_READ_COMMAND, address + done, bounce.data(), piece)) {
      return Result::dma_failed;
    }
    if (!disk.write(offset + done, bounce.data(), piece)) {
      return Result::media_failed;
    }
    done += piece;
  }
  return Result::ok;
}

bool DmaPort::send_message(std::uint64_t address, std::uint32_t data) {
  if (tap_ != nullptr) {
    tap_->dma(at_, address, sizeof data, true, may_act() ? DmaFailure::none : DmaFailure::bus_master_off);
  }
  return may_act() && transport(tlm::TLM_WRITE_COMMAND, address, reinterpret_cast<std::uint8_t*>(&data), sizeof data);
}

}  // namespace ringside::model
