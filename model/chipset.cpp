#include "model/chipset.h"

#include <array>
#include <initializer_list>

namespace ringside::model {
namespace {

constexpr std::uint16_t kIntel = 0x8086;
constexpr std::uint16_t kQemuSubsystemVendor = 0x1af4;
constexpr std::uint16_t kQemuSubsystem = 0x1100;

struct Register {
  unsigned offset;
  std::uint8_t value;
};

// The chipset's own registers, from 0x40 up, keep whatever is written to them.
ConfigSpace chipset_function(const FunctionIdentity& identity, std::initializer_list<Register> registers) {
  ConfigSpace space(identity);
  space.make_writable(kConfigHeaderBytes, kConfigBytes - 1);
  for (const Register& reg : registers) {
    space.define(reg.offset, reg.value, 0xff);
  }
  return space;
}

FunctionIdentity intel(std::uint16_t device, std::uint16_t class_code) {
  FunctionIdentity identity{};
  identity.vendor = kIntel;
  identity.device = device;
  identity.class_code = class_code;
  identity.subsystem_vendor = kQemuSubsystemVendor;
  identity.subsystem = kQemuSubsystem;
  return identity;
}

}  // namespace

ConfigSpace i440fx_config_space() {
  FunctionIdentity identity = intel(0x1237, 0x0600);
  identity.revision = 2;
  return chipset_function(identity, {
                                        {0x57, 0x20},  // DRAM row boundary
                                        {0x72, 0x02},  // SMRAM control
                                    });
}

ConfigSpace piix3_config_space() {
  FunctionIdentity identity = intel(0x7000, 0x0601);
  identity.header_type = PCI_HEADER_TYPE_MULTI_FUNCTION;
  identity.status = PCI_STATUS_DEVSEL_MEDIUM;
  return chipset_function(identity, {
                                        {0x4c, 0x4d},  // ISA I/O recovery timer
                                        {0x4e, 0x03},  // X-bus chip select
                                        {0x60, 0x80},
                                        {0x61, 0x80},
                                        {0x62, 0x80},
                                        {0x63, 0x80},  // PIRQ A .. D routing: disabled
                                        {0x69, 0x02},  // top of memory
                                        {0x70, 0x80},  // motherboard IRQ routing
                                        {0x76, 0x0c},
                                        {0x77, 0x0c},  // motherboard DMA control
                                        {0x78, 0x02},  // programmable chip select
                                        {0xa0, 0x08},  // SMI control
                                        {0xa8, 0x0f},  // SMI request
                                    });
}

ConfigSpace piix3_ide_config_space() {
  FunctionIdentity identity = intel(0x7010, 0x0101);
  identity.prog_if = 0x80;  // bus master IDE
  identity.status = PCI_STATUS_DEVSEL_MEDIUM | PCI_STATUS_FAST_BACK;
  ConfigSpace space = chipset_function(identity, {});
  constexpr unsigned kBusMasterBar = 4;
  constexpr std::uint32_t kBusMasterPorts = 16;
  space.define32(PCI_BASE_ADDRESS_0 + 4 * kBusMasterBar, PCI_BASE_ADDRESS_SPACE_IO, ~(kBusMasterPorts - 1));
  return space;
}

ConfigSpace piix4_pm_config_space() {
  FunctionIdentity identity = intel(0x7113, 0x0680);
  identity.revision = 3;
  identity.status = PCI_STATUS_DEVSEL_MEDIUM | PCI_STATUS_FAST_BACK;
  identity.interrupt_pin = 1;
  return chipset_function(identity, {
                                        {0x40, 0x01},  // power management base
                                        {0x5f, 0x10},
                                        {0x63, 0x60},  // device resources B and C
                                        {0x90, 0x01},
                                        {0x91, 0xb1},  // SMBus base
                                        {0xd2, 0x09},  // SMBus host configuration
                                    });
}

ConfigSpace mch_config_space() {
  ConfigSpace space = chipset_function(intel(0x29c0, 0x0600), {});
  space.define16(0x50, 0x0010, 0x0010);
  space.define32(0x60, 0xb000'0000, 0xffff'ffff);  // PCIEXBAR: not enabled
  space.define32(0x9c, 0x0038'0200, 0xff00'2000);  // SMRAM control and its extension
  return space;
}

ConfigSpace ich9_lpc_config_space() {
  FunctionIdentity identity = intel(0x2918, 0x0601);
  identity.revision = 2;
  identity.header_type = PCI_HEADER_TYPE_MULTI_FUNCTION;
  ConfigSpace space = chipset_function(identity, {
                                                     {0x60, 0x80},
                                                     {0x61, 0x80},
                                                     {0x62, 0x80},
                                                     {0x63, 0x80},  // PIRQ A .. D routing: disabled
                                                     {0x68, 0x80},
                                                     {0x69, 0x80},
                                                     {0x6a, 0x80},
                                                     {0x6b, 0x80},  // PIRQ E .. H routing: disabled
                                                 });
  space.define32(0x40, 0x0000'0001, 0x0000'ff87);  // power management base
  space.define(0xa0, 0, 0xef);
  return space;
}

ConfigSpace ich9_ahci_config_space() {
  FunctionIdentity identity = intel(0x2922, 0x0106);
  identity.revision = 2;
  identity.prog_if = 0x01;  // AHCI 1.0
  identity.header_type = PCI_HEADER_TYPE_MULTI_FUNCTION;
  identity.status = PCI_STATUS_CAP_LIST;
  identity.interrupt_pin = 1;
  ConfigSpace space = chipset_function(identity, {{0x90, 0x40}});  // in AHCI mode
  space.define32(PCI_BASE_ADDRESS_0 + 4 * 4, PCI_BASE_ADDRESS_SPACE_IO, 0xffff'ffe0);
  space.define32(PCI_BASE_ADDRESS_0 + 4 * 5, 0, 0xffff'f000);
  constexpr std::array<std::uint8_t, 6> kSata{0x10, 0x00, 0x48};
  space.add_capability(0xa8, PCI_CAP_ID_SATA, kSata);
  constexpr std::array<std::uint8_t, 2> kMsi{0x80, 0x00};  // 64 bits wide
  space.add_capability(0x80, PCI_CAP_ID_MSI, kMsi);
  space.define(0x82, 0x80, 0x01);
  space.define32(0x84, 0, 0xffff'fffc);
  return space;
}

ConfigSpace ich9_smbus_config_space() {
  FunctionIdentity identity = intel(0x2930, 0x0c05);
  identity.revision = 2;
  identity.header_type = PCI_HEADER_TYPE_MULTI_FUNCTION;
  identity.interrupt_pin = 1;
  ConfigSpace space = chipset_function(identity, {});
  space.define32(PCI_BASE_ADDRESS_0 + 4 * 4, PCI_BASE_ADDRESS_SPACE_IO, 0xffff'ffc0);
  space.define(0x40, 0, 0xf7);  // host configuration
  return space;
}

}  // namespace ringside::model
