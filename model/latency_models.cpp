#include "model/latency_models.h"

#include <algorithm>
#include <array>

namespace ringside::model {
namespace {

constexpr Latencies instant() {
  Latencies latencies;
  latencies.media_read_ns = 0;
  latencies.media_write_ns = 0;
  latencies.media_flush_ns = 0;
  return latencies;
}

// Flash: eight channels of 500 MB/s each, a write cache in front of them.
constexpr Latencies nvme() {
  Latencies latencies;
  latencies.media_read_ns = 60'000;
  latencies.media_write_ns = 12'000;
  latencies.media_flush_ns = 50'000;
  latencies.media_ps_per_byte = 2'000;
  latencies.media_channels = 8;
  latencies.media_jitter_percent = 40;
  return latencies;
}

// One arm over 150 MB/s of platter: a seek and half a turn take 8 ms on average, and nearly none or twice that.
constexpr Latencies disk() {
  Latencies latencies;
  latencies.media_read_ns = 50'000;
  latencies.media_write_ns = 50'000;
  latencies.media_flush_ns = 10'000'000;
  latencies.media_position_ns = 8'000'000;
  latencies.media_ps_per_byte = 6'667;
  latencies.media_channels = 1;
  latencies.media_jitter_percent = 90;
  return latencies;
}

constexpr std::array kModels{
    LatencyModel{"fixed", "8 us for a read, 10 us for a write, any number at once", Latencies{}},
    LatencyModel{"instant", "the media take no time: the link is the limit", instant()},
    LatencyModel{"nvme", "eight channels of flash; requests overtake each other", nvme()},
    LatencyModel{"disk", "one arm that has to move: milliseconds, unless requests are sequential", disk()},
};

}  // namespace

std::span<const LatencyModel> all_latency_models() { return kModels; }

std::optional<Latencies> latencies_by_name(std::string_view name) {
  const auto* const found = std::ranges::find(kModels, name, &LatencyModel::name);
  return found == kModels.end() ? std::nullopt : std::optional(found->latencies);
}

}  // namespace ringside::model
