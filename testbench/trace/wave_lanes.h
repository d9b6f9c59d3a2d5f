// Requests of one queue that are in flight at the same time, each on a lane of its own: the lowest that is free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace ringside::trace {

class WaveLanes {
 public:
  struct Flight {
    std::size_t lane = 0;  // kNoLane: more are in flight than there are lanes
    std::uint64_t since = 0;
  };
  static constexpr std::size_t kNoLane = ~std::size_t{0};

  // Nothing when `ordinal` is in flight already, or too many are.
  std::optional<Flight> begin(std::uint32_t ordinal, std::uint64_t time);
  // Nothing when it is not in flight.
  std::optional<Flight> end(std::uint32_t ordinal);
  void clear();

  [[nodiscard]] std::size_t in_flight() const { return flights_.size(); }
  // Lanes that are taken, of the first so many.
  [[nodiscard]] const std::vector<bool>& taken() const { return taken_; }

 private:
  [[nodiscard]] std::size_t take_lane();

  std::unordered_map<std::uint32_t, Flight> flights_;  // by ordinal
  std::vector<bool> taken_;
  std::size_t first_free_ = 0;  // none below is
};

}  // namespace ringside::trace
