// Numbers and layouts of VIRTIO 1.2 as the device needs them. The model's own transcription, on purpose: see pci.h.
#pragma once

#include <cstdint>

namespace ringside::model {

// --- 2.1 Device status
inline constexpr std::uint8_t VIRTIO_CONFIG_S_ACKNOWLEDGE = 1;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_DRIVER = 2;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_DRIVER_OK = 4;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_FEATURES_OK = 8;
inline constexpr std::uint8_t VIRTIO_CONFIG_S_NEEDS_RESET = 0x40;

// --- 5.2.3 and 6 Features, as bit masks
inline constexpr std::uint64_t VIRTIO_BLK_F_SIZE_MAX = 1ull << 1;
inline constexpr std::uint64_t VIRTIO_BLK_F_SEG_MAX = 1ull << 2;
inline constexpr std::uint64_t VIRTIO_BLK_F_GEOMETRY = 1ull << 4;
inline constexpr std::uint64_t VIRTIO_BLK_F_RO = 1ull << 5;
inline constexpr std::uint64_t VIRTIO_BLK_F_BLK_SIZE = 1ull << 6;
inline constexpr std::uint64_t VIRTIO_BLK_F_SCSI = 1ull << 7;  // legacy
inline constexpr std::uint64_t VIRTIO_BLK_F_FLUSH = 1ull << 9;
inline constexpr std::uint64_t VIRTIO_BLK_F_TOPOLOGY = 1ull << 10;
inline constexpr std::uint64_t VIRTIO_BLK_F_CONFIG_WCE = 1ull << 11;
inline constexpr std::uint64_t VIRTIO_BLK_F_MQ = 1ull << 12;
inline constexpr std::uint64_t VIRTIO_BLK_F_DISCARD = 1ull << 13;
inline constexpr std::uint64_t VIRTIO_BLK_F_WRITE_ZEROES = 1ull << 14;
inline constexpr std::uint64_t VIRTIO_BLK_F_LIFETIME = 1ull << 15;
inline constexpr std::uint64_t VIRTIO_BLK_F_SECURE_ERASE = 1ull << 16;
inline constexpr std::uint64_t VIRTIO_F_NOTIFY_ON_EMPTY = 1ull << 24;  // legacy
inline constexpr std::uint64_t VIRTIO_F_ANY_LAYOUT = 1ull << 27;       // legacy
inline constexpr std::uint64_t VIRTIO_F_INDIRECT_DESC = 1ull << 28;
inline constexpr std::uint64_t VIRTIO_F_EVENT_IDX = 1ull << 29;
inline constexpr std::uint64_t VIRTIO_F_BAD_FEATURE = 1ull << 30;  // legacy: no driver that negotiates accepts it
inline constexpr std::uint64_t VIRTIO_F_VERSION_1 = 1ull << 32;
inline constexpr std::uint64_t VIRTIO_F_ACCESS_PLATFORM = 1ull << 33;
inline constexpr std::uint64_t VIRTIO_F_RING_PACKED = 1ull << 34;
inline constexpr std::uint64_t VIRTIO_F_IN_ORDER = 1ull << 35;
inline constexpr std::uint64_t VIRTIO_F_ORDER_PLATFORM = 1ull << 36;
inline constexpr std::uint64_t VIRTIO_F_NOTIFICATION_DATA = 1ull << 38;
inline constexpr std::uint64_t VIRTIO_F_NOTIF_CONFIG_DATA = 1ull << 39;
inline constexpr std::uint64_t VIRTIO_F_RING_RESET = 1ull << 40;

// --- 2.7 Split virtqueues
struct VirtqDesc {
  std::uint64_t addr;
  std::uint32_t len;
  std::uint16_t flags;
  std::uint16_t next;
};
static_assert(sizeof(VirtqDesc) == 16);
inline constexpr std::uint16_t VIRTQ_DESC_F_NEXT = 1;
inline constexpr std::uint16_t VIRTQ_DESC_F_WRITE = 2;
inline constexpr std::uint16_t VIRTQ_DESC_F_INDIRECT = 4;
inline constexpr std::uint16_t VIRTQ_AVAIL_F_NO_INTERRUPT = 1;

struct VirtqUsedElem {
  std::uint32_t id;
  std::uint32_t len;
};
static_assert(sizeof(VirtqUsedElem) == 8);

// --- 2.8 Packed virtqueues
struct PvirtqDesc {
  std::uint64_t addr;
  std::uint32_t len;
  std::uint16_t id;
  std::uint16_t flags;
};
static_assert(sizeof(PvirtqDesc) == 16);
inline constexpr std::uint16_t VIRTQ_DESC_F_AVAIL = 1u << 7;
inline constexpr std::uint16_t VIRTQ_DESC_F_USED = 1u << 15;

struct PvirtqEventSuppress {
  std::uint16_t desc;
  std::uint16_t flags;
};
static_assert(sizeof(PvirtqEventSuppress) == 4);
inline constexpr std::uint16_t kEventWrap = 1u << 15;  // in desc
inline constexpr std::uint16_t kEventFlagsMask = 3;
inline constexpr std::uint16_t RING_EVENT_FLAGS_ENABLE = 0;
inline constexpr std::uint16_t RING_EVENT_FLAGS_DISABLE = 1;
inline constexpr std::uint16_t RING_EVENT_FLAGS_DESC = 2;

// --- 4.1.4 Virtio structures in PCI space
inline constexpr std::uint8_t VIRTIO_PCI_CAP_COMMON_CFG = 1;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_NOTIFY_CFG = 2;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_ISR_CFG = 3;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_DEVICE_CFG = 4;
inline constexpr std::uint8_t VIRTIO_PCI_CAP_PCI_CFG = 5;
inline constexpr std::uint16_t VIRTIO_MSI_NO_VECTOR = 0xffff;
inline constexpr std::uint8_t kIsrQueue = 1;
inline constexpr std::uint8_t kIsrConfig = 2;

// 4.1.4.3: offsets in the common configuration structure.
enum CommonConfig : std::uint32_t {
  device_feature_select = 0x00,
  device_feature = 0x04,
  driver_feature_select = 0x08,
  driver_feature = 0x0c,
  config_msix_vector = 0x10,
  num_queues = 0x12,
  device_status = 0x14,
  config_generation = 0x15,
  queue_select = 0x16,
  queue_size = 0x18,
  queue_msix_vector = 0x1a,
  queue_enable = 0x1c,
  queue_notify_off = 0x1e,
  queue_desc = 0x20,
  queue_driver = 0x28,
  queue_device = 0x30,
  queue_notify_data = 0x38,
  queue_reset = 0x3a,
};

// 4.1.4.8: offsets in the legacy registers. The two vectors are there while MSI-X is on; the device configuration
// follows.
enum LegacyRegister : std::uint32_t {
  VIRTIO_PCI_HOST_FEATURES = 0,
  VIRTIO_PCI_GUEST_FEATURES = 4,
  VIRTIO_PCI_QUEUE_PFN = 8,
  VIRTIO_PCI_QUEUE_NUM = 12,
  VIRTIO_PCI_QUEUE_SEL = 14,
  VIRTIO_PCI_QUEUE_NOTIFY = 16,
  VIRTIO_PCI_STATUS = 18,
  VIRTIO_PCI_ISR = 19,
  VIRTIO_MSI_CONFIG_VECTOR = 20,
  VIRTIO_MSI_QUEUE_VECTOR = 22,
};
inline constexpr std::uint32_t kLegacyHeaderBytes = 20;
inline constexpr std::uint32_t kLegacyHeaderBytesWithMsix = 24;
inline constexpr unsigned VIRTIO_PCI_QUEUE_ADDR_SHIFT = 12;
inline constexpr std::uint64_t VIRTIO_PCI_VRING_ALIGN = 4096;

// --- 5.2.6 Block requests
inline constexpr std::uint32_t VIRTIO_BLK_T_IN = 0;
inline constexpr std::uint32_t VIRTIO_BLK_T_OUT = 1;
inline constexpr std::uint32_t VIRTIO_BLK_T_FLUSH = 4;
inline constexpr std::uint32_t VIRTIO_BLK_T_GET_ID = 8;
inline constexpr std::uint32_t VIRTIO_BLK_T_GET_LIFETIME = 10;
inline constexpr std::uint32_t VIRTIO_BLK_T_DISCARD = 11;
inline constexpr std::uint32_t VIRTIO_BLK_T_WRITE_ZEROES = 13;
inline constexpr std::uint32_t VIRTIO_BLK_T_SECURE_ERASE = 14;
inline constexpr std::uint8_t VIRTIO_BLK_S_OK = 0;
inline constexpr std::uint8_t VIRTIO_BLK_S_IOERR = 1;
inline constexpr std::uint8_t VIRTIO_BLK_S_UNSUPP = 2;
inline constexpr std::uint32_t VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP = 1;
inline constexpr std::uint32_t VIRTIO_BLK_ID_BYTES = 20;
inline constexpr std::uint32_t kSectorBytes = 512;

struct VirtioBlkReqHeader {
  std::uint32_t type;
  std::uint32_t reserved;
  std::uint64_t sector;
};
static_assert(sizeof(VirtioBlkReqHeader) == 16);

struct VirtioBlkDiscardWriteZeroes {
  std::uint64_t sector;
  std::uint32_t num_sectors;
  std::uint32_t flags;
};
static_assert(sizeof(VirtioBlkDiscardWriteZeroes) == 16);

struct VirtioBlkLifetime {
  std::uint16_t pre_eol_info;
  std::uint16_t device_lifetime_est_typ_a;
  std::uint16_t device_lifetime_est_typ_b;
};
static_assert(sizeof(VirtioBlkLifetime) == 6);
inline constexpr std::uint16_t VIRTIO_BLK_PRE_EOL_INFO_NORMAL = 1;  // less than 80% of the reserved blocks are used up

}  // namespace ringside::model
