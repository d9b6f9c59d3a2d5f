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
  upstream_ = false;
  use_iommu(nullptr);
  at_ = 0;
}

// --- The IOMMU's part. A range may lie in several mappings, one after the other.

const Iommu::Mapping& DmaPort::mapping_of(std::uint64_t address) {
  if (version_ != iommu_->version() || !cached_.contains(address)) {
    cached_ = iommu_->find(address);
    version_ = iommu_->version();
  }
  return cached_;
}

DmaPort::Piece DmaPort::translate(std::uint64_t address, std::uint64_t size) {
  if (iommu_ == nullptr) {
    return {address, size};
  }
  const Iommu::Mapping& mapping = mapping_of(address);
  const std::uint64_t offset = address - mapping.bus;
  return {mapping.physical + offset, std::min(size, mapping.bytes - offset)};
}

DmaFailure DmaPort::failure_of(std::uint64_t address, std::uint64_t size, bool is_write) {
  if (iommu_ == nullptr) {
    return is_ram(address, size) ? DmaFailure::none : DmaFailure::outside_memory;
  }
  while (size != 0) {
    const Iommu::Mapping& mapping = mapping_of(address);
    if (!mapping.contains(address)) {
      return DmaFailure::not_mapped;
    }
    if (!(is_write ? mapping.writable : mapping.readable)) {
      return DmaFailure::not_permitted;
    }
    const Piece piece = translate(address, size);
    if (!is_ram(piece.physical, piece.bytes)) {
      return DmaFailure::outside_memory;
    }
    address += piece.bytes;
    size -= piece.bytes;
  }
  return DmaFailure::none;
}

bool DmaPort::permitted(std::uint64_t address, std::uint64_t size, bool is_write) {
  const bool permitted = failure_of(address, size, is_write) == DmaFailure::none;
  if (!permitted) {
    iommu_->count_fault();
  }
  return permitted;
}

bool DmaPort::translates(std::uint64_t address, std::uint64_t size) {
  const bool to_read = failure_of(address, size, false) == DmaFailure::none;
  if (to_read || failure_of(address, size, true) == DmaFailure::none) {
    return true;
  }
  iommu_->count_fault();
  if (tap_ != nullptr) {
    show(address, size, false);
  }
  return false;
}

// --- Transfers

void DmaPort::show(std::uint64_t address, std::uint64_t size, bool is_write) {
  tap_->dma(at_, address, size, is_write, may_act() ? failure_of(address, size, is_write) : DmaFailure::bus_master_off);
}

bool DmaPort::slow_read(std::uint64_t address, std::uint8_t* data, std::uint64_t size) {
  while (size != 0) {
    const Piece piece = translate(address, size);
    if (!transport(tlm::TLM_READ_COMMAND, piece.physical, data, piece.bytes)) {
      return false;
    }
    address += piece.bytes;
    data += piece.bytes;
    size -= piece.bytes;
  }
  return true;
}

bool DmaPort::slow_write(std::uint64_t address, const std::uint8_t* data, std::uint64_t size) {
  while (size != 0) {
    const Piece piece = translate(address, size);
    // TLM has one data pointer for both directions; a write does not change what it points to.
    if (!transport(tlm::TLM_WRITE_COMMAND, piece.physical, const_cast<std::uint8_t*>(data), piece.bytes)) {
      return false;
    }
    address += piece.bytes;
    data += piece.bytes;
    size -= piece.bytes;
  }
  return true;
}

bool DmaPort::transport(tlm::tlm_command command, std::uint64_t physical, std::uint8_t* data, std::uint64_t size) {
  tlm::tlm_generic_payload transaction;
  transaction.set_command(command);
  transaction.set_address(physical);
  transaction.set_data_ptr(data);
  transaction.set_data_length(static_cast<unsigned>(size));
  transaction.set_streaming_width(static_cast<unsigned>(size));
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;  // what the link costs is in at_ already, with DMI or without
  socket->b_transport(transaction, delay);
  if (transaction.is_dmi_allowed()) {
    ask_for_pointer(physical);
  }
  return transaction.is_response_ok();
}

// What is peeked at is small: it lies in one page or is not worth a look.
bool DmaPort::debug_read(std::uint64_t address, void* data, std::uint64_t size) {
  const Piece piece = translate(address, size);
  tlm::tlm_generic_payload transaction;
  transaction.set_command(tlm::TLM_READ_COMMAND);
  transaction.set_address(piece.physical);
  transaction.set_data_ptr(static_cast<std::uint8_t*>(data));
  transaction.set_data_length(static_cast<unsigned>(size));
  return piece.bytes == size && socket->transport_dbg(transaction) == size;
}

void DmaPort::ask_for_pointer(std::uint64_t physical) {
  tlm::tlm_generic_payload transaction;
  transaction.set_address(physical);
  tlm::tlm_dmi dmi;
  if (socket->get_direct_mem_ptr(transaction, dmi) && dmi.is_read_write_allowed()) {
    direct_ = dmi.get_dmi_ptr();
    direct_start_ = dmi.get_start_address();
    direct_bytes_ = dmi.get_end_address() - dmi.get_start_address() + 1;
  }
}

void DmaPort::invalidate(sc_dt::uint64, sc_dt::uint64) { direct_bytes_ = 0; }

// --- Between disk and memory

DmaPort::Result DmaPort::disk_to_memory(Storage& disk, std::uint64_t offset, std::uint64_t address,
                                        std::uint64_t size) {
  Result result = admit(address, size, true) ? Result::ok : Result::dma_failed;
  while (result == Result::ok && size != 0) {
    const Piece piece = translate(address, size);
    result = read_disk(disk, offset, piece);
    offset += piece.bytes;
    address += piece.bytes;
    size -= piece.bytes;
  }
  return result;
}

DmaPort::Result DmaPort::memory_to_disk(Storage& disk, std::uint64_t offset, std::uint64_t address,
                                        std::uint64_t size) {
  Result result = admit(address, size, false) ? Result::ok : Result::dma_failed;
  while (result == Result::ok && size != 0) {
    const Piece piece = translate(address, size);
    result = write_disk(disk, offset, piece);
    offset += piece.bytes;
    address += piece.bytes;
    size -= piece.bytes;
  }
  return result;
}

DmaPort::Result DmaPort::read_disk(Storage& disk, std::uint64_t offset, const Piece& piece) {
  if (std::uint8_t* const memory = direct_physical(piece.physical, piece.bytes)) {
    return disk.read(offset, memory, piece.bytes) ? Result::ok : Result::media_failed;
  }
  Bounce bounce;
  for (std::uint64_t done = 0; done < piece.bytes;) {
    const std::uint64_t step = std::min(piece.bytes - done, kBounceBytes);
    if (!disk.read(offset + done, bounce.data(), step)) {
      return Result::media_failed;
    }
    if (!transport(tlm::TLM_WRITE_COMMAND, piece.physical + done, bounce.data(), step)) {
      return Result::dma_failed;
    }
    done += step;
  }
  return Result::ok;
}

DmaPort::Result DmaPort::write_disk(Storage& disk, std::uint64_t offset, const Piece& piece) {
  if (const std::uint8_t* const memory = direct_physical(piece.physical, piece.bytes)) {
    return disk.write(offset, memory, piece.bytes) ? Result::ok : Result::media_failed;
  }
  Bounce bounce;
  for (std::uint64_t done = 0; done < piece.bytes;) {
    const std::uint64_t step = std::min(piece.bytes - done, kBounceBytes);
    if (!transport(tlm::TLM_READ_COMMAND, piece.physical + done, bounce.data(), step)) {
      return Result::dma_failed;
    }
    if (!disk.write(offset + done, bounce.data(), step)) {
      return Result::media_failed;
    }
    done += step;
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
