// The PIIX3's IDE function, in compatibility mode: two channels at the legacy ports, whatever its configuration space
// says, as on the PC of old. On the first channel there may be one disk, on the second there is none. No bus-master
// DMA.
#pragma once

#include <cstdint>

#include "model/ata_drive.h"
#include "model/pci_function.h"

namespace ringside::model {

class Piix3Ide final : public PciFunction {
 public:
  Piix3Ide(const sc_core::sc_module_name& name, const Clock& clock);

  // A disk without storage is none.
  void power_on(const IdeDisk& disk, const Latencies& latencies, Tap* tap);
  // Once it is on its bus.
  void claim_legacy_ports();

 private:
  bool bar_access(unsigned, Access&, Picoseconds) override { return false; }
  void forward(AddressSpace space, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) override;
  [[nodiscard]] std::uint32_t read_port(std::uint16_t port, unsigned size, Picoseconds at);
  void write_port(std::uint16_t port, unsigned size, std::uint32_t value, Picoseconds at);
  [[nodiscard]] bool selected(std::uint16_t port) const;

  AtaDrive drive_;
  std::uint8_t device_ = 0;  // of the first channel: what selects between its two drives
};

}  // namespace ringside::model
