// MSI-X (PCI Local Bus 3.0, 6.8.2): the capability, and the table behind a BAR.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"
#include "driver/pci/bar.h"
#include "driver/pci/config_space.h"
#include "driver/pci/register_window.h"

namespace ringside::pci {

// Back to INTx, or to silence, whoever had switched it on.
void disable_msix(const ConfigSpace& config, Address address);

class Msix {
 public:
  // Looks for the capability and checks that the table lies inside an assigned memory BAR. False when there is none, or
  // none that can be used. `bars` has kBarCount entries.
  [[nodiscard]] bool init(hal::Machine& machine, const ConfigSpace& config, Address address, const Bar* bars);

  [[nodiscard]] unsigned size() const { return size_; }  // table entries, 1 .. 2048

  // Switches the function to MSI-X with every entry masked as a whole until unmask_function().
  void enable();
  void unmask_function();

  // Programs entry `index` (below size()) and unmasks it.
  void set_entry(unsigned index, const hal::MsiMessage& message) const;

  // While an entry is masked its interrupts become one pending bit, which is delivered when it is unmasked (6.8.3.4).
  void mask_entry(unsigned index, bool masked) const;
  // False where the function shows no usable pending bits.
  [[nodiscard]] bool is_pending(unsigned index) const;

 private:
  [[nodiscard]] RegisterWindow window(hal::Machine& machine, std::uint16_t reg, std::uint32_t length,
                                      const Bar* bars) const;
  void write_flags(std::uint16_t set, std::uint16_t clear);

  const ConfigSpace* config_ = nullptr;
  Address address_;
  RegisterWindow table_;
  RegisterWindow pending_;
  std::uint8_t capability_ = 0;
  unsigned size_ = 0;
};

}  // namespace ringside::pci
