#include "testbench/targets/run_clock.h"

#include <fmt/core.h>

#include <algorithm>

#include "testbench/targets/harness.h"

namespace ringside::targets {
namespace {

constexpr std::chrono::seconds kAnswerLimit{10};

}  // namespace

RunClock::RunClock(std::optional<std::chrono::seconds> limit)
    : limit_(limit),
      start_(std::chrono::steady_clock::now()),
      running_(limit ? nullptr : std::make_unique<RunningTime>()) {}

void RunClock::check() const {
  if (limit_ && passed() >= *limit_) {
    throw RunAborted(fmt::format("the run took longer than {} s", limit_->count()));
  }
}

TimePoint RunClock::answer_deadline() const {
  return limit_ ? std::min(std::chrono::steady_clock::now() + kAnswerLimit, start_ + *limit_) : TimePoint::max();
}

std::chrono::nanoseconds RunClock::passed() const {
  return running_ ? running_->passed() : std::chrono::steady_clock::now() - start_;
}

}  // namespace ringside::targets
