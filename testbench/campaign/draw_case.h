// One seed, one case.
#pragma once

#include <cstdint>
#include <optional>

#include "testbench/campaign/case.h"
#include "testbench/campaign/parameters.h"

namespace ringside::campaign {

class CaseMaker {
 public:
  // Throws trace::FileError when the parameters' plan is none.
  explicit CaseMaker(const Parameters& parameters);
  [[nodiscard]] Case make(std::uint64_t seed) const;

 private:
  const Parameters& parameters_;
  std::optional<faults::Plan> fixed_plan_;
};

// The parts of it, each from streams of its own.
[[nodiscard]] std::string draw_machine(std::uint64_t seed);  // "pc", "q35"
struct DrawnDevice {
  std::string properties;  // --device
  std::uint16_t queues = 1;
  std::uint16_t queue_size = 256;
};
[[nodiscard]] DrawnDevice draw_device(std::uint64_t seed, const std::string& machine);
[[nodiscard]] scenarios::Step draw_open(std::uint64_t seed, const std::string& machine, const DrawnDevice& device);
[[nodiscard]] std::optional<scenarios::Step> draw_write_cache(std::uint64_t seed);
[[nodiscard]] std::vector<scenarios::Step> draw_requests(std::uint64_t seed, std::uint16_t queues);
[[nodiscard]] std::map<std::string, std::string> draw_settings(std::uint64_t seed);
[[nodiscard]] faults::Plan draw_plan(std::uint64_t seed, const Parameters& parameters);

// How many seeds it takes to have each fault at one opportunity of each kind.
[[nodiscard]] std::uint64_t systematic_round();

}  // namespace ringside::campaign
