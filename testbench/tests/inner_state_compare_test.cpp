// What devices keep to themselves, compared before each reset; and what a comparison says of itself: canaries, waivers,
// repetitions.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "testbench/tests/cli_program.h"
#include "testbench/tests/tap_fixture.h"

namespace ringside::tests {
namespace {

using nlohmann::json;

class InnerStateTapTest : public TapTest {};

TEST_F(InnerStateTapTest, AResetOfWhatRunsIsToldBeforeTheMachineActs) {
  enumerate();
  constexpr std::uint64_t kStatus = kCommon + 0x14;
  constexpr std::uint64_t kQueueReset = kCommon + 0x3a;
  tap.mmio_write8(kStatus, 0);
  EXPECT_EQ(hooks.resets, 0u) << "no queue runs: there is nothing to lose";
  start_queue();
  tap.mmio_write8(kStatus, 0);
  EXPECT_EQ(hooks.resets, 1u);
  start_queue();
  tap.mmio_write16(kCommon + 0x16, 0);
  tap.mmio_write16(kQueueReset, 1);
  EXPECT_EQ(hooks.resets, 2u) << "a queue's own";
}

TEST(InnerStateCompare, ModelAndQemuKeepTheSameOfQueuesAndFeatures) {
  for (const char* const properties : {"packed=off", "packed=on", "disable-modern=on", "num-queues=4"}) {
    const ProgramResult result = run_program({"compare", "get-id", "--device", properties, "--json"});
    if (result.status == 3) {
      GTEST_SKIP() << result.err;
    }
    ASSERT_EQ(result.status, 0) << result.out << result.err;
    const json row = json::parse(result.out)["scenarios"][0];
    if (row["inner_skipped"] != 0) {
      GTEST_SKIP() << "this QEMU does not tell";
    }
    EXPECT_GE(row["inner"], 2) << properties;
    EXPECT_EQ(row["canaries"], 3) << properties;
  }
}

TEST(ControlsCompare, TheModelAgreesWithItselfAsOftenAsItIsAsked) {
  const ProgramResult result =
      run_program({"compare", "get-id", "--left", "model", "--right", "model", "--repeat", "3", "--json"});
  ASSERT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_EQ(json::parse(result.out)["agree"], 3);
}

TEST(ControlsCompare, AWaiverThatMakesItBlindIsAnError) {
  const TemporaryDirectory directory;
  const std::string waivers =
      directory.make("w.toml",
                     "[[waiver]]\nreason = \"whatever a request ends with\"\nscenario = \"*\"\nkind = \"completion\"\n"
                     "decided_by = \"nobody\"\nexpires = 2999-01-01\n");
  const ProgramResult result =
      run_program({"compare", "get-id", "--left", "model", "--right", "model", "--waivers", waivers, "--json"});
  EXPECT_EQ(result.status, 1);
  const json document = json::parse(result.out);
  EXPECT_NE(document["scenarios"][0]["reason"].get<std::string>().find("blind"), std::string::npos) << result.out;
}

TEST(ControlsCompare, AWaiverTellsOfItself) {
  const TemporaryDirectory directory;
  (void)directory.make("w.toml",
                       "\n[[waiver]]\nreason = \"long ago\"\nscenario = \"*\"\nkind = \"config_read\"\n"
                       "decided_by = \"maintainers\"\nexpires = 2020-01-01\n");
  const ProgramResult result = run_program(
      {"compare", "get-id", "--left", "model", "--right", "model", "--waivers", directory.file("."), "--json"});
  EXPECT_EQ(result.status, 1) << "it expired";
  EXPECT_NE(result.err.find("w.toml:2: waiver \"long ago\" expired on 2020-01-01"), std::string::npos) << result.err;
  const json waiver = json::parse(result.out)["waivers"][0];
  EXPECT_EQ(waiver["standing"], "expired");
  EXPECT_EQ(waiver["line"], 2);
  EXPECT_EQ(waiver["hits"], 0);
}

}  // namespace
}  // namespace ringside::tests
