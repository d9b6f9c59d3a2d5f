// Numbers of the PCI Local Bus Specification 3.0 that the machine needs. The model's own transcription: a mistake in
// the driver's constants must not hide in the model as well.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringside::model {

inline constexpr std::size_t kConfigBytes = 256;           // of a conventional function
inline constexpr std::size_t kExtendedConfigBytes = 4096;  // of a PCI Express function (PCIe 4.0, 7.2)
inline constexpr std::size_t kConfigHeaderBytes = 64;

// Type 0 header.
inline constexpr unsigned PCI_VENDOR_ID = 0x00;
inline constexpr unsigned PCI_DEVICE_ID = 0x02;
inline constexpr unsigned PCI_COMMAND = 0x04;
inline constexpr unsigned PCI_STATUS = 0x06;
inline constexpr unsigned PCI_REVISION_ID = 0x08;
inline constexpr unsigned PCI_CLASS_PROG = 0x09;
inline constexpr unsigned PCI_CLASS_DEVICE = 0x0a;  // sub-class, and base class above it
inline constexpr unsigned PCI_CACHE_LINE_SIZE = 0x0c;
inline constexpr unsigned PCI_HEADER_TYPE = 0x0e;
inline constexpr unsigned PCI_BASE_ADDRESS_0 = 0x10;
inline constexpr unsigned PCI_SUBSYSTEM_VENDOR_ID = 0x2c;
inline constexpr unsigned PCI_SUBSYSTEM_ID = 0x2e;
inline constexpr unsigned PCI_CAPABILITY_LIST = 0x34;
inline constexpr unsigned PCI_INTERRUPT_LINE = 0x3c;
inline constexpr unsigned PCI_INTERRUPT_PIN = 0x3d;

inline constexpr std::uint16_t PCI_COMMAND_IO = 0x0001;
inline constexpr std::uint16_t PCI_COMMAND_MEMORY = 0x0002;
inline constexpr std::uint16_t PCI_COMMAND_MASTER = 0x0004;
inline constexpr std::uint16_t PCI_COMMAND_SERR = 0x0100;
inline constexpr std::uint16_t PCI_COMMAND_INTX_DISABLE = 0x0400;
inline constexpr std::uint16_t PCI_STATUS_INTERRUPT = 0x0008;
inline constexpr std::uint16_t PCI_STATUS_CAP_LIST = 0x0010;
inline constexpr std::uint16_t PCI_STATUS_66MHZ = 0x0020;
inline constexpr std::uint16_t PCI_STATUS_FAST_BACK = 0x0080;
inline constexpr std::uint16_t PCI_STATUS_DEVSEL_MEDIUM = 0x0200;
inline constexpr std::uint8_t PCI_HEADER_TYPE_BRIDGE = 0x01;
inline constexpr std::uint8_t PCI_HEADER_TYPE_MULTI_FUNCTION = 0x80;

// Type 1 header (PCI-to-PCI Bridge Architecture 1.2, 3.2).
inline constexpr unsigned PCI_PRIMARY_BUS = 0x18;
inline constexpr unsigned PCI_SECONDARY_BUS = 0x19;
inline constexpr unsigned PCI_SUBORDINATE_BUS = 0x1a;
inline constexpr unsigned PCI_SEC_LATENCY_TIMER = 0x1b;
inline constexpr unsigned PCI_IO_BASE = 0x1c;
inline constexpr unsigned PCI_IO_LIMIT = 0x1d;
inline constexpr unsigned PCI_SEC_STATUS = 0x1e;
inline constexpr unsigned PCI_MEMORY_BASE = 0x20;
inline constexpr unsigned PCI_MEMORY_LIMIT = 0x22;
inline constexpr unsigned PCI_PREF_MEMORY_BASE = 0x24;
inline constexpr unsigned PCI_PREF_MEMORY_LIMIT = 0x26;
inline constexpr unsigned PCI_PREF_BASE_UPPER32 = 0x28;
inline constexpr unsigned PCI_PREF_LIMIT_UPPER32 = 0x2c;
inline constexpr unsigned PCI_IO_BASE_UPPER16 = 0x30;
inline constexpr unsigned PCI_IO_LIMIT_UPPER16 = 0x32;
inline constexpr unsigned PCI_BRIDGE_CONTROL = 0x3e;
inline constexpr std::uint8_t PCI_IO_RANGE_TYPE_MASK = 0x0f;
inline constexpr std::uint8_t PCI_IO_RANGE_TYPE_32 = 0x01;
inline constexpr std::uint16_t PCI_PREF_RANGE_TYPE_MASK = 0x000f;
inline constexpr std::uint16_t PCI_PREF_RANGE_TYPE_64 = 0x0001;
inline constexpr std::uint16_t PCI_BRIDGE_CTL_BUS_RESET = 0x0040;

inline constexpr unsigned kBars = 6;
inline constexpr std::uint32_t PCI_BASE_ADDRESS_SPACE_IO = 0x1;
inline constexpr std::uint32_t PCI_BASE_ADDRESS_MEM_TYPE_64 = 0x4;
inline constexpr std::uint32_t PCI_BASE_ADDRESS_MEM_PREFETCH = 0x8;

// Capabilities.
inline constexpr std::uint8_t PCI_CAP_ID_PM = 0x01;
inline constexpr std::uint8_t PCI_CAP_ID_SLOTID = 0x04;
inline constexpr std::uint8_t PCI_CAP_ID_MSI = 0x05;
inline constexpr std::uint8_t PCI_CAP_ID_VNDR = 0x09;
inline constexpr std::uint8_t PCI_CAP_ID_SHPC = 0x0c;
inline constexpr std::uint8_t PCI_CAP_ID_SSVID = 0x0d;
inline constexpr std::uint8_t PCI_CAP_ID_EXP = 0x10;
inline constexpr std::uint8_t PCI_CAP_ID_MSIX = 0x11;
inline constexpr std::uint8_t PCI_CAP_ID_SATA = 0x12;

// MSI-X (6.8.2).
inline constexpr unsigned PCI_MSIX_FLAGS = 2;
inline constexpr std::uint16_t PCI_MSIX_FLAGS_MASKALL = 0x4000;
inline constexpr std::uint16_t PCI_MSIX_FLAGS_ENABLE = 0x8000;
inline constexpr unsigned kMsixEntryBytes = 16;
inline constexpr unsigned PCI_MSIX_ENTRY_VECTOR_CTRL = 12;
inline constexpr std::uint8_t PCI_MSIX_ENTRY_CTRL_MASKBIT = 0x01;

}  // namespace ringside::model
