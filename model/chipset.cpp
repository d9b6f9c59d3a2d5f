#include "model/chipset.h"

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

}  // namespace ringside::model
