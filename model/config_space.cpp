#include "model/config_space.h"

namespace ringside::model {

ConfigSpace::ConfigSpace(const FunctionIdentity& identity, std::size_t bytes) : size_(bytes) {
  define16(PCI_VENDOR_ID, identity.vendor);
  define16(PCI_DEVICE_ID, identity.device);
  define16(PCI_COMMAND, 0,
           PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
  define16(PCI_STATUS, identity.status);
  define(PCI_REVISION_ID, identity.revision, 0);
  define(PCI_CLASS_PROG, identity.prog_if, 0);
  define16(PCI_CLASS_DEVICE, identity.class_code);
  define(PCI_CACHE_LINE_SIZE, 0, 0xff);
  define(PCI_HEADER_TYPE, identity.header_type, 0);
  define16(PCI_SUBSYSTEM_VENDOR_ID, identity.subsystem_vendor);
  define16(PCI_SUBSYSTEM_ID, identity.subsystem);
  define(PCI_INTERRUPT_LINE, 0, 0xff);
  define(PCI_INTERRUPT_PIN, identity.interrupt_pin, 0);
}

void ConfigSpace::define(unsigned offset, std::uint8_t value, std::uint8_t writable) {
  power_on_[offset] = bytes_[offset] = value;
  writable_[offset] = writable;
}

void ConfigSpace::define16(unsigned offset, std::uint16_t value, std::uint16_t writable) {
  for (unsigned i = 0; i < 2; ++i) {
    define(offset + i, static_cast<std::uint8_t>(value >> 8 * i), static_cast<std::uint8_t>(writable >> 8 * i));
  }
}

void ConfigSpace::define32(unsigned offset, std::uint32_t value, std::uint32_t writable) {
  for (unsigned i = 0; i < 4; ++i) {
    define(offset + i, static_cast<std::uint8_t>(value >> 8 * i), static_cast<std::uint8_t>(writable >> 8 * i));
  }
}

void ConfigSpace::make_writable(unsigned first, unsigned last) {
  for (unsigned offset = first; offset <= last; ++offset) {
    writable_[offset] = 0xff;
  }
}

void ConfigSpace::add_capability(unsigned offset, std::uint8_t id, std::span<const std::uint8_t> body) {
  define(offset, id, 0);
  define(offset + 1, power_on_[PCI_CAPABILITY_LIST], 0);
  for (unsigned i = 0; i < body.size(); ++i) {
    define(offset + 2 + i, body[i], 0);
  }
  define(PCI_CAPABILITY_LIST, static_cast<std::uint8_t>(offset), 0);
}

std::uint32_t ConfigSpace::read(unsigned offset, unsigned size) const {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < size; ++i) {
    value |= std::uint32_t{bytes_[offset + i]} << 8 * i;
  }
  return value;
}

void ConfigSpace::write(unsigned offset, unsigned size, std::uint32_t value) {
  for (unsigned i = 0; i < size; ++i) {
    const std::uint8_t mask = writable_[offset + i];
    const auto byte = static_cast<std::uint8_t>(value >> 8 * i);
    const auto kept = static_cast<std::uint8_t>(bytes_[offset + i] & ~mask & ~(byte & clearable_[offset + i]));
    bytes_[offset + i] = static_cast<std::uint8_t>(kept | (byte & mask));
  }
}

}  // namespace ringside::model
