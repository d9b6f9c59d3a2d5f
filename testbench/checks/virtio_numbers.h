// Numbers of VIRTIO 1.2 that only the monitors need; the rest they share with the tap. Not the driver's copy: a mistake
// there must not blind the monitors.
#pragma once

#include <cstdint>

#include "testbench/trace/record.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::checks {

using trace::VIRTIO_F_ACCESS_PLATFORM;
using trace::VIRTIO_F_ANY_LAYOUT;
using trace::VIRTIO_F_EVENT_IDX;
using trace::VIRTIO_F_IN_ORDER;
using trace::VIRTIO_F_NOTIF_CONFIG_DATA;
using trace::VIRTIO_F_NOTIFICATION_DATA;
using trace::VIRTIO_F_RING_PACKED;
using trace::VIRTIO_F_VERSION_1;

// Feature bits
inline constexpr unsigned VIRTIO_BLK_F_RO = 5;
inline constexpr unsigned VIRTIO_BLK_F_FLUSH = 9;
inline constexpr unsigned VIRTIO_BLK_F_CONFIG_WCE = 11;
inline constexpr unsigned VIRTIO_BLK_F_ZONED = 17;
inline constexpr unsigned VIRTIO_F_NOTIFY_ON_EMPTY = 24;
inline constexpr unsigned VIRTIO_F_INDIRECT_DESC = 28;
inline constexpr unsigned kBadFeature = 30;  // of the legacy interface, never to be negotiated
inline constexpr unsigned VIRTIO_F_ORDER_PLATFORM = 36;
inline constexpr unsigned VIRTIO_F_SR_IOV = 37;
inline constexpr unsigned VIRTIO_F_SUSPEND = 42;
[[nodiscard]] constexpr bool has(std::uint64_t features, unsigned bit) { return (features >> bit & 1) != 0; }

inline constexpr std::uint16_t VIRTIO_MSI_NO_VECTOR = 0xffff;
inline constexpr std::uint16_t VIRTQ_USED_F_NO_NOTIFY = 1;

// What a device that is gone answers with.
inline constexpr std::uint64_t kAllOnes8 = 0xff;

inline constexpr std::uint64_t kSectorBytes = 512;
inline constexpr std::uint8_t VIRTIO_BLK_S_UNSUPP = 2;  // the last one of a device without zones

// Requests of zones (VIRTIO 1.4, 5.2.6)
inline constexpr std::uint16_t VIRTIO_BLK_T_ZONE_APPEND = 15;
inline constexpr std::uint16_t VIRTIO_BLK_T_ZONE_OPEN = 18;
inline constexpr std::uint16_t VIRTIO_BLK_T_ZONE_CLOSE = 20;
inline constexpr std::uint16_t VIRTIO_BLK_T_ZONE_FINISH = 22;
inline constexpr std::uint16_t VIRTIO_BLK_T_ZONE_RESET = 24;
inline constexpr std::uint16_t VIRTIO_BLK_T_ZONE_RESET_ALL = 26;

// hal::kFirstLineVector, as Kind::interrupt records carry vectors.
inline constexpr std::uint64_t kFirstLineVector = 0x1000;

// hal::Fence, as Kind::fence records carry it.
inline constexpr std::uint64_t kFenceAvailPublish = 0;
inline constexpr std::uint64_t kFenceAvailNotify = 1;

// The driver resets the device.
[[nodiscard]] inline bool is_reset(const trace::Record& record) {
  return record.kind == trace::Kind::device_status && record.flags == 0 && record.value == 0;
}

[[nodiscard]] inline bool is_common(const trace::Record& record, std::uint32_t offset) {
  return record.region == static_cast<std::uint32_t>(trace::Structure::common) && record.offset == offset;
}

}  // namespace ringside::checks
