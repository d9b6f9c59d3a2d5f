// Constants and layouts of the block device (VIRTIO 1.2, 5.2), under the specification's names.
#pragma once

#include <cstdint>

namespace ringside::block {

inline constexpr unsigned VIRTIO_BLK_F_SIZE_MAX = 1;
inline constexpr unsigned VIRTIO_BLK_F_SEG_MAX = 2;
inline constexpr unsigned VIRTIO_BLK_F_GEOMETRY = 4;
inline constexpr unsigned VIRTIO_BLK_F_RO = 5;
inline constexpr unsigned VIRTIO_BLK_F_BLK_SIZE = 6;
inline constexpr unsigned VIRTIO_BLK_F_FLUSH = 9;
inline constexpr unsigned VIRTIO_BLK_F_TOPOLOGY = 10;
inline constexpr unsigned VIRTIO_BLK_F_CONFIG_WCE = 11;
inline constexpr unsigned VIRTIO_BLK_F_DISCARD = 13;
inline constexpr unsigned VIRTIO_BLK_F_WRITE_ZEROES = 14;
inline constexpr unsigned VIRTIO_BLK_F_MQ = 12;
inline constexpr unsigned VIRTIO_BLK_F_LIFETIME = 15;
inline constexpr unsigned VIRTIO_BLK_F_SECURE_ERASE = 16;

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

// 5.2.4 struct virtio_blk_config
inline constexpr std::uint32_t kConfigCapacity = 0x00;               // le64
inline constexpr std::uint32_t kConfigSizeMax = 0x08;                // le32
inline constexpr std::uint32_t kConfigSegMax = 0x0c;                 // le32
inline constexpr std::uint32_t kConfigGeometry = 0x10;               // le16 cylinders, u8 heads, u8 sectors
inline constexpr std::uint32_t kConfigBlkSize = 0x14;                // le32
inline constexpr std::uint32_t kConfigTopology = 0x18;               // u8 exponent, u8 alignment offset, le16 min io
inline constexpr std::uint32_t kConfigOptIoSize = 0x1c;              // le32
inline constexpr std::uint32_t kConfigWriteback = 0x20;              // u8
inline constexpr std::uint32_t kConfigNumQueues = 0x22;              // le16
inline constexpr std::uint32_t kConfigMaxDiscardSectors = 0x24;      // le32
inline constexpr std::uint32_t kConfigMaxWriteZeroesSectors = 0x30;  // le32
inline constexpr std::uint32_t kConfigMaxSecureEraseSectors = 0x3c;  // le32
inline constexpr std::uint32_t kConfigSecureEraseSectorAlignment = 0x44;  // le32

}  // namespace ringside::block
