#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "testbench/targets/let_time_pass.h"

namespace ringside::targets {
namespace {

// What came while the one who waits was not scheduled, past the deadline: only a look after it finds that.
TEST(WaitFor, LooksOnceMoreAfterTheDeadline) {
  std::uint64_t now = 0;
  bool come = false;
  std::vector<bool> lasts;
  const auto look = [&](unsigned, bool last) {
    lasts.push_back(last);
    const bool found = come;
    come = true;
    now = 1000;
    return found;
  };
  EXPECT_TRUE(wait_for([&] { return now; }, 100, look));
  EXPECT_EQ(lasts, (std::vector<bool>{false, true}));
}

TEST(WaitFor, EndsAfterTheLookThatFollowsTheDeadline) {
  std::uint64_t now = 0;
  unsigned looks = 0;
  const auto look = [&](unsigned n, bool) {
    EXPECT_EQ(n, looks);
    ++looks;
    now += 30;
    return false;
  };
  EXPECT_FALSE(wait_for([&] { return now; }, 100, look));
  EXPECT_EQ(looks, 5u);
}

}  // namespace
}  // namespace ringside::targets
