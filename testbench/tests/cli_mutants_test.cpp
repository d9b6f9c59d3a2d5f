// `ringside mutants`: it says what catches a mistake, and is not fooled by its absence.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

// Where traces/errors is, for a build outside the repository.
const Environment kRoot{{"RINGSIDE_ROOT", RINGSIDE_SOURCE_DIR}};

// The ordinary program becomes the one that can make mistakes.
TEST(CliMutants, SaysWhatCatchesEach) {
  const ProgramResult result = run_program({"mutants", "subsystem-wrong", "flush-not-sent", "--json"}, kRoot);
  EXPECT_EQ(result.status, 0) << result.err;
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["schema"], "ringside.mutants/1");
  EXPECT_EQ(document["total"], 2);
  EXPECT_EQ(document["caught"], 2);
  for (const auto& mutant : document["mutants"]) {
    EXPECT_TRUE(mutant["seen"].contains("compare")) << mutant;
    EXPECT_TRUE(mutant["seen"].contains("regress")) << mutant;
  }
}

TEST(CliMutants, RefusesANameThatNoMistakeHas) { EXPECT_EQ(run_program({"mutants", "no-such-*"}, kRoot).status, 2); }

// Some of those that take few seeds; `ringside mutants --by campaign` without names takes all, and minutes.
TEST(CliMutants, ACampaignFindsAPlantedBugAndMakesItSmall) {
  const ProgramResult result = run_program({"mutants", "--by", "campaign", "acknowledge-forgotten-in-recovery",
                                            "used-event-never-moved", "taken-back-while-mapped", "--json"},
                                           kRoot);
  EXPECT_EQ(result.status, 0) << result.err;
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["by"], "campaign");
  EXPECT_EQ(document["total"], 3);
  EXPECT_EQ(document["caught"], 3);
  for (const auto& mutant : document["mutants"]) {
    EXPECT_EQ(mutant["caught_by"], nlohmann::json::array({"campaign"})) << mutant;
    EXPECT_LE(mutant["faults"], 3) << mutant;
    EXPECT_LE(mutant["operations"], 10) << mutant;
  }
}

// Blocks of a campaign's disk are of 512 bytes: what is not found is no success.
TEST(CliMutants, ACampaignThatFindsNothingSaysSo) {
  const ProgramResult result =
      run_program({"mutants", "--by", "campaign", "capacity-scaled-by-block-size", "--seeds", "20"}, kRoot);
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_NE(result.out.find("not found by 20 seeds"), std::string::npos) << result.out;
}

TEST(CliMutants, CampaignsAreForTheDriver) {
  EXPECT_EQ(run_program({"mutants", "--by", "campaign", "subsystem-wrong"}, kRoot).status, 2);
  EXPECT_EQ(run_program({"mutants", "--by", "luck"}, kRoot).status, 2);
  EXPECT_EQ(run_program({"mutants", "used-id-range-unchecked"}, kRoot).status, 2) << "without faults it shows nowhere";
}

// The canary: a comparison that agrees here would agree with everything.
TEST(CliCompareCanary, APlantedDifferenceIsReported) {
  Program program({"compare", "identify", "--left", "model,mutant=subsystem-wrong", "--right", "model"}, {},
                  RINGSIDE_MUTANTS_PROGRAM);
  const ProgramResult result = program.wait();
  EXPECT_EQ(result.status, 1) << result.out << result.err;
  EXPECT_NE(result.out.find("1 diverge"), std::string::npos) << result.out;
}

}  // namespace
}  // namespace ringside::tests
