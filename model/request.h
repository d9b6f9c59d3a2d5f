// One request in flight. What it does to the disk has happened when it is fetched; what it does to memory happens when
// it completes. Requests in flight together are not ordered (5.2.6), so that both are the device's choice.
#pragma once

#include <array>
#include <cstdint>

#include "model/chain.h"
#include "model/clock.h"
#include "model/device_faults.h"
#include "model/virtio.h"

namespace ringside::model {

struct Request {
  static constexpr std::uint16_t kFewSegments = 8;

  Picoseconds due = 0;
  std::uint64_t sector = 0;
  std::uint64_t status_address = 0;
  std::uint64_t bytes = 0;  // of data
  std::uint32_t type = 0;
  std::uint32_t ordinal = 0;
  std::uint32_t used_length = 0;
  std::uint32_t capacity = 0;  // all that the device may write, the status byte included
  Token token;
  std::uint16_t queue = 0;
  std::uint16_t data_count = 0;
  std::uint8_t status = VIRTIO_BLK_S_OK;
  MediaFault fault = MediaFault::none;
  bool announced = false;  // its interrupt came before it
  bool outlives_reset = false;
  bool orphan = false;                    // the device was reset since it was fetched
  const Segment* data = nullptr;          // where data goes when it completes
  Segment* many = nullptr;                // a borrowed array, when they are more than a few
  std::array<Segment, kFewSegments> few;  // NOLINT(cppcoreguidelines-pro-type-member-init): only data_count are read
};

}  // namespace ringside::model
