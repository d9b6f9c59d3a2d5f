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
inline constexpr std::uint64_t VIRTIO_BLK_F_SEG_MAX = 1ull << 2;
inline constexpr std::uint64_t VIRTIO_BLK_F_GEOMETRY = 1ull << 4;
inline constexpr std::uint64_t VIRTIO_BLK_F_BLK_SIZE = 1ull << 6;
inline constexpr std::uint64_t VIRTIO_BLK_F_FLUSH = 1ull << 9;
inline constexpr std::uint64_t VIRTIO_BLK_F_TOPOLOGY = 1ull << 10;
inline constexpr std::uint64_t VIRTIO_BLK_F_CONFIG_WCE = 1ull << 11;
inline constexpr std::uint64_t VIRTIO_BLK_F_DISCARD = 1ull << 13;
inline constexpr std::uint64_t VIRTIO_BLK_F_WRITE_ZEROES = 1ull << 14;
inline constexpr std::uint64_t VIRTIO_F_INDIRECT_DESC = 1ull << 28;
inline constexpr std::uint64_t VIRTIO_F_EVENT_IDX = 1ull << 29;
inline constexpr std::uint64_t VIRTIO_F_VERSION_1 = 1ull << 32;
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

// --- 5.2.6 Block requests
inline constexpr std::uint32_t VIRTIO_BLK_T_IN = 0;
inline constexpr std::uint32_t VIRTIO_BLK_T_OUT = 1;
inline constexpr std::uint32_t VIRTIO_BLK_T_FLUSH = 4;
inline constexpr std::uint32_t VIRTIO_BLK_T_GET_ID = 8;
inline constexpr std::uint32_t VIRTIO_BLK_T_DISCARD = 11;
inline constexpr std::uint32_t VIRTIO_BLK_T_WRITE_ZEROES = 13;
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

}  // namespace ringside::model
