// What the driver asks of a virtqueue, whatever its layout. SplitQueue and PackedQueue have the same members, and the
// block driver is a template over them: there is no virtual call on the path of a request.
//
// A chain in flight is known by its head: on a split ring the descriptor that heads it, on a packed ring its buffer id.
// Either way it is below size() and belongs to one chain at a time.
#pragma once

#include <bit>
#include <cstdint>

#include "driver/hal/machine.h"

namespace ringside::virtio {

static_assert(std::endian::native == std::endian::little,
              "virtio 1.x is little-endian, legacy virtio is as the guest is; ours is little-endian too");

inline constexpr std::uint16_t kNoDescriptor = 0xffff;
inline constexpr std::uint32_t kUsedIndexJumped = 0x1'0000;  // more than 16 bits can count

struct QueueShape {
  std::uint16_t size = 0;    // split: a power of two; 2 .. 32768
  bool event_index = false;  // VIRTIO_F_EVENT_IDX
  bool in_order = false;     // VIRTIO_F_IN_ORDER
  bool contiguous = false;   // split only: the legacy layout (2.7.2), one piece from a page on
};

// One element of a chain.
struct Piece {
  hal::BusAddress address;
  std::uint32_t length;
  bool device_writable;
};

// What a ring keeps in private memory for each of its heads, side by side because a request touches both.
struct ChainState {
  std::uint32_t next;    // in the list of free ones
  std::uint32_t length;  // ring descriptors of the chain in flight; 0 = not in flight
};

enum class UsedError : std::uint8_t { none, id_out_of_range, id_not_in_flight, out_of_order };

struct Used {
  std::uint32_t head = kNoDescriptor;
  // In order, a device may report the last chain of several alone (2.7.9, 2.8.8). Then it has used the older ones to
  // the full, and their length is not told.
  bool skipped = false;
  std::uint32_t length = 0;  // as claimed, unchecked
};

}  // namespace ringside::virtio
