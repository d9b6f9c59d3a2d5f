#include "testbench/trace/wave_lanes.h"

#include <algorithm>

namespace ringside::trace {
namespace {

// A log is outside input: what one can make us keep, and what anyone looks at.
constexpr std::size_t kMostInFlight = 65536;
constexpr std::size_t kMostLanes = 64;

}  // namespace

std::optional<WaveLanes::Flight> WaveLanes::begin(std::uint32_t ordinal, std::uint64_t time) {
  if (flights_.size() >= kMostInFlight) {
    return std::nullopt;
  }
  const auto [place, fresh] = flights_.try_emplace(ordinal);
  if (!fresh) {
    return std::nullopt;
  }
  place->second = {take_lane(), time};
  return place->second;
}

std::optional<WaveLanes::Flight> WaveLanes::end(std::uint32_t ordinal) {
  const auto place = flights_.find(ordinal);
  if (place == flights_.end()) {
    return std::nullopt;
  }
  const Flight flight = place->second;
  flights_.erase(place);
  if (flight.lane != kNoLane) {
    taken_[flight.lane] = false;
    first_free_ = std::min(first_free_, flight.lane);
  }
  return flight;
}

void WaveLanes::clear() {
  flights_.clear();
  std::fill(taken_.begin(), taken_.end(), false);
  first_free_ = 0;
}

std::size_t WaveLanes::take_lane() {
  while (first_free_ < taken_.size() && taken_[first_free_]) {
    ++first_free_;
  }
  if (first_free_ == kMostLanes) {
    return kNoLane;
  }
  if (first_free_ == taken_.size()) {
    taken_.push_back(false);
  }
  taken_[first_free_] = true;
  return first_free_++;
}

}  // namespace ringside::trace
