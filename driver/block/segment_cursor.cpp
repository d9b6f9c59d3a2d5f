#include "driver/block/segment_cursor.h"

namespace ringside::block {

Segment SegmentCursor::take(std::uint32_t most) {
  if (left_ == 0) {
    return {};
  }
  const std::uint32_t here = segments_->size - inside_;
  const std::uint32_t size = here < most ? here : most;
  const Segment taken{static_cast<std::uint8_t*>(segments_->data) + inside_, size};
  inside_ += size;
  if (inside_ == segments_->size) {
    ++segments_;
    --left_;
    inside_ = 0;
  }
  return taken;
}

void SegmentCursor::skip(std::uint64_t bytes) {
  constexpr std::uint32_t kMost = 0xffff'ffff;
  while (bytes != 0 && left_ != 0) {
    bytes -= take(bytes < kMost ? static_cast<std::uint32_t>(bytes) : kMost).size;
  }
}

void SegmentCursor::copy_to(void* place, std::uint32_t bytes) {
  auto* to = static_cast<std::uint8_t*>(place);
  while (bytes != 0 && left_ != 0) {
    const Segment piece = take(bytes);
    __builtin_memcpy(to, piece.data, piece.size);
    to += piece.size;
    bytes -= piece.size;
  }
}

void SegmentCursor::copy_from(const void* place, std::uint32_t bytes) {
  const auto* from = static_cast<const std::uint8_t*>(place);
  while (bytes != 0 && left_ != 0) {
    const Segment piece = take(bytes);
    __builtin_memcpy(piece.data, from, piece.size);
    from += piece.size;
    bytes -= piece.size;
  }
}

}  // namespace ringside::block
