// Waiting for something concurrent: another thread's turn first, for a completion is some 50 us away; then short
// sleeps.
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

namespace ringside::targets {

// After the `look`-th look that found nothing.
inline void let_time_pass(unsigned look) {
  constexpr unsigned kYields = 256;
  constexpr std::chrono::microseconds kNap{50};
  if (look < kYields) {
    std::this_thread::yield();
  } else {
    std::this_thread::sleep_for(kNap);
  }
}

// Until `look(n, last)` says that what is waited for has come; false once `now()` has reached the deadline. The last
// look comes after that: whoever was not scheduled for long finds what came meanwhile.
template <class Now, class Look>
[[nodiscard]] bool wait_for(Now now, std::uint64_t deadline, Look look) {
  for (unsigned n = 0;; ++n) {
    const bool last = now() >= deadline;
    if (look(n, last)) {
      return true;
    }
    if (last) {
      return false;
    }
    let_time_pass(n);
  }
}

}  // namespace ringside::targets
