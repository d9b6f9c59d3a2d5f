#include "model/msix_table.h"

#include <cstring>

#include "model/mutants.h"

namespace ringside::model {

void MsixTable::power_on(std::uint16_t vectors, std::uint32_t pba_offset) {
  vectors_ = vectors;
  pba_offset_ = pba_offset;
  route_ = nullptr;
  reset();
}

void MsixTable::reset() {
  table_.assign(std::size_t{vectors_} * kMsixEntryBytes, 0);
  for (unsigned vector = 0; vector < vectors_; ++vector) {
    table_[vector * kMsixEntryBytes + PCI_MSIX_ENTRY_VECTOR_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
  }
  pending_.assign((vectors_ + 63u) / 64, 0);
  pending_count_ = 0;
  flags_ = 0;
}

// PCI 3.0, 6.8.2: of 32 or 64 bits only. What others do is not defined; here they do nothing.
bool MsixTable::access(Access& access) {
  if (access.size != sizeof(std::uint32_t)) {
    return access.write;
  }
  if (access.offset + access.size > table_.size()) {
    return access_pba(access);
  }
  if (access.write) {
    std::memcpy(&table_[access.offset], &access.value, access.size);
  } else {
    std::memcpy(&access.value, &table_[access.offset], access.size);
  }
  return true;
}

bool MsixTable::access_pba(Access& access) const {
  const std::size_t bytes = pending_.size() * sizeof(std::uint64_t);
  if (access.offset < pba_offset_ || access.offset - pba_offset_ + access.size > bytes) {
    return false;
  }
  if (!access.write) {
    access.value = 0;
    const auto* const bits = reinterpret_cast<const std::uint8_t*>(pending_.data());
    std::memcpy(&access.value, bits + (access.offset - pba_offset_), access.size);
  }
  return true;
}

void MsixTable::raise(std::uint16_t vector, DmaPort& dma) {
  if (vector >= vectors_ || !enabled()) {
    return;
  }
  if (!masked(vector) || mutant(Mutant::msix_mask_ignored)) {
    send(vector, dma);
    return;
  }
  leave_pending(vector);
}

void MsixTable::leave_pending(std::uint16_t vector) {
  std::uint64_t& word = pending_[vector / 64];
  const std::uint64_t bit = std::uint64_t{1} << vector % 64;
  pending_count_ += (word & bit) == 0 ? 1 : 0;
  word |= mutant(Mutant::msix_pending_lost) ? 0 : bit;
}

void MsixTable::deliver_pending(DmaPort& dma) {
  for (unsigned vector = 0; pending_count_ != 0 && enabled() && vector < vectors_; ++vector) {
    std::uint64_t& word = pending_[vector / 64];
    const std::uint64_t bit = std::uint64_t{1} << vector % 64;
    if ((word & bit) != 0 && !masked(vector)) {
      word &= ~bit;
      --pending_count_;
      send(vector, dma);
    }
  }
}

void MsixTable::send(unsigned vector, DmaPort& dma) const {
  if (route_ != nullptr) {
    if (dma.bus_master()) {  // a message is a write of the function's
      route_->message(vector);
    }
    return;
  }
  std::uint64_t address = 0;
  std::uint32_t data = 0;
  std::memcpy(&address, &table_[vector * kMsixEntryBytes], sizeof address);
  std::memcpy(&data, &table_[vector * kMsixEntryBytes + sizeof address], sizeof data);
  dma.send_message(address, data);
}

}  // namespace ringside::model
