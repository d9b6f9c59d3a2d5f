// The local APIC of the one CPU: takes message-signalled interrupts and holds the timer that ends a sleep. Intel SDM,
// volume 3, chapter 11.
#pragma once

#include <cstdint>

namespace ringside::guest {

// Vectors as the CPU sees them. Exceptions lie below, spurious ones above.
inline constexpr unsigned kTimerVector = 0xf0;
inline constexpr unsigned kSpuriousVector = 0xff;

// Enabled as firmware would: the lines of the interrupt controller come through LINT0. With `deaf` only the timer is
// heard.
void start_local_apic(bool deaf);
void end_of_interrupt();

// What a function writes, and where, to raise `vector` at this CPU.
inline constexpr std::uint64_t kMessageAddress = 0xfee0'0000;

// Counts down once, `ticks` at the rate that clock.cpp measures; no more than kMostTicks.
inline constexpr std::uint32_t kMostTicks = 0xffff'ffff;
void start_timer(std::uint32_t ticks);
[[nodiscard]] std::uint32_t timer_ticks_left();

}  // namespace ringside::guest
