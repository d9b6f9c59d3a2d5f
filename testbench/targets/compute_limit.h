// A limit of real time for what computes and does not wait. A machine that has too much to do gives a process less of
// its processors than time goes by; what it was not given does not count.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <ctime>

namespace ringside::targets {

class ComputeLimit {
 public:
  using Duration = std::chrono::nanoseconds;

  // From now on. `process`: 0 is this one.
  explicit ComputeLimit(Duration limit, pid_t process = 0);

  // Cheap, and false, as long as so much real time has not gone by. What neither computes nor ends is over after ten
  // times the limit, a process that is gone after once.
  [[nodiscard]] bool is_over();

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] Duration used() const;

  Duration limit_;
  clockid_t processor_ = CLOCK_MONOTONIC;  // where there is no such process
  Duration used_before_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_look_ = start_ + limit_;
};

}  // namespace ringside::targets
