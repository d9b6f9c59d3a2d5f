// Time since power-on: the time-stamp counter, measured once against the interval timer.
#pragma once

#include <cstdint>

namespace ringside::guest {

// Also measures the local APIC's timer, which must have been started by then, and changes its count.
void start_clock();

// Nanoseconds.
[[nodiscard]] std::uint64_t now();

// How many ticks the local APIC's timer makes in `nanoseconds`.
[[nodiscard]] std::uint64_t timer_ticks(std::uint64_t nanoseconds);

[[nodiscard]] std::uint64_t time_stamps_per_microsecond();

}  // namespace ringside::guest
