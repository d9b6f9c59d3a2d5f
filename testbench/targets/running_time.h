// Time in which this process ran. While a debugger has stopped it, all of its threads stand still, and then nobody
// looks at this clock: what lies between two looks that are too far apart was no running.
#pragma once

#include <chrono>
#include <mutex>
#include <thread>

namespace ringside::targets {

class RunningTime {
 public:
  RunningTime();

  // Since construction. A thread of its own calls it all the time, so that a caller may stay away as long as it likes.
  [[nodiscard]] std::chrono::nanoseconds passed();

 private:
  std::mutex mutex_;
  std::chrono::steady_clock::time_point last_look_;
  std::chrono::nanoseconds passed_{0};
  std::jthread looker_;  // last: it uses the others
};

}  // namespace ringside::targets
