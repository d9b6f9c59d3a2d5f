#include "testbench/targets/compute_limit.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <thread>

namespace ringside::targets {
namespace {

using namespace std::chrono_literals;

// Until this process has had so much of a processor.
void compute(std::chrono::nanoseconds time) {
  const auto used = [] {
    timespec now{};
    EXPECT_EQ(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  };
  for (const auto end = used() + time; used() < end;) {
  }
}

TEST(ComputeLimitTest, WhatComputesIsOverAfterTheLimit) {
  ComputeLimit limit(30ms);
  EXPECT_FALSE(limit.is_over());
  compute(31ms);
  EXPECT_TRUE(limit.is_over());
}

TEST(ComputeLimitTest, TimeInWhichAProcessWasNotRunDoesNotCount) {
  ComputeLimit limit(500ms);
  std::this_thread::sleep_for(550ms);
  EXPECT_FALSE(limit.is_over());
}

TEST(ComputeLimitTest, WhatOnlyWaitsIsOverInTheEnd) {
  ComputeLimit limit(5ms);
  std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(limit.is_over());
}

TEST(ComputeLimitTest, ItHoldsForAnotherProcess) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (;;) {
    }
  }
  ComputeLimit limit(200ms, child);
  EXPECT_EQ(::kill(child, SIGSTOP), 0);
  std::this_thread::sleep_for(250ms);
  EXPECT_FALSE(limit.is_over());
  EXPECT_EQ(::kill(child, SIGCONT), 0);
  while (!limit.is_over()) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(::kill(child, SIGKILL), 0);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);

  ComputeLimit of_nobody(1ms, child);
  std::this_thread::sleep_for(2ms);
  EXPECT_TRUE(of_nobody.is_over());
}

}  // namespace
}  // namespace ringside::targets
