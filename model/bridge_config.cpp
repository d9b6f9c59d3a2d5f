#include "model/bridge_config.h"

#include <array>

namespace ringside::model {
namespace {

constexpr std::uint16_t kRedHat = 0x1b36;
constexpr std::uint16_t kPciBridge = 0x0001;
constexpr std::uint16_t kRootPort = 0x000c;
constexpr std::uint16_t kBridgeClass = 0x0604;

FunctionIdentity bridge(std::uint16_t device, std::uint16_t status) {
  FunctionIdentity identity{};
  identity.vendor = kRedHat;
  identity.device = device;
  identity.class_code = kBridgeClass;
  identity.header_type = PCI_HEADER_TYPE_BRIDGE;
  identity.status = status;
  identity.interrupt_pin = 1;
  return identity;
}

// Bus numbers and windows, all closed or at zero.
void define_type_one_header(ConfigSpace& space) {
  space.define32(PCI_PRIMARY_BUS, 0, 0xffff'ffff);
  space.define16(PCI_IO_BASE, 0, 0xf0f0);
  space.define32(PCI_MEMORY_BASE, 0, 0xfff0'fff0);
  space.define32(PCI_PREF_MEMORY_BASE, PCI_PREF_RANGE_TYPE_64 << 16 | PCI_PREF_RANGE_TYPE_64, 0xfff0'fff0);
  space.define32(PCI_PREF_BASE_UPPER32, 0, 0xffff'ffff);
  space.define32(PCI_PREF_LIMIT_UPPER32, 0, 0xffff'ffff);
}

}  // namespace

ConfigSpace pci_bridge_config_space() {
  ConfigSpace space(bridge(kPciBridge, PCI_STATUS_CAP_LIST | PCI_STATUS_66MHZ | PCI_STATUS_FAST_BACK));
  define_type_one_header(space);
  space.define32(PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_MEM_TYPE_64, 0xffff'ff00);  // registers of the SHPC
  space.define32(PCI_BASE_ADDRESS_0 + 4, 0, 0xffff'ffff);
  space.define16(PCI_SEC_STATUS, PCI_STATUS_66MHZ | PCI_STATUS_FAST_BACK);
  space.define16(PCI_BRIDGE_CONTROL, 0, 0x0bff);
  space.make_writable(0x64, kConfigBytes - 1);

  constexpr std::array<std::uint8_t, 6> kShpc{};
  space.add_capability(0x40, PCI_CAP_ID_SHPC, kShpc);
  space.define(0x42, 0, 0xff);                             // which of its registers the window shows
  constexpr std::array<std::uint8_t, 2> kSlotId{0x20, 1};  // first in its chassis; chassis 1
  space.add_capability(0x48, PCI_CAP_ID_SLOTID, kSlotId);
  space.define(0x4b, 1, 0xff);
  constexpr std::array<std::uint8_t, 22> kMsi{0x80, 0x01};  // 64 bits wide, each vector maskable
  space.add_capability(0x4c, PCI_CAP_ID_MSI, kMsi);
  space.define(0x4e, 0x80, 0x01);
  space.define32(0x50, 0, 0xffff'fffc);
  space.define32(0x54, 0, 0xffff'ffff);
  space.define16(0x58, 0, 0xffff);
  space.define(0x5c, 0, 0x01);
  return space;
}

ConfigSpace root_port_config_space(const RootPort& port) {
  FunctionIdentity identity = bridge(kRootPort, PCI_STATUS_CAP_LIST);
  identity.header_type |= port.more_functions ? PCI_HEADER_TYPE_MULTI_FUNCTION : 0;
  ConfigSpace space(identity, kExtendedConfigBytes);
  define_type_one_header(space);
  space.define32(PCI_BASE_ADDRESS_0, 0, 0xffff'f000);  // its MSI-X table
  space.define16(PCI_IO_BASE, 0x00f0, 0xf0f0);
  space.define32(PCI_MEMORY_BASE, 0x0000'fff0, 0xfff0'fff0);
  space.define32(PCI_PREF_MEMORY_BASE, 0x0001'fff1, 0xfff0'fff0);
  space.define16(PCI_BRIDGE_CONTROL, 0, 0x005f);
  space.make_writable(0x90, kConfigBytes - 1);
  space.make_writable(0x150, kExtendedConfigBytes - 1);

  constexpr std::array<std::uint8_t, 6> kSubsystem{0, 0, kRedHat & 0xff, kRedHat >> 8};
  space.add_capability(0x40, PCI_CAP_ID_SSVID, kSubsystem);
  constexpr std::array<std::uint8_t, 10> kMsix{0, 0, 0, 0, 0, 0, 0x00, 0x08};  // one vector, pending bits at 0x800
  space.add_capability(0x48, PCI_CAP_ID_MSIX, kMsix);
  space.define(0x4b, 0, (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8);

  // PCI Express capability, version 2: a root port with a slot, 16 GT/s by 32 at most, one lane of 2.5 GT/s in use.
  constexpr std::array<std::uint8_t, 2> kExpress{0x42, 0x01};
  space.add_capability(0x54, PCI_CAP_ID_EXP, kExpress);
  space.define32(0x58, 0x0000'8000);                              // device capabilities: role-based error reporting
  space.define16(0x5c, 0x0000, 0x000f);                           // device control
  space.define32(0x60, 0x0030'0604);                              // link capabilities
  space.define16(0x66, port.occupied ? 0x0011 : 0x0204);          // link status
  space.define32(0x68, 0x0002'007b + ((port.number + 1) << 19));  // slot capabilities, with the number of the slot
  space.define16(0x6c, port.occupied ? 0x01c0 : 0x07c0, 0x07f9);  // slot control: power on or off
  space.define16(0x70, 0, 0x0007);                                // root control
  space.define32(0x78, 0x0030'0020);                              // device capabilities 2
  space.define16(0x7c, 0, 0x8020);                                // device control 2
  space.define32(0x80, 0x0000'001e);                              // link capabilities 2
  space.define16(0x84, 0x0004);                                   // link control 2

  // Advanced error reporting, then access control services.
  space.define32(0x100, 0x1482'0001);
  space.define32(0x10c, 0x0046'2030, 0x03ff'f030);
  space.define32(0x114, 0x0000'e000, 0x0000'f1c1);
  space.define32(0x118, 0x0000'02a0, 0x0000'0540);
  space.define32(0x12c, 0, 0x0000'0007);
  space.define32(0x148, 0x0001'000d);
  space.define32(0x14c, 0x0000'005f, 0x005f'0000);
  return space;
}

}  // namespace ringside::model
