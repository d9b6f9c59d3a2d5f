// What explains an empty cell of a campaign's coverage, and what does not.
#include "testbench/campaign/empty_cells.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "testbench/campaign/explained.h"

namespace ringside::campaign {
namespace {

using faults::Action;

constexpr std::uint64_t kOften = 1000;

std::string_view why(Action action, DriverState state, Outcome outcome, std::uint64_t times = kOften) {
  return why_never(faults::summary_of(action), state, outcome, times);
}

TEST(EmptyCells, WhatADriverCanMakeOfAFaultNeedsNoExcuse) {
  EXPECT_EQ(why(Action::lost_interrupt, DriverState::in_flight, Outcome::counted), "");
  EXPECT_EQ(why(Action::completion_never, DriverState::in_flight, Outcome::replayed), "");
  EXPECT_EQ(why(Action::config_all_ones, DriverState::in_flight, Outcome::replayed), "");
  EXPECT_EQ(why(Action::status_all_ones, DriverState::in_flight, Outcome::reset), "");
  EXPECT_EQ(why(Action::media_error, DriverState::in_flight, Outcome::error), "");
  EXPECT_EQ(why(Action::features_refused, DriverState::starting, Outcome::refused), "");
  EXPECT_EQ(why(Action::removed, DriverState::in_flight, Outcome::removed), "");
  EXPECT_EQ(why(Action::power_cut, DriverState::idle, Outcome::power_lost), "");
  EXPECT_EQ(why(Action::media_corrupted, DriverState::in_flight, Outcome::misled), "");
}

TEST(EmptyCells, WhatCannotBeSaysWhy) {
  EXPECT_NE(why(Action::media_error, DriverState::in_flight, Outcome::misled), "");
  EXPECT_NE(why(Action::lost_interrupt, DriverState::in_flight, Outcome::power_lost), "");
  EXPECT_NE(why(Action::lost_interrupt, DriverState::in_flight, Outcome::removed), "");
  EXPECT_NE(why(Action::queue_size, DriverState::recovering, Outcome::refused), "");
  EXPECT_NE(why(Action::completion_never, DriverState::in_flight, Outcome::unnoticed), "");
  EXPECT_NE(why(Action::self_reset, DriverState::recovering, Outcome::counted), "");
  EXPECT_NE(why(Action::config_all_ones, DriverState::idle, Outcome::replayed), "");
  EXPECT_NE(why(Action::status_all_ones, DriverState::recovering, Outcome::reset), "");
}

TEST(EmptyCells, AFaultThatIsRareInAStateProvesNothing) {
  EXPECT_EQ(why(Action::lost_interrupt, DriverState::in_flight, Outcome::counted, kOften), "");
  EXPECT_NE(why(Action::lost_interrupt, DriverState::in_flight, Outcome::counted, 3), "");
}

TEST(EmptyCells, NoOutcomeOfACellIsAFailure) {
  EXPECT_TRUE(std::ranges::none_of(outcomes_of_cells(), is_failure));
  EXPECT_EQ(std::ranges::count(outcomes_of_cells(), Outcome::not_fired), 0);
}

}  // namespace
}  // namespace ringside::campaign
