#include "model/media.h"

#include <algorithm>

#include "model/virtio.h"

namespace ringside::model {
namespace {

// What does not depend on the size: this part varies.
Picoseconds fixed_time(const Latencies& latencies, MediaWork work, bool sequential) {
  if (work == MediaWork::flush) {
    return latencies.media_flush_ns * kPicosecondsPerNanosecond;
  }
  const std::uint64_t overhead = work == MediaWork::read ? latencies.media_read_ns : latencies.media_write_ns;
  return (overhead + (sequential ? 0 : latencies.media_position_ns)) * kPicosecondsPerNanosecond;
}

}  // namespace

Picoseconds mean_media_time(const Latencies& latencies, MediaWork work, std::uint64_t bytes, bool sequential) {
  return fixed_time(latencies, work, sequential) + bytes * latencies.media_ps_per_byte;
}

void Media::power_on(const Latencies& latencies) {
  latencies_ = latencies;
  latencies_.media_channels = std::min(latencies.media_channels, kMostMediaChannels);
  latencies_.media_jitter_percent = std::min(latencies.media_jitter_percent, kMostJitterPercent);
  free_at_ = {};
  written_at_ = 0;
  next_sector_ = 0;
  random_ = Random(latencies.media_seed);
}

Picoseconds Media::finish(Picoseconds start, MediaWork work, std::uint64_t sector, std::uint64_t bytes) {
  const Picoseconds time = service_time(work, sector, bytes);
  if (work == MediaWork::flush) {
    return std::max(start, written_at_) + time;
  }
  Picoseconds end = start + time;
  if (latencies_.media_channels != 0) {
    Picoseconds& channel = *std::min_element(free_at_.begin(), free_at_.begin() + latencies_.media_channels);
    end = std::max(start, channel) + time;
    channel = end;
  }
  if (work == MediaWork::write) {
    written_at_ = std::max(written_at_, end);
  }
  return end;
}

Picoseconds Media::service_time(MediaWork work, std::uint64_t sector, std::uint64_t bytes) {
  const bool sequential = sector == next_sector_;
  if (work != MediaWork::flush) {
    next_sector_ = sector + bytes / kSectorBytes;
  }
  return jittered(fixed_time(latencies_, work, sequential)) + bytes * latencies_.media_ps_per_byte;
}

// Uniform on both sides of the mean.
Picoseconds Media::jittered(Picoseconds mean) {
  const Picoseconds most = mean / 100 * latencies_.media_jitter_percent;
  return most == 0 ? mean : mean - most + random_.next() % (2 * most + 1);
}

}  // namespace ringside::model
