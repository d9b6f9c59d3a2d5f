#include "model/ram.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace ringside::model {

Ram::Ram(const sc_core::sc_module_name& name, std::uint64_t bytes)
    : sc_module(name), socket("socket"), bytes_(bytes), written_end_(bytes) {
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    throw std::bad_alloc();
  }
  memory_ = static_cast<std::uint8_t*>(memory);
  socket.register_b_transport(this, &Ram::b_transport);
  socket.register_transport_dbg(this, &Ram::transport_dbg);
  socket.register_get_direct_mem_ptr(this, &Ram::get_direct_mem_ptr);
}

Ram::~Ram() { ::munmap(memory_, bytes_); }

void Ram::keep(std::uint64_t first, std::uint64_t end) {
  constexpr std::uint64_t kPage = 4096;
  const std::uint64_t start = std::min(first, bytes_) & ~(kPage - 1);
  written_end_ = std::min(std::max(end, transactions_end_) + (kPage - 1), bytes_) & ~(kPage - 1);
  const std::uint64_t size = std::min(written_end_ - std::min(start, written_end_), kMostKept);
  kept_end_ = start == kept_first_ ? std::max(kept_end_, start + size) : start + size;
  kept_first_ = start;
}

void Ram::give_back(std::uint64_t first, std::uint64_t end) {
  if (first < end) {
    ::madvise(memory_ + first, end - first, MADV_DONTNEED);
  }
}

void Ram::power_on(bool dmi) {
  give_back(0, kept_first_);
  const std::uint64_t dirty_end = std::clamp(written_end_, kept_first_, kept_end_);
  std::memset(memory_ + kept_first_, 0, dirty_end - kept_first_);
  give_back(kept_end_, bytes_);
  written_end_ = bytes_;
  transactions_end_ = 0;
  if (dmi_ && !dmi) {
    socket->invalidate_direct_mem_ptr(0, bytes_ - 1);
  }
  dmi_ = dmi;
}

void Ram::b_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time&) {
  const std::uint64_t address = transaction.get_address();
  const std::uint64_t size = transaction.get_data_length();
  if (size > bytes_ || address > bytes_ - size) {
    transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  if (transaction.is_write()) {
    transactions_end_ = std::max(transactions_end_, address + size);
    std::memcpy(memory_ + address, transaction.get_data_ptr(), size);
  } else {
    std::memcpy(transaction.get_data_ptr(), memory_ + address, size);
  }
  transaction.set_dmi_allowed(dmi_);
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

unsigned Ram::transport_dbg(tlm::tlm_generic_payload& transaction) {
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  b_transport(transaction, delay);
  return transaction.is_response_ok() ? transaction.get_data_length() : 0;
}

bool Ram::get_direct_mem_ptr(tlm::tlm_generic_payload&, tlm::tlm_dmi& dmi) {
  dmi.set_start_address(0);
  dmi.set_end_address(bytes_ - 1);
  dmi.set_dmi_ptr(memory_);
  dmi.set_granted_access(dmi_ ? tlm::tlm_dmi::DMI_ACCESS_READ_WRITE : tlm::tlm_dmi::DMI_ACCESS_NONE);
  return dmi_;
}

}  // namespace ringside::model
