// The guest's end of the mailbox: where it lies, how the bench is rung at, and how all work ends.
#pragma once

#include <atomic>
#include <cstdint>

#include "testbench/guest/cpu.h"
#include "testbench/guest/mailbox.h"

namespace ringside::guest {

[[nodiscard]] inline Mailbox& mailbox() { return *reinterpret_cast<Mailbox*>(kMailboxBase); }

inline void ring_bell(Ring why) { port_write8(kBellPort, static_cast<std::uint8_t>(why)); }

// Release: what was written before is there when the bench reads the state, with acquire.
inline void say_state(State state) { std::atomic_ref(mailbox().state).store(state, std::memory_order_release); }

[[noreturn]] inline void end_work(State state) {
  say_state(state);
  ring_bell(Ring::ended);
  halt_for_good();
}

}  // namespace ringside::guest
