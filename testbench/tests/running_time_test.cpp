// A process that was stopped finds its clock where it left it.
#include "testbench/targets/running_time.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace ringside::targets {
namespace {

using namespace std::chrono_literals;

TEST(RunningTime, GoesOnWhileNobodyAsks) {
  RunningTime time;
  std::this_thread::sleep_for(300ms);
  EXPECT_GT(time.passed(), 100ms);  // less than 300 on a busy machine
  EXPECT_LT(time.passed(), 10s);
}

// In a child: it stops itself, is continued a second later, and tells how much of that it counted.
TEST(RunningTime, LeavesOutAStop) {
  const pid_t child = ::fork();
  if (child == 0) {
    RunningTime time;
    ::kill(::getpid(), SIGSTOP);
    ::_exit(time.passed() < 500ms ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  std::this_thread::sleep_for(1s);
  ::kill(child, SIGCONT);
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "a second of standing still was counted";
}

}  // namespace
}  // namespace ringside::targets
