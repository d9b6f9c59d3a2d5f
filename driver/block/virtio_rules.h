// What the virtio driver refuses to send, given what device and driver have agreed on.
#pragma once

#include <bit>
#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/request_rules.h"
#include "driver/hal/mutant.h"

namespace ringside::block {

inline constexpr int kSectorBits = 9;
static_assert(1u << kSectorBits == kSectorSize);

inline constexpr std::uint64_t kNotAllowed = ~std::uint64_t{0};

// The bytes of a request's data; kNotAllowed when one of its segments may not be sent. It says where they are.
[[nodiscard]] inline std::uint64_t allowed_bytes(const DiskInfo& info, const Request& request) {
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < request.segment_count; ++i) {
    const Segment& segment = request.segments[i];
    if (segment.data == nullptr || segment.size == 0 || segment.size > info.max_segment_size) {
      return kNotAllowed;
    }
    bytes += segment.size;
  }
  return bytes;
}

// Of requests that are neither read nor write.
[[nodiscard]] Status verdict_on_others(const DiskInfo& info, const Request& request);

// Status::ok for a request that may be sent, else what it ends with: unsupported when the feature is missing, refused
// when the device must not be asked that. A request with segments says where they are.
[[nodiscard]] inline Status verdict_on(const DiskInfo& info, const Request& request) {
  if (request.operation != Operation::read && request.operation != Operation::write) {
    return verdict_on_others(info, request);
  }
  const std::uint64_t bytes = allowed_bytes(info, request);
  if (bytes == 0 && hal::mutant(hal::Mutant::empty_request_sent)) {
    return Status::ok;
  }
  return bytes <= 0xffff'ffff && transfer_allowed(info, request, bytes) ? Status::ok : Status::refused;
}

// --- Plain requests: a read or a write of one segment. Most are, and of those it is known at little cost whether they
// may be sent.

// What is the same for all of them. `most_bytes` is a bound of the caller's own.
struct PlainLimits {
  PlainLimits(const DiskInfo& info, std::uint64_t bytes)
      : sectors(info.sectors),
        in_block(info.block_size - 1),
        most_bytes(bytes < info.max_segment_size ? static_cast<std::uint32_t>(bytes) : info.max_segment_size),
        read_only(info.read_only) {}

  std::uint64_t sectors;
  std::uint64_t in_block;
  std::uint32_t most_bytes;
  bool read_only;
};

// Whether the request is plain, and nothing but where its data lies can still be wrong with it. Who may write has been
// looked at.
[[nodiscard]] inline bool is_plain(const PlainLimits& limits, const Request& request) {
  if (request.segment_count != 1 || request.segments == nullptr) {
    return false;
  }
  const std::uint32_t bytes = request.segments->size;
  const bool fits = bytes - 1 < limits.most_bytes;  // and is not 0
  // In bytes the sector's upper bits come round to the lower ones, which are 0 in whole blocks too: so it is small
  // enough that the end does not wrap.
  const bool whole_blocks = ((bytes | std::rotl(request.sector, kSectorBits)) & limits.in_block) == 0;
  return fits && whole_blocks && request.sector + bytes / kSectorSize <= limits.sectors;
}

}  // namespace ringside::block
