// MSI-X table and pending bits of one function (PCI 3.0, 6.8.2), in one BAR.
#pragma once

#include <cstdint>
#include <vector>

#include "model/dma_port.h"
#include "model/pci.h"
#include "model/tap.h"

namespace ringside::model {

// A machine that keeps the table itself, as a VMM does that hands a function to a guest: it says which vectors are
// masked and takes messages by vector. What is written to the table in the BAR reads back then, and means nothing.
class MessageRoute {
 public:
  [[nodiscard]] virtual bool vector_masked(unsigned vector) const = 0;
  virtual void message(unsigned vector) = 0;

 protected:
  ~MessageRoute() = default;
};

class MsixTable {
 public:
  void power_on(std::uint16_t vectors, std::uint32_t pba_offset);
  // Every vector masked, nothing pending, as at power-on.
  void reset();
  // Until power-on; null when messages are writes to memory.
  void route_by(MessageRoute* route) { route_ = route; }
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
    if (route_ != nullptr) {
      return (flags_ & PCI_MSIX_FLAGS_MASKALL) != 0 || route_->vector_masked(vector);
    }
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
  MessageRoute* route_ = nullptr;
};

}  // namespace ringside::model
