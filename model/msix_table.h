// MSI-X table and pending bits of one function (PCI 3.0, 6.8.2), in one BAR: table at 0, PBA at 0x800.
#pragma once

#include <array>
#include <cstdint>

#include "model/dma_port.h"
#include "model/pci.h"
#include "model/tap.h"

namespace ringside::model {

class MsixTable {
 public:
  static constexpr unsigned kVectors = 2;
  static constexpr std::uint32_t kTableBytes = kVectors * kMsixEntryBytes;
  static constexpr std::uint32_t kPbaOffset = 0x800;
  static constexpr std::uint32_t kPbaBytes = 8;

  void power_on();
  // Message control, as the configuration space shows it.
  void set_flags(std::uint16_t flags) { flags_ = flags; }
  [[nodiscard]] bool enabled() const { return (flags_ & PCI_MSIX_FLAGS_ENABLE) != 0; }

  // False when nothing lies there. Writes to the PBA are ignored.
  bool access(Access& access);

  // Whether raising this vector would send a message now.
  [[nodiscard]] bool deliverable(std::uint16_t vector) const {
    return vector < kVectors && enabled() && !masked(vector);
  }
  // Sends the message, or remembers it while the vector is masked.
  void raise(std::uint16_t vector, DmaPort& dma);
  // Sends what is pending and no longer masked.
  void deliver_pending(DmaPort& dma);

 private:
  [[nodiscard]] bool masked(unsigned vector) const {
    return (flags_ & PCI_MSIX_FLAGS_MASKALL) != 0 ||
           (table_[vector * kMsixEntryBytes + PCI_MSIX_ENTRY_VECTOR_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT) != 0;
  }
  void send(unsigned vector, DmaPort& dma) const;

  std::array<std::uint8_t, kTableBytes> table_{};
  std::uint64_t pending_ = 0;
  std::uint16_t flags_ = 0;
};

}  // namespace ringside::model
