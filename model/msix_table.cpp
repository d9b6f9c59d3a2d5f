#include "model/msix_table.h"

#include <cstring>

namespace ringside::model {

void MsixTable::power_on() {
  table_ = {};
  for (unsigned vector = 0; vector < kVectors; ++vector) {
    table_[vector * kMsixEntryBytes + PCI_MSIX_ENTRY_VECTOR_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
  }
  pending_ = 0;
  flags_ = 0;
}

bool MsixTable::access(Access& access) {
  if (access.offset + access.size <= kTableBytes) {
    if (access.write) {
      std::memcpy(&table_[access.offset], &access.value, access.size);
    } else {
      std::memcpy(&access.value, &table_[access.offset], access.size);
    }
    return true;
  }
  if (access.offset >= kPbaOffset && access.offset + access.size <= kPbaOffset + kPbaBytes) {
    if (!access.write) {
      access.value = pending_ >> 8 * (access.offset - kPbaOffset);
    }
    return true;
  }
  return false;
}

void MsixTable::raise(std::uint16_t vector, DmaPort& dma) {
  if (vector >= kVectors || !enabled()) {
    return;
  }
  if (masked(vector)) {
    pending_ |= std::uint64_t{1} << vector;
  } else {
    send(vector, dma);
  }
}

void MsixTable::deliver_pending(DmaPort& dma) {
  for (unsigned vector = 0; enabled() && vector < kVectors; ++vector) {
    const std::uint64_t bit = std::uint64_t{1} << vector;
    if ((pending_ & bit) != 0 && !masked(vector)) {
      pending_ &= ~bit;
      send(vector, dma);
    }
  }
}

void MsixTable::send(unsigned vector, DmaPort& dma) const {
  std::uint64_t address = 0;
  std::uint32_t data = 0;
  std::memcpy(&address, &table_[vector * kMsixEntryBytes], sizeof address);
  std::memcpy(&data, &table_[vector * kMsixEntryBytes + sizeof address], sizeof data);
  dma.send_message(address, data);
}

}  // namespace ringside::model
