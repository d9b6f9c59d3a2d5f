// Constants and layouts of VIRTIO 1.2, under the specification's names.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringside::virtio {

// 2.1 Device status field
inline constexpr std::uint8_t VIRTIO_CONFIG_S_ACKNOWLEDGE = 1;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_DRIVER = 2;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_DRIVER_OK = 4;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_FEATURES_OK = 8;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_NEEDS_RESET = 64;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_FAILED = 128;
inline constexpr std::uint8_t kStatusRemoved = 0xff;  // what a function that is gone reads as

// 6 Reserved feature bits
inline constexpr unsigned VIRTIO_F_INDIRECT_DESC = 28;
inline constexpr unsigned VIRTIO_F_ANY_LAYOUT = 27;  // of the legacy interface
inline constexpr unsigned VIRTIO_F_EVENT_IDX = 29;
inline constexpr unsigned VIRTIO_F_VERSION_1 = 32;
inline constexpr unsigned VIRTIO_F_ACCESS_PLATFORM = 33;
inline constexpr unsigned VIRTIO_F_RING_PACKED = 34;
inline constexpr unsigned VIRTIO_F_IN_ORDER = 35;
inline constexpr unsigned VIRTIO_F_ORDER_PLATFORM = 36;
inline constexpr unsigned VIRTIO_F_NOTIFICATION_DATA = 38;
inline constexpr unsigned VIRTIO_F_NOTIF_CONFIG_DATA = 39;
inline constexpr unsigned VIRTIO_F_RING_RESET = 40;

[[nodiscard]] constexpr std::uint64_t feature(unsigned bit) { return std::uint64_t{1} << bit; }

// 4.1.2 PCI device discovery
inline constexpr std::uint16_t VIRTIO_PCI_VENDOR_ID = 0x1af4;
inline constexpr std::uint16_t VIRTIO_PCI_DEVICE_ID_BASE = 0x1040;  // + virtio device ID
inline constexpr std::uint16_t VIRTIO_TRANSITIONAL_BLOCK = 0x1001;
inline constexpr std::uint16_t VIRTIO_ID_BLOCK = 2;

// 4.1.4 Virtio structure PCI capabilities: struct virtio_pci_cap
inline constexpr std::uint8_t VIRTIO_PCI_CAP_COMMON_CFG = 1;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_NOTIFY_CFG = 2;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_ISR_CFG = 3;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_DEVICE_CFG = 4;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_PCI_CFG = 5;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_LEN = 2;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_CFG_TYPE = 3;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_BAR = 4;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_OFFSET = 8;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_LENGTH = 12;
inline constexpr std::uint8_t VIRTIO_PCI_NOTIFY_CAP_MULT = 16;
inline constexpr std::uint8_t VIRTIO_PCI_CFG_DATA = 16;  // struct virtio_pci_cfg_cap: pci_cfg_data

// 4.1.4.3 Common configuration structure: struct virtio_pci_common_cfg
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_DFSELECT = 0x00;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_DF = 0x04;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_GFSELECT = 0x08;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_GF = 0x0c;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_MSIX = 0x10;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_NUMQ = 0x12;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_STATUS = 0x14;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_CFGGENERATION = 0x15;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_SELECT = 0x16;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_SIZE = 0x18;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_MSIX = 0x1a;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_ENABLE = 0x1c;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_NOFF = 0x1e;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_DESCLO = 0x20;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_AVAILLO = 0x28;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_USEDLO = 0x30;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_NDATA = 0x38;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_RESET = 0x3a;
inline constexpr std::uint32_t kCommonBaseLength = 0x38;   // up to queue_device: every modern device has these
inline constexpr std::uint32_t kCommonResetLength = 0x3c;  // with queue_notif_config_data and queue_reset

inline constexpr std::uint16_t VIRTIO_MSI_NO_VECTOR = 0xffff;

// 4.1.4.8 Legacy interfaces: registers in BAR 0
inline constexpr std::uint32_t VIRTIO_PCI_HOST_FEATURES = 0x00;
inline constexpr std::uint32_t VIRTIO_PCI_GUEST_FEATURES = 0x04;
inline constexpr std::uint32_t VIRTIO_PCI_QUEUE_PFN = 0x08;
inline constexpr std::uint32_t VIRTIO_PCI_QUEUE_NUM = 0x0c;
inline constexpr std::uint32_t VIRTIO_PCI_QUEUE_SEL = 0x0e;
inline constexpr std::uint32_t VIRTIO_PCI_QUEUE_NOTIFY = 0x10;
inline constexpr std::uint32_t VIRTIO_PCI_STATUS = 0x12;
inline constexpr std::uint32_t VIRTIO_PCI_ISR = 0x13;
inline constexpr std::uint32_t VIRTIO_MSI_CONFIG_VECTOR = 0x14;  // the vectors only while MSI-X is enabled
inline constexpr std::uint32_t VIRTIO_MSI_QUEUE_VECTOR = 0x16;
inline constexpr std::uint32_t VIRTIO_PCI_CONFIG_OFF = 0x14;
inline constexpr std::uint32_t VIRTIO_PCI_CONFIG_OFF_MSIX = 0x18;

// 4.1.4.5 ISR status
inline constexpr std::uint8_t VIRTIO_PCI_ISR_QUEUE = 1;
inline constexpr std::uint8_t VIRTIO_PCI_ISR_CONFIG = 2;

// 2.7 Split virtqueues
inline constexpr std::uint16_t VIRTQ_DESC_F_NEXT = 1;
inline constexpr std::uint16_t VIRTQ_DESC_F_WRITE = 2;
inline constexpr std::uint16_t VIRTQ_DESC_F_INDIRECT = 4;
inline constexpr std::uint16_t VIRTQ_AVAIL_F_NO_INTERRUPT = 1;
inline constexpr std::uint16_t VIRTQ_USED_F_NO_NOTIFY = 1;
inline constexpr std::uint16_t kMaxQueueSize = 32768;
inline constexpr std::size_t kLegacyAlignment = 4096;  // 2.7.2, 4.1.5.1.3: the legacy interface counts in pages

struct Descriptor {  // struct virtq_desc as two 64-bit words: one store each
  std::uint64_t address;
  std::uint64_t length_flags_next;  // le32 len, le16 flags, le16 next
};
static_assert(sizeof(Descriptor) == 16);

[[nodiscard]] constexpr std::uint64_t pack(std::uint32_t length, std::uint16_t flags, std::uint16_t next) {
  return length | std::uint64_t{flags} << 32 | std::uint64_t{next} << 48;
}

struct UsedElement {  // struct virtq_used_elem
  std::uint32_t id;
  std::uint32_t length;
};
static_assert(sizeof(UsedElement) == 8);

// 2.8 Packed virtqueues; the flags of 2.7 are used too
inline constexpr std::uint16_t VIRTQ_DESC_F_AVAIL = 1u << 7;
inline constexpr std::uint16_t VIRTQ_DESC_F_USED = 1u << 15;
inline constexpr std::uint16_t RING_EVENT_FLAGS_ENABLE = 0;
inline constexpr std::uint16_t RING_EVENT_FLAGS_DISABLE = 1;
inline constexpr std::uint16_t RING_EVENT_FLAGS_DESC = 2;

struct PackedDescriptor {  // struct pvirtq_desc
  std::uint64_t address;
  std::uint32_t length;
  std::uint16_t id;
  std::uint16_t flags;  // written last: it hands the descriptor over
};
static_assert(sizeof(PackedDescriptor) == 16);

}  // namespace ringside::virtio
