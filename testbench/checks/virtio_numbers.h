// Numbers of VIRTIO 1.2 that only the monitors need; the rest they share with the tap. Not the driver's copy: a mistake
// there must not blind the monitors.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "testbench/trace/record.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::checks {

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
inline constexpr unsigned VIRTIO_F_INDIRECT_DESC = 28;
[[nodiscard]] constexpr bool has(std::uint64_t features, unsigned bit) { return (features >> bit & 1) != 0; }

inline constexpr std::uint16_t VIRTIO_MSI_NO_VECTOR = 0xffff;
inline constexpr std::uint16_t VIRTQ_USED_F_NO_NOTIFY = 1;

inline constexpr std::uint64_t kSectorBytes = 512;
inline constexpr std::uint8_t VIRTIO_BLK_S_UNSUPP = 2;  // the last one of a device without zones

// hal::Fence, as Kind::fence records carry it.
inline constexpr std::uint64_t kFenceAvailPublish = 0;
inline constexpr std::uint64_t kFenceAvailNotify = 1;

// A queue of a device: key of what a monitor keeps.
using QueueKey = std::pair<std::uint8_t, std::uint16_t>;
[[nodiscard]] inline QueueKey key_of(const trace::Record& record) { return {record.unit, record.queue}; }

// The driver resets the device.
[[nodiscard]] inline bool is_reset(const trace::Record& record) {
  return record.kind == trace::Kind::device_status && record.flags == 0 && record.value == 0;
}

// Which devices the driver uses by their legacy interface: there the specification's legacy sections hold instead
// (VIRTIO 1.2, 4.1.4.8).
class LegacyUse {
 public:
  void see(const trace::Record& record) {
    const bool is_register = record.kind == trace::Kind::register_read || record.kind == trace::Kind::register_write;
    if (is_register && record.region == static_cast<std::uint32_t>(trace::Structure::legacy)) {
      units_.insert(record.unit);
    } else if (is_register && record.region == static_cast<std::uint32_t>(trace::Structure::common)) {
      units_.erase(record.unit);
    }
  }
  [[nodiscard]] bool operator()(const trace::Record& record) const { return units_.contains(record.unit); }

 private:
  std::set<std::uint8_t> units_;
};

// Forgets the queues of one device.
template <class Map>
void erase_unit(Map& queues, std::uint8_t unit) {
  std::erase_if(queues, [unit](const auto& entry) { return entry.first.first == unit; });
}

[[nodiscard]] inline bool is_common(const trace::Record& record, std::uint32_t offset) {
  return record.region == static_cast<std::uint32_t>(trace::Structure::common) && record.offset == offset;
}

}  // namespace ringside::checks
