// What is left of a program that shows something: no more than it takes.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "testbench/programs/random_program.h"
#include "testbench/programs/shrink.h"
#include "testbench/scenarios/program_table.h"

namespace ringside::programs {
namespace {

using namespace scenarios;

template <class Shows>
FirstThatShows first_with(Shows shows, std::size_t& tried) {
  return [shows, &tried](const std::vector<Program>& candidates) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      ++tried;
      if (shows(candidates[i])) {
        return i;
      }
    }
    return std::nullopt;
  };
}

bool has_large_write(const Program& program) {
  return std::ranges::any_of(
      program.steps, [](const Step& step) { return step.op == Op::write && step.args[RequestArgs::sectors] >= 5; });
}

// A program of the generator that has such a write, among many other steps.
Program one_with_large_write() {
  for (std::uint64_t index = 0;; ++index) {
    Program program = random_program({3, 0, {}}, index);
    if (program.steps.size() > 30 && has_large_write(program)) {
      return program;
    }
  }
}

TEST(Shrink, LeavesTheOneStepThatMatters) {
  std::size_t tried = 0;
  const Program small = shrink(one_with_large_write(), first_with(has_large_write, tried));
  ASSERT_EQ(small.steps.size(), 1u);
  EXPECT_TRUE(has_large_write(small));
  EXPECT_LT(small.steps[0].args[RequestArgs::sectors], 10u);  // halved as far as it goes
  EXPECT_TRUE(small.devices.empty());
  EXPECT_TRUE(small.machine.empty());
  // What a step must have stays, and what matters; nothing else.
  EXPECT_EQ(small.steps[0].given, 1u << RequestArgs::sector | 1u << RequestArgs::sectors);
  EXPECT_LE(tried, ShrinkLimits{}.tries);
}

TEST(Shrink, KeepsTwoStepsThatNeedEachOther) {
  const auto shows = [](const Program& program) {
    const auto open = std::ranges::find(program.steps, Op::open, &Step::op);
    return open != program.steps.end() && std::any_of(open, program.steps.end(), [](const Step& step) {
             return step.op == Op::write && step.args[RequestArgs::sectors] >= 5;
           });
  };
  std::size_t tried = 0;
  const Program small = shrink(one_with_large_write(), first_with(shows, tried));
  ASSERT_EQ(small.steps.size(), 2u);
  EXPECT_EQ(small.steps[0].op, Op::open);
  EXPECT_EQ(small.steps[1].op, Op::write);
}

// Without it the look would find what time has decided.
TEST(Shrink, KeepsThatALookWaits) {
  const auto looks = [](const Program& program) {
    return std::ranges::any_of(program.steps, [](const Step& step) { return step.op == Op::hash; });
  };
  std::size_t tried = 0;
  const Program small = shrink(random_program({3, 100, {}}, 0), first_with(looks, tried));
  ASSERT_EQ(small.steps.size(), 1u);
  EXPECT_EQ(small.steps[0].args[BufferArgs::when], static_cast<std::uint64_t>(Look::used));
}

TEST(Shrink, StopsAtItsLimit) {
  std::size_t tried = 0;
  const Program program = one_with_large_write();
  const Program small = shrink(program, first_with(has_large_write, tried), {5});
  EXPECT_LE(tried, 5u);
  EXPECT_TRUE(has_large_write(small));
}

}  // namespace
}  // namespace ringside::programs
