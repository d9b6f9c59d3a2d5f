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
