// Fault plans on the command line: run, compare, list.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "testbench/faults/fault_table.h"
#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

std::string plan(const std::string& name) { return RINGSIDE_SOURCE_DIR "/traces/faults/" + name + ".toml"; }

TEST(CliFaults, ModelAndQemuAgreeUnderAPlan) {
  const ProgramResult result = run_program({"compare", "survive", "--faults", plan("media-error-read"), "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document.at("agree"), 1);
}

TEST(CliFaults, WhatQemuCannotDoIsASkip) {
  const ProgramResult result = run_program({"compare", "survive", "--faults", plan("completion-twice")});
  EXPECT_EQ(result.status, 1) << "all skipped is not success";
  EXPECT_NE(result.out.find("completion-twice happens inside the model"), std::string::npos) << result.out;
}

TEST(CliFaults, PlanThatMakesNoSenseIsRefusedInOneLine) {
  const TemporaryDirectory directory;
  const std::string path = directory.make("plan.toml", "[[fault]]\non = \"doorbell\"\naction = \"explode\"\n");
  for (const char* const command : {"run", "compare"}) {
    const ProgramResult result = run_program({command, "survive", "--faults", path});
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.err.find(path + ":3: "), result.err.find(path)) << result.err;
    EXPECT_NE(result.err.find("expected one of function-absent"), std::string::npos) << result.err;
  }
}

TEST(CliFaults, RandomProgramsHaveNoPlan) {
  const ProgramResult result = run_program({"compare", "--random", "1", "--faults", plan("media-error")});
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("--faults"), std::string::npos) << result.err;
}

TEST(CliFaults, AllAreListed) { EXPECT_EQ(run_program({"list", "--faults"}).out, faults::fault_table()); }

}  // namespace
}  // namespace ringside::tests
