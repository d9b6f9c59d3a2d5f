// How long things take. Plain numbers: a run is reproducible to the picosecond.
#pragma once

#include <cstdint>

#include "model/picoseconds.h"

namespace ringside::model {

inline constexpr std::uint64_t kMostMediaChannels = 64;
inline constexpr std::uint64_t kMostJitterPercent = 100;

struct Latencies {
  std::uint64_t config_access_ns = 1000;  // one access to configuration space
  std::uint64_t register_read_ns = 800;   // a read of a device register: there and back over the link
  std::uint64_t register_write_ns = 60;   // a posted write
  std::uint64_t dma_overhead_ns = 20;     // per DMA transaction
  std::uint64_t link_ps_per_byte = 250;   // payload, about PCIe 3.0 x4
  std::uint64_t media_read_ns = 8000;
  std::uint64_t media_write_ns = 10000;
  std::uint64_t media_flush_ns = 25000;
  std::uint64_t media_position_ns = 0;     // more, for a request that does not begin where the one before ended
  std::uint64_t media_ps_per_byte = 0;     // of one channel
  std::uint64_t media_channels = 0;        // requests that the media work on at once; 0: any number
  std::uint64_t media_jitter_percent = 0;  // how far a time may lie from its mean
  std::uint64_t media_seed = 1;            // of the jitter

  [[nodiscard]] Picoseconds dma(std::uint64_t bytes) const {
    return dma_overhead_ns * kPicosecondsPerNanosecond + bytes * link_ps_per_byte;
  }
};

}  // namespace ringside::model
