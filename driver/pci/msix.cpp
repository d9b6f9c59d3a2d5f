#include "driver/pci/msix.h"

#include "driver/hal/mutant.h"
#include "driver/pci/capability.h"
#include "driver/pci/registers.h"

namespace ringside::pci {

void disable_msix(const ConfigSpace& config, Address address) {
  const std::uint8_t capability = find_capability(config, address, PCI_CAP_ID_MSIX);
  const auto reg = static_cast<std::uint16_t>(capability + PCI_MSIX_FLAGS);
  if (capability == 0) {
    return;
  }
  const std::uint16_t flags = config.read16(address, reg);
  if ((flags & PCI_MSIX_FLAGS_ENABLE) != 0) {
    config.write16(address, reg, static_cast<std::uint16_t>(flags & ~(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)));
  }
}

bool Msix::init(hal::Machine& machine, const ConfigSpace& config, Address address, const Bar* bars) {
  const std::uint8_t capability = find_capability(config, address, PCI_CAP_ID_MSIX);
  if (capability == 0 || capability > 0x100 - 12) {
    return false;
  }
  config_ = &config;
  address_ = address;
  capability_ = capability;
  size_ = (config.read16(address, static_cast<std::uint16_t>(capability + PCI_MSIX_FLAGS)) & PCI_MSIX_FLAGS_QSIZE) + 1u;
  table_ = window(machine, PCI_MSIX_TABLE, size_ * PCI_MSIX_ENTRY_SIZE, bars);
  pending_ = window(machine, PCI_MSIX_PBA, (size_ + 63) / 64 * 8, bars);  // 64-bit words
  return table_.valid();
}

// Not valid where the register points outside an assigned memory BAR.
RegisterWindow Msix::window(hal::Machine& machine, std::uint16_t reg, std::uint32_t length, const Bar* bars) const {
  const std::uint32_t place = config_->read32(address_, static_cast<std::uint16_t>(capability_ + reg));
  const unsigned bir = place & PCI_MSIX_TABLE_BIR;
  const std::uint32_t offset = place & ~PCI_MSIX_TABLE_BIR;
  if (bir >= kBarCount || (bars[bir].kind != BarKind::memory32 && bars[bir].kind != BarKind::memory64) ||
      bars[bir].address == 0 || offset > bars[bir].size || length > bars[bir].size - offset) {
    return {};
  }
  return {machine, false, bars[bir].address + offset, length};
}

void Msix::write_flags(std::uint16_t set, std::uint16_t clear) {
  const auto reg = static_cast<std::uint16_t>(capability_ + PCI_MSIX_FLAGS);
  const std::uint16_t flags = config_->read16(address_, reg);
  config_->write16(address_, reg, static_cast<std::uint16_t>((flags & ~clear) | set));
}

void Msix::enable() { write_flags(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 0); }

void Msix::unmask_function() { write_flags(0, PCI_MSIX_FLAGS_MASKALL); }

void Msix::set_entry(unsigned index, const hal::MsiMessage& message) const {
  const std::uint32_t entry = index * PCI_MSIX_ENTRY_SIZE;
  // Masked while it is half written: address and data are valid together or not at all.
  mask_entry(index, true);
  table_.write32(entry + PCI_MSIX_ENTRY_LOWER_ADDR, static_cast<std::uint32_t>(message.address));
  table_.write32(entry + PCI_MSIX_ENTRY_UPPER_ADDR, static_cast<std::uint32_t>(message.address >> 32));
  table_.write32(entry + PCI_MSIX_ENTRY_DATA, message.data);
  mask_entry(index, hal::mutant(hal::Mutant::msix_entry_left_masked));
}

void Msix::mask_entry(unsigned index, bool masked) const {
  table_.write32(index * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL, masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
}

bool Msix::is_pending(unsigned index) const {
  return pending_.valid() && (pending_.read32(index / 32 * 4) >> (index % 32) & 1u) != 0;
}

}  // namespace ringside::pci
