// The medium behind the controller: when it is done with a request. Its channels work side by side, each on one request
// at a time, so that requests overtake each other when times differ. The same seed gives the same times.
#pragma once

#include <array>
#include <cstdint>

#include "model/latencies.h"
#include "model/picoseconds.h"
#include "model/random.h"

namespace ringside::model {

enum class MediaWork : std::uint8_t { read, write, flush };

// What a request takes on average once a channel has it. `sequential`: it begins where the one before ended.
[[nodiscard]] Picoseconds mean_media_time(const Latencies& latencies, MediaWork work, std::uint64_t bytes,
                                          bool sequential);

class Media {
 public:
  void power_on(const Latencies& latencies);

  // When work that arrives at `start` is done. Calls come in the order of arrival. A flush ends after every write that
  // came before it, and keeps no channel from its work.
  [[nodiscard]] Picoseconds finish(Picoseconds start, MediaWork work, std::uint64_t sector, std::uint64_t bytes);

 private:
  [[nodiscard]] Picoseconds service_time(MediaWork work, std::uint64_t sector, std::uint64_t bytes);
  [[nodiscard]] Picoseconds jittered(Picoseconds mean);

  Latencies latencies_;
  std::array<Picoseconds, kMostMediaChannels> free_at_{};
  Picoseconds written_at_ = 0;     // when the last of all writes so far is done
  std::uint64_t next_sector_ = 0;  // where the one before ended
  Random random_;
};

}  // namespace ringside::model
