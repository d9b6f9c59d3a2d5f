// The canary of a comparison: a deliberate difference that must be found. Two runs that agree are compared again after
// one thing was changed in a copy of one log; a comparison that still finds nothing is blind there (by a waiver that
// covers too much, by a log without anything in it), and its agreement is worth nothing.
#pragma once

#include <cstdint>
#include <string>

#include "testbench/trace/compare.h"

namespace ringside::trace {

struct CanaryResult {
  std::uint64_t caught = 0;
  std::string missed;  // what was changed without anybody noticing; empty when all was noticed
};

// Of two logs that agree. Nothing is tried on logs of more records than this: each try is a comparison of its own.
inline constexpr std::size_t kLargestCanaryLog = 100'000;
[[nodiscard]] CanaryResult try_canary(const Side& left, const Side& right, const std::string& scenario,
                                      const Waivers& waivers);

}  // namespace ringside::trace
