// What `ringside clauses` counts.
#include "testbench/checks/coverage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "model/quirks.h"
#include "testbench/checks/known_departures.h"

namespace ringside::checks {
namespace {

bool has_test(const std::string& name) {
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int s = 0; s < all.total_test_suite_count(); ++s) {
    const testing::TestSuite& suite = *all.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      if (std::string(suite.name()) + "." + suite.GetTestInfo(t)->name() == name) {
        return true;
      }
    }
  }
  return false;
}

std::size_t count(const std::vector<Coverage>& rows, Coverage::By by) {
  return static_cast<std::size_t>(std::ranges::count(rows, by, &Coverage::by));
}

TEST(Coverage, EveryTestThatCountsExists) {
  for (const TestedClause& tested : tested_clauses()) {
    EXPECT_TRUE(has_test(std::string(tested.test))) << tested.test;
    EXPECT_NE(find_requirement(tested.id), nullptr) << tested.id;
  }
}

TEST(Coverage, ARequirementStandsInTheTableOnce) {
  std::set<std::string_view> ids;
  for (const Requirement& requirement : all_requirements()) {
    EXPECT_TRUE(ids.insert(requirement.id).second) << requirement.id;
    EXPECT_FALSE(requirement.says.empty());
    const bool of_driver = requirement.id.find("-drv-") != std::string_view::npos;
    EXPECT_EQ(requirement.role, of_driver ? Role::driver : Role::device) << requirement.id;
  }
}

// A monitor names a requirement of the table, for the side that has to keep it, or a section of the specification.
TEST(Coverage, MonitorsNameRequirementsThatThereAre) {
  std::set<std::string> seen;
  for (const auto& [clause, monitor] : watched_clauses()) {
    const std::string_view id = clause.id;
    if (id.find('-') == std::string_view::npos) {
      continue;
    }
    const Requirement* const requirement = find_requirement(id);
    ASSERT_NE(requirement, nullptr) << monitor << ": " << id;
    EXPECT_EQ(requirement->role, clause.role) << monitor << ": " << id;
    EXPECT_TRUE(seen.insert(std::string(id)).second) << id << " is watched twice";
  }
}

// A departure that no quirk has, or that no monitor sees, would explain nothing.
TEST(Coverage, KnownDeparturesAreQuirksThatAMonitorSees) {
  const auto quirks = model::all_quirks();
  const std::vector<CheckedClause> watched = watched_clauses();
  for (const Departure& departure : known_departures()) {
    EXPECT_NE(std::ranges::find(quirks, departure.quirk, &model::QuirkInfo::name), quirks.end()) << departure.quirk;
    EXPECT_TRUE(std::ranges::any_of(watched, [&](const CheckedClause& c) {
      return c.clause.id == departure.clause && c.clause.role == Role::device;
    })) << departure.clause;
  }
}

TEST(Coverage, ThereIsEnoughOfIt) {
  const std::vector<Coverage> rows = coverage();
  EXPECT_EQ(rows.size(), all_requirements().size());
  EXPECT_GE(count(rows, Coverage::By::monitor), 150u);
  EXPECT_EQ(count(rows, Coverage::By::monitor) + count(rows, Coverage::By::test) + count(rows, Coverage::By::nothing),
            rows.size());
}

}  // namespace
}  // namespace ringside::checks
