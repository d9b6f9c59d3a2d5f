#include "testbench/targets/running_time.h"

#include <algorithm>

namespace ringside::targets {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{1};
// More than that is a stop, or a machine so busy that time may as well go slower. Each stop counts as so much, so that
// somebody who steps through a thousand lines uses up no more than three seconds of a deadline.
constexpr std::chrono::milliseconds kLongestGap{3};

}  // namespace

RunningTime::RunningTime()
    : last_look_(std::chrono::steady_clock::now()), looker_([this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          std::this_thread::sleep_for(kBetweenLooks);
          (void)passed();
        }
      }) {}

std::chrono::nanoseconds RunningTime::passed() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  passed_ += std::min<std::chrono::nanoseconds>(now - last_look_, kLongestGap);
  last_look_ = now;
  return passed_;
}

}  // namespace ringside::targets
