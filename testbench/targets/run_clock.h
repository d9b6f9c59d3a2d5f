// The time of a run that takes real time, and the ends of waiting for QEMU: one for each answer, one for the run.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "testbench/targets/qemu_line_channel.h"
#include "testbench/targets/running_time.h"

namespace ringside::targets {

class RunClock {
 public:
  // Without a limit the run is in a debugger: it may stand still for as long as somebody thinks. Nothing ends by itself
  // then, and the time in which it stood still does not count, so that the driver finds its deadlines where they were.
  explicit RunClock(std::optional<std::chrono::seconds> limit);

  // Throws RunAborted once the run has taken too long.
  void check() const;
  [[nodiscard]] TimePoint answer_deadline() const;
  // Since construction.
  [[nodiscard]] std::chrono::nanoseconds passed() const;

 private:
  std::optional<std::chrono::seconds> limit_;
  TimePoint start_;
  std::unique_ptr<RunningTime> running_;  // in a debugger
};

}  // namespace ringside::targets
