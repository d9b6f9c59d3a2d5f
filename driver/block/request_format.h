// What a request looks like to the device (VIRTIO 1.2, 5.2.6): header, data or range, status byte.
#pragma once

#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/request_rules.h"
#include "driver/block/virtio_blk_spec.h"
#include "driver/hal/machine.h"

namespace ringside::block {

inline constexpr std::uint16_t kHeaderAndStatus = 2;  // the pieces that every request has
inline constexpr std::uint16_t kMaxSegments = 126;    // with those 128: a 2 KiB indirect table per request
inline constexpr std::uint32_t kHeaderBytes = 16;
inline constexpr std::uint32_t kRangeBytes = 16;
inline constexpr std::uint8_t kStatusUnset = 0xff;  // no status of the specification: a device that never wrote it

// Device-readable; the header is its first half. Little-endian, on the legacy interface too, whose fields are as the
// guest is.
struct RequestFrame {
  std::uint64_t type;  // le32 type, le32 reserved
  std::uint64_t sector;
  std::uint64_t range_sector;  // struct virtio_blk_discard_write_zeroes
  std::uint64_t range_count_flags;
};
static_assert(sizeof(RequestFrame) == kHeaderBytes + kRangeBytes);

[[nodiscard]] constexpr std::uint32_t type_of(Operation operation) {
  switch (operation) {
    case Operation::read:
      return VIRTIO_BLK_T_IN;
    case Operation::write:
      return VIRTIO_BLK_T_OUT;
    case Operation::flush:
      return VIRTIO_BLK_T_FLUSH;
    case Operation::get_id:
      return VIRTIO_BLK_T_GET_ID;
    case Operation::discard:
      return VIRTIO_BLK_T_DISCARD;
    case Operation::write_zeroes:
      return VIRTIO_BLK_T_WRITE_ZEROES;
    case Operation::secure_erase:
      return VIRTIO_BLK_T_SECURE_ERASE;
    case Operation::get_lifetime:
      return VIRTIO_BLK_T_GET_LIFETIME;
  }
  return VIRTIO_BLK_T_IN;
}

[[nodiscard]] constexpr bool device_writes_data(Operation operation) { return operation != Operation::write; }

[[nodiscard]] constexpr hal::DmaDirection direction_of(Operation operation) {
  return device_writes_data(operation) ? hal::DmaDirection::from_device : hal::DmaDirection::to_device;
}

// The request's sector as the header tells it: 0 where it has no meaning (5.2.6.1).
[[nodiscard]] constexpr std::uint64_t header_sector(const Request& request) {
  return request.operation == Operation::read || request.operation == Operation::write ? request.sector : 0;
}

// num_sectors and flags of a range; unmap is reserved for all but write zeroes (5.2.6.1).
[[nodiscard]] constexpr std::uint64_t range_count_flags(const Request& request) {
  const bool unmap = request.unmap && request.operation == Operation::write_zeroes;
  return request.sector_count | std::uint64_t{unmap ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0u} << 32;
}

// Ring descriptors of a request that does without an indirect table.
[[nodiscard]] inline std::uint16_t pieces_of(const Request& request) {
  const unsigned data = names_range(request.operation)  ? 1u
                        : moves_data(request.operation) ? unsigned{request.segment_count}
                                                        : 0u;
  return static_cast<std::uint16_t>(data + kHeaderAndStatus);
}

}  // namespace ringside::block
