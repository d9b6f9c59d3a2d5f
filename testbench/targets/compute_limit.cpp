#include "testbench/targets/compute_limit.h"

namespace ringside::targets {
namespace {

constexpr int kMostTimes = 10;

}  // namespace

ComputeLimit::ComputeLimit(Duration limit, pid_t process) : limit_(limit) {
  static_cast<void>(::clock_getcpuclockid(process, &processor_));
  used_before_ = used();
}

ComputeLimit::Duration ComputeLimit::used() const {
  timespec time{};
  if (::clock_gettime(processor_, &time) != 0) {
    return Duration::max();
  }
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

bool ComputeLimit::is_over() {
  const Clock::time_point now = Clock::now();
  if (now < next_look_) {
    return false;
  }
  const Duration left = limit_ - (used() - used_before_);
  if (left <= Duration::zero() || now - start_ >= kMostTimes * limit_) {
    return true;
  }
  next_look_ = now + left;
  return false;
}

}  // namespace ringside::targets
