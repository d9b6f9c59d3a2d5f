// The cylinder/head/sector geometry that a disk reports (VIRTIO 1.2, 5.2.4). It means nothing to a disk without tracks;
// firmware still asks for it, and the PC's answer is this one.
#pragma once

#include <cstdint>

#include "model/storage.h"

namespace ringside::model {

struct Geometry {
  std::uint16_t cylinders = 0;
  std::uint8_t heads = 0;
  std::uint8_t sectors = 0;
};

// Takes what the partition table implies, when there is one that was written for a plausible small geometry; otherwise
// 16 heads of 63 sectors, and as many cylinders as fit.
[[nodiscard]] Geometry geometry_of(Storage& storage, std::uint64_t sectors);

}  // namespace ringside::model
