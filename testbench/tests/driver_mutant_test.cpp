// Deliberate mistakes in the driver, bugs that real drivers had: on the model the scenario named beside each must not
// hold. The program under test is the one whose driver can be told to make them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "testbench/cli/mutant_table.h"
#include "testbench/tests/cli_program.h"

namespace ringside::cli {

// What the tests are called.
static void PrintTo(const MutantNote& note, std::ostream* out) { *out << note.name; }

}  // namespace ringside::cli

namespace ringside::tests {
namespace {

// The scenario holds with these, too: what they change shows in the log alone, to who compares it.
constexpr std::array<std::string_view, 5> kSeenByComparisonAlone = {
    "reset-forgotten", "acknowledge-forgotten", "every-feature-accepted", "configuration-not-read-again",
    "config-vector-forgotten"};

std::vector<cli::MutantNote> mistakes_that_fail_a_run() {
  std::vector<cli::MutantNote> mistakes;
  std::ranges::copy_if(cli::notes_on_driver(), std::back_inserter(mistakes), [](const cli::MutantNote& note) {
    return *note.shows_in != '\0' &&
           std::ranges::find(kSeenByComparisonAlone, note.name) == kSeenByComparisonAlone.end();
  });
  return mistakes;
}

class MutantDriver : public ::testing::TestWithParam<cli::MutantNote> {};

TEST_P(MutantDriver, TheScenarioDoesNotHold) {
  const cli::MutantNote& mistake = GetParam();
  Program program(
      {"run", mistake.shows_in, "--on", std::string("model,driver-mutant=") + mistake.name, "--timeout", "3"}, {},
      RINGSIDE_MUTANTS_PROGRAM);
  const ProgramResult result = program.wait();
  EXPECT_TRUE(result.status == 1 || result.status == 4) << result.status << result.out << result.err;
  EXPECT_EQ(result.out.find("1 held"), std::string::npos) << result.out;
  EXPECT_EQ(result.out.find("1 skipped"), std::string::npos) << result.out;
}

INSTANTIATE_TEST_SUITE_P(Driver, MutantDriver, ::testing::ValuesIn(mistakes_that_fail_a_run()),
                         [](const auto& instance) {
                           std::string name = instance.param.name;
                           for (char& c : name) {
                             c = c == '-' ? '_' : c;
                           }
                           return name;
                         });

// The same program without a mistake: what the tests above see is the mistake.
TEST(MutantDriverControl, EveryScenarioHoldsWithoutAMistake) {
  std::set<std::string> scenarios;
  for (const cli::MutantNote& mistake : mistakes_that_fail_a_run()) {
    scenarios.insert(mistake.shows_in);
  }
  std::vector<std::string> arguments{"run", "--on", "model"};
  arguments.insert(arguments.end(), scenarios.begin(), scenarios.end());
  Program program(arguments, {}, RINGSIDE_MUTANTS_PROGRAM);
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.status, 0) << result.out << result.err;
}

}  // namespace
}  // namespace ringside::tests
