// Interrupts as hal::Machine wants them: counters. Handlers count, and that is all they do.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"

namespace ringside::guest {

// As many as on the other targets: what a driver asks of the machine is the same everywhere.
inline constexpr unsigned kMsiVectors = 72;

// `deaf`: the CPU hears of no device, see Mistake::masked_interrupts.
void start_interrupts(bool deaf);

// These panic for a vector that does not exist. `vector` is the driver's, see hal::kFirstLineVector.
[[nodiscard]] hal::MsiMessage message_of(unsigned vector);
[[nodiscard]] std::uint64_t interrupt_count(unsigned vector);
void acknowledge_interrupt(unsigned vector);

// Sleeps until any interrupt, at most until `deadline`. Called with interrupts disabled, so that none slips in between
// the caller's last look and the sleep; returns with them enabled.
void sleep_until(std::uint64_t deadline);

}  // namespace ringside::guest
