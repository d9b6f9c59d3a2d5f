// Numbers of PCI and VIRTIO 1.2 that the tap needs to understand what it sees. The tap's own copy on purpose: a mistake
// in the driver's constants must not blind the witness too.
#pragma once

#include <cstdint>

namespace ringside::trace {

// --- PCI configuration space
inline constexpr std::uint16_t PCI_CONFIG_ADDRESS = 0xcf8;
inline constexpr std::uint32_t PCI_CONFIG_ENABLE = 0x8000'0000;
inline constexpr std::uint16_t PCI_CONFIG_DATA = 0xcfc;
inline constexpr unsigned PCI_VENDOR_ID = 0x00;
inline constexpr unsigned PCI_DEVICE_ID = 0x02;
inline constexpr unsigned PCI_BASE_ADDRESS_0 = 0x10;
inline constexpr unsigned kPciBars = 6;
inline constexpr unsigned PCI_CAPABILITY_LIST = 0x34;
inline constexpr unsigned kPciConfigBytes = 256;
inline constexpr std::uint8_t PCI_CAP_ID_VNDR = 0x09;
inline constexpr std::uint8_t PCI_CAP_ID_EXP = 0x10;
inline constexpr std::uint8_t PCI_CAP_ID_MSIX = 0x11;

// Device control of the PCI Express capability.
inline constexpr unsigned kExpressDeviceControl = 8;
inline constexpr std::uint32_t PCI_EXP_DEVCTL_BCR_FLR = 0x8000;

// The memory-mapped configuration space (ECAM) of the q35's host bridge.
inline constexpr std::uint32_t kQ35HostBridge = 0x29c0'8086;
inline constexpr unsigned PCIEXBAR = 0x60;
inline constexpr std::uint64_t kEcamBytesPerFunction = 4096;

// MSI-X capability and table.
inline constexpr unsigned kMsixControl = 2;
inline constexpr std::uint32_t PCI_MSIX_FLAGS_ENABLE = 0x8000;
inline constexpr unsigned kMsixTable = 4;  // offset in the capability: table offset and BAR
inline constexpr unsigned kMsixPba = 8;
inline constexpr unsigned kMsixEntryBytes = 16;
inline constexpr unsigned kMsixEntryAddress = 0;
inline constexpr unsigned kMsixEntryUpperAddress = 4;
inline constexpr unsigned kMsixEntryData = 8;
inline constexpr unsigned kMsixEntryControl = 12;

// --- VIRTIO over PCI (4.1)
inline constexpr std::uint16_t kVirtioVendor = 0x1af4;
inline constexpr std::uint16_t kTransitionalBlock = 0x1001;
inline constexpr std::uint16_t kModernBlock = 0x1042;

// struct virtio_pci_cap (4.1.4)
inline constexpr unsigned kCapType = 3;
inline constexpr unsigned kCapBar = 4;
inline constexpr unsigned kCapOffset = 8;
inline constexpr unsigned kCapLength = 12;
inline constexpr unsigned kCapNotifyMultiplier = 16;
inline constexpr unsigned kCapConfigData = 16;  // pci_cfg_data of VIRTIO_PCI_CAP_PCI_CFG (4.1.4.9)

// struct virtio_pci_common_cfg (4.1.4.3)
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
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_USEDHI = 0x34;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_NDATA = 0x38;
inline constexpr std::uint32_t VIRTIO_PCI_COMMON_Q_RESET = 0x3a;

// The legacy registers at the start of BAR 0 (4.1.4.8). The device's own configuration lies after the vectors, which
// are there only while MSI-X is enabled.
inline constexpr std::uint32_t VIRTIO_PCI_HOST_FEATURES = 0x00;
inline constexpr std::uint32_t VIRTIO_PCI_GUEST_FEATURES = 0x04;
inline constexpr std::uint32_t VIRTIO_PCI_QUEUE_PFN = 0x08;
inline constexpr std::uint32_t VIRTIO_PCI_QUEUE_NUM = 0x0c;
inline constexpr std::uint32_t VIRTIO_PCI_QUEUE_SEL = 0x0e;
inline constexpr std::uint32_t VIRTIO_PCI_QUEUE_NOTIFY = 0x10;
inline constexpr std::uint32_t VIRTIO_PCI_STATUS = 0x12;
inline constexpr std::uint32_t VIRTIO_PCI_ISR = 0x13;
inline constexpr std::uint32_t VIRTIO_MSI_CONFIG_VECTOR = 0x14;
inline constexpr std::uint32_t VIRTIO_MSI_QUEUE_VECTOR = 0x16;
inline constexpr std::uint32_t kLegacyConfig = 0x14;
inline constexpr std::uint32_t kLegacyConfigWithMsix = 0x18;
inline constexpr unsigned VIRTIO_PCI_QUEUE_ADDR_SHIFT = 12;
inline constexpr std::uint64_t VIRTIO_PCI_VRING_ALIGN = 4096;

// device_status (2.1)
inline constexpr std::uint8_t VIRTIO_CONFIG_S_ACKNOWLEDGE = 1;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_DRIVER = 2;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_DRIVER_OK = 4;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_FEATURES_OK = 8;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_NEEDS_RESET = 0x40;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_FAILED = 0x80;

// Feature bits (6) that say how to read a ring
inline constexpr unsigned VIRTIO_F_ANY_LAYOUT = 27;
inline constexpr unsigned VIRTIO_F_EVENT_IDX = 29;
inline constexpr unsigned VIRTIO_F_VERSION_1 = 32;
inline constexpr unsigned VIRTIO_F_ACCESS_PLATFORM = 33;
inline constexpr unsigned VIRTIO_F_RING_PACKED = 34;
inline constexpr unsigned VIRTIO_F_IN_ORDER = 35;
inline constexpr unsigned VIRTIO_F_NOTIFICATION_DATA = 38;
inline constexpr unsigned VIRTIO_F_NOTIF_CONFIG_DATA = 39;

// --- Split virtqueue (2.7)
inline constexpr std::uint16_t kMaxQueueSize = 32768;
inline constexpr std::uint32_t kDescriptorBytes = 16;
inline constexpr std::uint16_t VIRTQ_DESC_F_NEXT = 1;
inline constexpr std::uint16_t VIRTQ_DESC_F_WRITE = 2;
inline constexpr std::uint16_t VIRTQ_DESC_F_INDIRECT = 4;
inline constexpr std::uint16_t VIRTQ_AVAIL_F_NO_INTERRUPT = 1;

struct Descriptor {
  std::uint64_t address;
  std::uint32_t length;
  std::uint16_t flags;
  std::uint16_t next;
};
static_assert(sizeof(Descriptor) == kDescriptorBytes);

// Offsets in the avail and the used ring: flags, idx, ring[].
inline constexpr std::uint32_t kRingFlags = 0;
inline constexpr std::uint32_t kRingIndex = 2;
inline constexpr std::uint32_t kRingEntries = 4;
[[nodiscard]] constexpr std::uint32_t avail_bytes(std::uint32_t size) { return 6 + 2 * size; }
[[nodiscard]] constexpr std::uint32_t used_bytes(std::uint32_t size) { return 6 + 8 * size; }
[[nodiscard]] constexpr std::uint32_t used_event_offset(std::uint32_t size) { return 4 + 2 * size; }

// --- Packed virtqueue (2.8)
inline constexpr std::uint16_t VIRTQ_DESC_F_AVAIL = 1u << 7;
inline constexpr std::uint16_t VIRTQ_DESC_F_USED = 1u << 15;
inline constexpr std::uint16_t RING_EVENT_FLAGS_ENABLE = 0;
inline constexpr std::uint16_t RING_EVENT_FLAGS_DISABLE = 1;
inline constexpr std::uint16_t RING_EVENT_FLAGS_DESC = 2;

struct PackedDescriptor {
  std::uint64_t address;
  std::uint32_t length;
  std::uint16_t id;
  std::uint16_t flags;
};
static_assert(sizeof(PackedDescriptor) == kDescriptorBytes);
inline constexpr std::uint32_t kPackedLength = 8;
inline constexpr std::uint32_t kPackedId = 12;
inline constexpr std::uint32_t kPackedFlags = 14;

// Event suppression areas (2.8.10): descriptor offset and wrap counter, flags.
inline constexpr std::uint32_t kEventOffset = 0;
inline constexpr std::uint32_t kEventFlags = 2;
inline constexpr std::uint32_t kEventAreaBytes = 4;

// --- Block device (5.2)
inline constexpr std::uint32_t VIRTIO_BLK_T_IN = 0;
inline constexpr std::uint32_t VIRTIO_BLK_T_OUT = 1;
inline constexpr std::uint32_t VIRTIO_BLK_T_FLUSH = 4;
inline constexpr std::uint32_t VIRTIO_BLK_T_GET_ID = 8;
inline constexpr std::uint32_t VIRTIO_BLK_T_GET_LIFETIME = 10;
inline constexpr std::uint32_t VIRTIO_BLK_T_DISCARD = 11;
inline constexpr std::uint32_t VIRTIO_BLK_T_WRITE_ZEROES = 13;
inline constexpr std::uint32_t VIRTIO_BLK_T_SECURE_ERASE = 14;
inline constexpr std::uint32_t VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP = 1;
inline constexpr std::uint8_t VIRTIO_BLK_S_OK = 0;

struct BlockHeader {
  std::uint32_t type;
  std::uint32_t reserved;
  std::uint64_t sector;
};
static_assert(sizeof(BlockHeader) == 16);

// struct virtio_blk_discard_write_zeroes
struct BlockRange {
  std::uint64_t sector;
  std::uint32_t sectors;
  std::uint32_t flags;
};
static_assert(sizeof(BlockRange) == 16);

}  // namespace ringside::trace
