#include "model/dma_port.h"

#include <algorithm>
#include <array>

#include "model/shared_copy.h"

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
  set_bus_master(false);
  beside_driver_ = false;
  set_upstream(false, nullptr);
  use_iommu(nullptr);
  bounce_by(nullptr);
  inject(nullptr);
  at_ = 0;
}

void DmaPort::use_iommu(Iommu* iommu) {
  iommu_ = iommu;
  cached_ = {};
  reach_ = iommu == nullptr ? ram_bytes_ : 0;
  direct_ = memory_;
  direct_start_ = memory_start_;
  direct_bytes_ = iommu == nullptr ? memory_bytes_ : 0;
}

DmaFailure DmaPort::look_closer(std::uint64_t address, std::uint64_t size, bool is_write) {
  if (!may_act()) {
    return DmaFailure::bus_master_off;
  }
  const DmaFailure failure = failure_of(address, size, is_write);
  if (iommu_ != nullptr && failure != DmaFailure::none) {
    iommu_->count_fault();
  }
  return failure;
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
    return lies_below(ram_bytes_, address, size) ? DmaFailure::none : DmaFailure::outside_memory;
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
    if (!lies_below(ram_bytes_, piece.physical, piece.bytes)) {
      return DmaFailure::outside_memory;
    }
    address += piece.bytes;
    size -= piece.bytes;
  }
  return DmaFailure::none;
}

bool DmaPort::translates(std::uint64_t address, std::uint64_t size) {
  const DmaFailure to_read = failure_of(address, size, false);
  if (to_read == DmaFailure::none || failure_of(address, size, true) == DmaFailure::none) {
    return true;
  }
  iommu_->count_fault();
  if (tap_ != nullptr) {
    tap_->dma(at_, address, size, false, to_read);
  }
  return false;
}

std::uint8_t* DmaPort::pointer_to(const Piece& piece) const {
  return piece.bytes <= memory_bytes_ && piece.physical - memory_start_ <= memory_bytes_ - piece.bytes
             ? memory_ + (piece.physical - memory_start_)
             : nullptr;
}

// --- Where there is no memory

bool DmaPort::bounces(std::uint64_t address, std::uint64_t size, std::uint64_t bounced) {
  return absent(address, size) + bounced <= kBounceBytes && tolerates_absence() &&
         (bounced == 0 || quirks_->fires(Quirk::absent_memory_shares_page, at_));
}

bool DmaPort::tolerates_absence() {
  return iommu_ == nullptr && quirks_ != nullptr && may_act() && quirks_->fires(Quirk::absent_memory_bounces, at_);
}

bool DmaPort::read_absent(std::uint64_t address, std::uint8_t* data, std::uint64_t size) {
  if (!tolerates_absence()) {
    return false;
  }
  std::memset(data, 0, size);
  return slow_read(address, data, std::min(size, present(address)));
}

bool DmaPort::write_absent(std::uint64_t address, const std::uint8_t* data, std::uint64_t size) {
  return tolerates_absence() && slow_write(address, data, std::min(size, present(address)));
}

DmaPort::Result DmaPort::absent_to_disk(Storage& disk, std::uint64_t offset, std::uint64_t address,
                                        std::uint64_t size) {
  const std::uint64_t bytes = present(address);
  const std::uint64_t zeroes = size - bytes;
  const Bounce bounce{};
  if (zeroes > kBounceBytes || !tolerates_absence()) {
    return Result::dma_failed;
  }
  const Result result = bytes == 0 ? Result::ok : write_disk(disk, offset, {address, bytes});
  const bool written = result == Result::ok && disk.write(offset + bytes, bounce.data(), zeroes);
  return result != Result::ok ? result : written ? Result::ok : Result::media_failed;
}

// --- Transfers

bool DmaPort::slow_read(std::uint64_t address, std::uint8_t* data, std::uint64_t size) {
  while (size != 0) {
    const Piece piece = translate(address, size);
    if (const std::uint8_t* const memory = pointer_to(piece)) {
      copy_from_shared(data, memory, piece.bytes);
    } else if (!transport(tlm::TLM_READ_COMMAND, piece.physical, data, piece.bytes)) {
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
    note_write(piece.physical + piece.bytes);
    // TLM has one data pointer for both directions; a write does not change what it points to.
    if (std::uint8_t* const memory = pointer_to(piece)) {
      copy_to_shared(memory, data, piece.bytes);
    } else if (!transport(tlm::TLM_WRITE_COMMAND, piece.physical, const_cast<std::uint8_t*>(data), piece.bytes)) {
      return false;
    }
    address += piece.bytes;
    data += piece.bytes;
    size -= piece.bytes;
  }
  return true;
}

bool DmaPort::transport(tlm::tlm_command command, std::uint64_t physical, std::uint8_t* data, std::uint64_t size) {
  transaction_.set_command(command);
  transaction_.set_address(physical);
  transaction_.set_data_ptr(data);
  transaction_.set_data_length(static_cast<unsigned>(size));
  transaction_.set_streaming_width(static_cast<unsigned>(size));
  transaction_.set_dmi_allowed(false);
  transaction_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;  // what the link costs is in at_ already, with DMI or without
  socket->b_transport(transaction_, delay);
  const bool done = transaction_.is_response_ok();
  if (transaction_.is_dmi_allowed()) {
    ask_for_pointer(physical);
  }
  return done;
}

// What is peeked at is small: it lies in one page or is not worth a look.
bool DmaPort::debug_read(std::uint64_t address, void* data, std::uint64_t size) {
  if (!may_act() || failure_of(address, size, false) != DmaFailure::none) {
    return false;
  }
  const Piece piece = translate(address, size);
  if (const std::uint8_t* const memory = pointer_to(piece)) {
    copy_from_shared(static_cast<std::uint8_t*>(data), memory, piece.bytes);
    return piece.bytes == size;
  }
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
    memory_ = dmi.get_dmi_ptr();
    memory_start_ = dmi.get_start_address();
    memory_bytes_ = dmi.get_end_address() - dmi.get_start_address() + 1;
    use_iommu(iommu_);
  }
}

void DmaPort::invalidate(sc_dt::uint64, sc_dt::uint64) {
  memory_bytes_ = 0;
  direct_bytes_ = 0;
}

// --- With faults

// Whether it may happen. What may not costs its time all the same, and is shown.
bool DmaPort::allowed(const DmaAccess& access) {
  if (access.failure == DmaFailure::none) {
    return true;
  }
  at_ += latencies_.dma(access.size);
  if (tap_ != nullptr) {
    tap_->dma(at_, access.address, access.size, access.write, access.failure);
  }
  return false;
}

bool DmaPort::faulty_read(std::uint64_t address, void* data, std::uint64_t size) {
  DmaAccess access{address, size, false};
  faults_->before_dma(access);
  if (!allowed(access) || !sound_read(access.address, data, access.size)) {
    return false;
  }
  faults_->after_read(access.address, static_cast<std::uint8_t*>(data), access.size);
  return true;
}

bool DmaPort::faulty_write(std::uint64_t address, const void* data, std::uint64_t size) {
  DmaAccess access{address, size, true};
  faults_->before_dma(access);
  if (!allowed(access) || !sound_write(access.address, data, access.size)) {
    return false;
  }
  constexpr std::uint8_t kStray = 0x55;
  for (std::uint64_t i = 0; i < access.beyond; ++i) {
    (void)sound_write(access.address + access.size + i, &kStray, 1);
  }
  return true;
}

DmaPort::Result DmaPort::faulty_disk_to_memory(Storage& disk, std::uint64_t offset, std::uint64_t address,
                                               std::uint64_t size) {
  Bounce bounce;
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t step = std::min(size - done, kBounceBytes);
    if (!disk.read(offset + done, bounce.data(), step)) {
      return Result::media_failed;
    }
    if (!faulty_write(address + done, bounce.data(), step)) {
      return Result::dma_failed;
    }
    done += step;
  }
  return Result::ok;
}

DmaPort::Result DmaPort::faulty_memory_to_disk(Storage& disk, std::uint64_t offset, std::uint64_t address,
                                               std::uint64_t size) {
  Bounce bounce;
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t step = std::min(size - done, kBounceBytes);
    if (!faulty_read(address + done, bounce.data(), step)) {
      return Result::dma_failed;
    }
    if (!disk.write(offset + done, bounce.data(), step)) {
      return Result::media_failed;
    }
    done += step;
  }
  return Result::ok;
}

// --- Between disk and memory

DmaPort::Result DmaPort::disk_to_memory(Storage& disk, std::uint64_t offset, std::uint64_t address,
                                        std::uint64_t size) {
  if (faults_ != nullptr) {
    return faulty_disk_to_memory(disk, offset, address, size);
  }
  if (!admit(address, size, true)) {
    const std::uint64_t bytes = std::min(size, present(address));
    return !tolerates_absence() ? Result::dma_failed
           : bytes == 0         ? Result::ok
                                : read_disk(disk, offset, {address, bytes});
  }
  if (std::uint8_t* const memory = direct(address, size)) {
    note_write(address + size);
    return disk.read(offset, memory, size) ? Result::ok : Result::media_failed;
  }
  Result result = Result::ok;
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
  if (faults_ != nullptr) {
    return faulty_memory_to_disk(disk, offset, address, size);
  }
  if (!admit(address, size, false)) {
    return absent_to_disk(disk, offset, address, size);
  }
  if (const std::uint8_t* const memory = direct(address, size)) {
    return disk.write(offset, memory, size) ? Result::ok : Result::media_failed;
  }
  Result result = Result::ok;
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
  note_write(piece.physical + piece.bytes);
  if (std::uint8_t* const memory = pointer_to(piece)) {
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
  if (const std::uint8_t* const memory = pointer_to(piece)) {
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
  const bool acts = may_act();
  const bool arrived =
      acts && transport(tlm::TLM_WRITE_COMMAND, address, reinterpret_cast<std::uint8_t*>(&data), sizeof data);
  if (tap_ != nullptr) {
    const DmaFailure failure = arrived ? DmaFailure::none
                               : acts  ? DmaFailure::outside_memory
                                       : DmaFailure::bus_master_off;
    tap_->dma(at_, address, sizeof data, true, failure);
  }
  return arrived;
}

}  // namespace ringside::model
