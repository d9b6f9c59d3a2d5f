// Simulated time as a number.
#pragma once

#include <cstdint>

namespace ringside::model {

using Picoseconds = std::uint64_t;
inline constexpr Picoseconds kNever = ~Picoseconds{0};
inline constexpr Picoseconds kPicosecondsPerNanosecond = 1000;

}  // namespace ringside::model
