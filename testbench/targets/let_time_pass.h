// How a wait for something concurrent lets time pass: another thread's turn first, for a completion is some 50 us away;
// then short sleeps.
#pragma once

#include <chrono>
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

}  // namespace ringside::targets
