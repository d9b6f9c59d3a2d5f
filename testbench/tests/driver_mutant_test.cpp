// Deliberate mistakes in the driver, bugs that real drivers had: on the model the scenario named beside each must not
// hold. The program under test is the one whose driver can be told to make them.
#include <gtest/gtest.h>

#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

struct Mistake {
  const char* mutant;
  const char* scenario;  // in which it shows
};

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) { return out << mistake.mutant; }

constexpr Mistake kMistakes[] = {
    {"functions-beyond-0-missed", "multi-function"},
    {"bar-index-not-scaled", "platform-translation"},
    {"bar-upper-half-forgotten", "boot-log"},
    {"io-bar-taken-for-memory", "legacy"},
    {"structure-offset-ignored", "boot-log"},
    {"bus-master-forgotten", "read-write"},
    {"msix-entry-left-masked", "msix"},
    {"queue-without-vector", "multi-queue"},
    {"isr-not-read", "intx"},
    {"legacy-config-does-not-move", "transitional"},
    {"legacy-page-number-wrong", "legacy"},
    {"driver-ok-forgotten", "read-write"},
    {"capacity-scaled-by-block-size", "block-size-4k"},
    {"used-index-compared-plainly", "small-ring-wrap"},
    {"kick-compared-plainly", "small-ring-wrap"},
    {"used-event-never-moved", "event-index"},
    {"used-event-one-too-far", "msix"},
    {"chain-freed-by-half", "event-index"},
    {"head-published-twice", "batch"},
    {"wrap-counter-lost", "packed"},
    {"doorbell-offset-not-scaled", "multi-queue"},
    {"data-direction-wrong", "read-write"},
    {"segment-size-in-16-bits", "image"},
    {"status-byte-not-read", "refused"},
    {"flush-not-sent", "flush"},
    {"expired-replayed", "recovery-queue"},
    {"replays-not-counted", "recovery-queue"},
    {"deadline-renewed-at-replay", "recovery-queue"},
    {"replay-not-checked", "recovery-device"},
    {"replay-not-announced", "recovery-queue"},
    {"one-not-replayed", "recovery-queue"},
    {"taken-back-while-mapped", "recovery-queue"},
    {"queue-reset-not-awaited", "recovery-queue"},
    {"other-queues-taken-back", "recovery-queue"},
    {"recovered-without-reset", "recovery-device"},
    {"write-cache-not-restored", "recovery-device"},
    {"bus-master-left-on", "recovery-deaf"},
    {"memory-freed-under-device", "recovery-deaf"},
    {"bounce-freed-before-reset", "recovery-device"},
    {"needs-reset-overlooked", "recovery-device"},
    {"deadline-behind-changes", "recovery-queue"},
};

class MutantDriver : public ::testing::TestWithParam<Mistake> {};

TEST_P(MutantDriver, TheScenarioDoesNotHold) {
  const Mistake& mistake = GetParam();
  Program program(
      {"run", mistake.scenario, "--on", std::string("model,driver-mutant=") + mistake.mutant, "--timeout", "3"}, {},
      RINGSIDE_MUTANTS_PROGRAM);
  const ProgramResult result = program.wait();
  EXPECT_TRUE(result.status == 1 || result.status == 4) << result.status << result.out << result.err;
  EXPECT_EQ(result.out.find("1 held"), std::string::npos) << result.out;
  EXPECT_EQ(result.out.find("1 skipped"), std::string::npos) << result.out;
}

INSTANTIATE_TEST_SUITE_P(Driver, MutantDriver, ::testing::ValuesIn(kMistakes), [](const auto& instance) {
  std::string name = instance.param.mutant;
  for (char& c : name) {
    c = c == '-' ? '_' : c;
  }
  return name;
});

// The same program without a mistake: what the tests above see is the mistake.
TEST(MutantDriverControl, EveryScenarioHoldsWithoutAMistake) {
  std::set<std::string> scenarios;
  for (const Mistake& mistake : kMistakes) {
    scenarios.insert(mistake.scenario);
  }
  std::vector<std::string> arguments{"run", "--on", "model"};
  arguments.insert(arguments.end(), scenarios.begin(), scenarios.end());
  Program program(arguments, {}, RINGSIDE_MUTANTS_PROGRAM);
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.status, 0) << result.out << result.err;
}

}  // namespace
}  // namespace ringside::tests
