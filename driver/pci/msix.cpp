#include "driver/pci/msix.h"

#include "driver/pci/capability.h"
#include "driver/pci/registers.h"

namespace ringside::pci {

bool Msix::init(hal::Machine& machine, const ConfigSpace& config, Address address, const Bar* bars) {
  const std::uint8_t capability = find_capability(config, address, PCI_CAP_ID_MSIX);
  if (capability == 0 || capability > 0x100 - 12) {
    return false;
  }
  const auto flags = config.read16(address, static_cast<std::uint8_t>(capability + PCI_MSIX_FLAGS));
  const auto table = config.read32(address, static_cast<std::uint8_t>(capability + PCI_MSIX_TABLE));
  const unsigned size = (flags & PCI_MSIX_FLAGS_QSIZE) + 1u;
  const unsigned bir = table & PCI_MSIX_TABLE_BIR;
  const std::uint32_t offset = table & ~PCI_MSIX_TABLE_BIR;
  const std::uint32_t length = size * PCI_MSIX_ENTRY_SIZE;
  if (bir >= kBarCount || (bars[bir].kind != BarKind::memory32 && bars[bir].kind != BarKind::memory64) ||
      offset > bars[bir].size || length > bars[bir].size - offset) {
    return false;
  }
  config_ = &config;
  address_ = address;
  table_ = RegisterWindow(machine, false, bars[bir].address + offset, length);
  capability_ = capability;
  size_ = size;
  return true;
}

void Msix::write_flags(std::uint16_t set, std::uint16_t clear) {
  const auto reg = static_cast<std::uint8_t>(capability_ + PCI_MSIX_FLAGS);
  const std::uint16_t flags = config_->read16(address_, reg);
  config_->write16(address_, reg, static_cast<std::uint16_t>((flags & ~clear) | set));
}

void Msix::enable() { write_flags(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 0); }

void Msix::unmask_function() { write_flags(0, PCI_MSIX_FLAGS_MASKALL); }

void Msix::disable() { write_flags(0, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL); }

void Msix::set_entry(unsigned index, const hal::MsiMessage& message) {
  const std::uint32_t entry = index * PCI_MSIX_ENTRY_SIZE;
  // Masked while it is half written: address and data are valid together or not at all.
  table_.write32(entry + PCI_MSIX_ENTRY_VECTOR_CTRL, PCI_MSIX_ENTRY_CTRL_MASKBIT);
  table_.write32(entry + PCI_MSIX_ENTRY_LOWER_ADDR, static_cast<std::uint32_t>(message.address));
  table_.write32(entry + PCI_MSIX_ENTRY_UPPER_ADDR, static_cast<std::uint32_t>(message.address >> 32));
  table_.write32(entry + PCI_MSIX_ENTRY_DATA, message.data);
  table_.write32(entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
}

}  // namespace ringside::pci
