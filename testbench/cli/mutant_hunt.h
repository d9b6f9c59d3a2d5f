// A fault campaign that looks for one deliberate mistake: the first seed that fails with it and not without and can be
// made small, since a large case may be one in which it takes much by chance.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "testbench/campaign/case_file.h"

namespace ringside::cli {

// What a person reads in a minute.
inline constexpr std::size_t kSmallFaults = 3;
inline constexpr std::size_t kSmallOperations = 10;

struct HuntSettings {
  std::string target;            // with the mistake, as on the command line
  std::uint64_t most_seeds = 0;  // from seed 0 on
  std::chrono::seconds longest{60};
  std::uint64_t run_seconds = 1;  // of real time, for one run
  unsigned parallel = 0;          // 0: one worker for each core
};

struct Quarry {
  campaign::CaseFile large;  // as the campaign drew it
  campaign::CaseFile small;
  std::size_t faults = 0;  // of the small one
  std::size_t operations = 0;
  [[nodiscard]] bool is_small() const { return faults <= kSmallFaults && operations <= kSmallOperations; }
};

struct Hunt {
  std::optional<Quarry> found;             // the smallest, if none became small in time
  std::uint64_t seeds = 0;                 // that ran
  std::vector<std::uint64_t> passed_over;  // seeds that failed, but not again, or without the mistake, too
  double seconds = 0;                      // until the first seed that fails was known
  double shrink_seconds = 0;               // from then on
};

// `tick` is called now and then, with the number of seeds that have run. Throws Interrupted.
[[nodiscard]] Hunt hunt_mistake(const HuntSettings& settings, const std::function<void(std::uint64_t)>& tick);

}  // namespace ringside::cli
