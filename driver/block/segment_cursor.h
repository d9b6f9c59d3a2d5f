// A place in a request's data, which lies in pieces: for taking the data bit by bit, and for copying it.
#pragma once

#include <cstdint>

#include "driver/block/block_device.h"

namespace ringside::block {

class SegmentCursor {
 public:
  SegmentCursor() = default;
  // At the start of the data of a well-formed request, whose segments stay put meanwhile.
  explicit SegmentCursor(const Request& request) : segments_(request.segments), left_(request.segment_count) {}

  // Takes up to `most` contiguous bytes; none at the end.
  Segment take(std::uint32_t most);
  void skip(std::uint64_t bytes);

  // `bytes` from here on to another place, or from there; both move on, and stop at the end of the data.
  void copy_to(void* place, std::uint32_t bytes);
  void copy_from(const void* place, std::uint32_t bytes);

 private:
  const Segment* segments_ = nullptr;
  std::uint16_t left_ = 0;    // segments, the one we are in among them
  std::uint32_t inside_ = 0;  // bytes of that one already taken
};

}  // namespace ringside::block
