// MSI-X table and pending bits of one function (PCI 3.0, 6.8.2), in one BAR.
#pragma once

#include <cstdint>
#include <vector>

#include "model/dma_port.h"
#include "model/pci.h"
#include "model/tap.h"

namespace ringside::model {

class MsixTable {
 public:
  // Both at power-on and as after a reset: every vector masked, nothing pending.
  void power_on(std::uint16_t vectors, std::uint32_t pba_offset);
  void reset() { power_on(vectors_, pba_offset_); }
  // Message control, as the configuration space shows it.
  void set_flags(std::uint16_t flags) { flags_ = flags; }
  [[nodiscard]] bool enabled() const { return (flags_ & PCI_MSIX_FLAGS_ENABLE) != 0; }
  [[nodiscard]] std::uint16_t vectors() const { return vectors_; }
  [[nodiscard]] std::uint32_t pba_offset() const { return pba_offset_; }

  // False when nothing lies there. Writes to the PBA are ignored.
  bool access(Access& access);

  // Whether raising this vector would send a message now.
  [[nodiscard]] bool deliverable(std::uint16_t vector) const {
    return vector < vectors_ && enabled() && !masked(vector);
  }
  // Sends the message, or remembers it while the vector is masked.
  void raise(std::uint16_t vector, DmaPort& dma);
  // Only remembers it.
  void leave_pending(std::uint16_t vector);
  // Sends what is pending and no longer masked.
  void deliver_pending(DmaPort& dma);

 private:
  [[nodiscard]] bool masked(unsigned vector) const {
    return (flags_ & PCI_MSIX_FLAGS_MASKALL) != 0 ||
           (table_[vector * kMsixEntryBytes + PCI_MSIX_ENTRY_VECTOR_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT) != 0;
  }
  [[nodiscard]] bool access_pba(Access& access) const;
  void send(unsigned vector, DmaPort& dma) const;

  std::uint16_t vectors_ = 0;
  std::uint32_t pba_offset_ = 0;
  std::vector<std::uint8_t> table_;
  std::vector<std::uint64_t> pending_;
  unsigned pending_count_ = 0;
  std::uint16_t flags_ = 0;
};

}  // namespace ringside::model
