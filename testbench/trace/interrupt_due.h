// Whether the driver has asked to be told of the completions that it is about to see. From the driver's side of the log
// alone: what the device thinks about it is what is being checked.
#pragma once

#include <cstdint>

#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {

// What the driver of one queue has asked for.
struct InterruptRequest {
  std::uint16_t used_event = 0;
  std::uint64_t avail_flags = 0;
  std::uint16_t used_index = 0;  // as the driver last saw it

  // VIRTIO 1.2, 2.7.7.2: with the event index when used.idx moves past used_event, else when the flags allow it.
  [[nodiscard]] bool due(std::uint16_t index, bool event_index) const {
    const auto moved = static_cast<std::uint16_t>(index - used_index);
    if (!event_index) {
      return moved != 0 && (avail_flags & VIRTQ_AVAIL_F_NO_INTERRUPT) == 0;
    }
    return static_cast<std::uint16_t>(index - used_event - 1) < moved;
  }
};

}  // namespace ringside::trace
