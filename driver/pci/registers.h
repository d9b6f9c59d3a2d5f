// Configuration-space registers and bits (PCI Local Bus 3.0, chapter 6; MSI-X: 6.8.2).
#pragma once

#include <cstdint>

namespace ringside::pci {

inline constexpr std::uint8_t PCI_VENDOR_ID = 0x00;
inline constexpr std::uint8_t PCI_DEVICE_ID = 0x02;
inline constexpr std::uint8_t PCI_COMMAND = 0x04;
inline constexpr std::uint8_t PCI_STATUS = 0x06;
inline constexpr std::uint8_t PCI_REVISION_ID = 0x08;
inline constexpr std::uint8_t PCI_CLASS_PROG = 0x09;
inline constexpr std::uint8_t PCI_HEADER_TYPE = 0x0e;
inline constexpr std::uint8_t PCI_BASE_ADDRESS_0 = 0x10;
inline constexpr std::uint8_t PCI_SUBSYSTEM_VENDOR_ID = 0x2c;
inline constexpr std::uint8_t PCI_SUBSYSTEM_ID = 0x2e;
inline constexpr std::uint8_t PCI_CAPABILITY_LIST = 0x34;
inline constexpr std::uint8_t PCI_INTERRUPT_LINE = 0x3c;
inline constexpr std::uint8_t PCI_INTERRUPT_PIN = 0x3d;

inline constexpr std::uint16_t PCI_COMMAND_IO = 0x0001;
inline constexpr std::uint16_t PCI_COMMAND_MEMORY = 0x0002;
inline constexpr std::uint16_t PCI_COMMAND_MASTER = 0x0004;
inline constexpr std::uint16_t PCI_COMMAND_INTX_DISABLE = 0x0400;
inline constexpr std::uint16_t PCI_STATUS_CAP_LIST = 0x0010;

inline constexpr std::uint8_t PCI_HEADER_TYPE_MULTI_FUNCTION = 0x80;
inline constexpr std::uint8_t PCI_HEADER_TYPE_MASK = 0x7f;
inline constexpr std::uint8_t PCI_HEADER_TYPE_NORMAL = 0x00;
inline constexpr std::uint8_t PCI_HEADER_TYPE_BRIDGE = 0x01;

// The header of a PCI-to-PCI bridge (PCI-to-PCI Bridge Architecture 1.2, 3.2.5).
inline constexpr std::uint8_t PCI_PRIMARY_BUS = 0x18;  // then secondary, subordinate, secondary latency timer
inline constexpr std::uint8_t PCI_SECONDARY_BUS = 0x19;
inline constexpr std::uint8_t PCI_SUBORDINATE_BUS = 0x1a;
inline constexpr std::uint8_t PCI_IO_BASE = 0x1c;  // then the limit
inline constexpr std::uint8_t PCI_MEMORY_BASE = 0x20;
inline constexpr std::uint8_t PCI_PREF_MEMORY_BASE = 0x24;
inline constexpr std::uint8_t PCI_PREF_BASE_UPPER32 = 0x28;
inline constexpr std::uint8_t PCI_PREF_LIMIT_UPPER32 = 0x2c;
inline constexpr std::uint8_t PCI_IO_BASE_UPPER16 = 0x30;
inline constexpr std::uint8_t PCI_RANGE_TYPE_MASK = 0x0f;
inline constexpr std::uint8_t PCI_RANGE_TYPE_WIDE = 0x01;  // the upper register counts

inline constexpr std::uint32_t PCI_BASE_ADDRESS_SPACE_IO = 0x1;
inline constexpr std::uint32_t PCI_BASE_ADDRESS_MEM_TYPE_MASK = 0x6;
inline constexpr std::uint32_t PCI_BASE_ADDRESS_MEM_TYPE_64 = 0x4;
inline constexpr std::uint32_t PCI_BASE_ADDRESS_MEM_PREFETCH = 0x8;
inline constexpr std::uint32_t PCI_BASE_ADDRESS_IO_MASK = ~std::uint32_t{0x3};
inline constexpr std::uint32_t PCI_BASE_ADDRESS_MEM_MASK = ~std::uint32_t{0xf};

inline constexpr std::uint8_t PCI_CAP_ID_PM = 0x01;
inline constexpr std::uint8_t PCI_CAP_ID_VNDR = 0x09;
inline constexpr std::uint8_t PCI_CAP_ID_EXP = 0x10;
inline constexpr std::uint8_t PCI_CAP_ID_MSIX = 0x11;

inline constexpr std::uint8_t PCI_MSIX_FLAGS = 2;  // offsets inside the capability
inline constexpr std::uint8_t PCI_MSIX_TABLE = 4;
inline constexpr std::uint8_t PCI_MSIX_PBA = 8;
inline constexpr std::uint16_t PCI_MSIX_FLAGS_QSIZE = 0x07ff;
inline constexpr std::uint16_t PCI_MSIX_FLAGS_MASKALL = 0x4000;
inline constexpr std::uint16_t PCI_MSIX_FLAGS_ENABLE = 0x8000;
inline constexpr std::uint32_t PCI_MSIX_TABLE_BIR = 0x7;

inline constexpr std::uint32_t PCI_MSIX_ENTRY_SIZE = 16;
inline constexpr std::uint32_t PCI_MSIX_ENTRY_LOWER_ADDR = 0;
inline constexpr std::uint32_t PCI_MSIX_ENTRY_UPPER_ADDR = 4;
inline constexpr std::uint32_t PCI_MSIX_ENTRY_DATA = 8;
inline constexpr std::uint32_t PCI_MSIX_ENTRY_VECTOR_CTRL = 12;
inline constexpr std::uint32_t PCI_MSIX_ENTRY_CTRL_MASKBIT = 1;

inline constexpr std::uint16_t PCI_CLASS_BRIDGE_HOST = 0x0600;  // class and subclass

inline constexpr unsigned kBarCount = 6;
inline constexpr unsigned kBridgeBarCount = 2;
// What an absent function reads as. Of COMMAND, too, no function has all bits: the upper ones are reserved.
inline constexpr std::uint16_t kNoVendor = 0xffff;
inline constexpr std::uint16_t kNoCommand = 0xffff;

}  // namespace ringside::pci
