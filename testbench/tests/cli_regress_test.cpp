// `ringside regress`: the golden logs of this repository hold, and each way in which one can fail to is told.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

constexpr unsigned kShards = 8;

// Every scenario and variant, a share of them in each test, so that they run side by side.
class CliRegressShard : public ::testing::TestWithParam<unsigned> {};

TEST_P(CliRegressShard, HoldsAgainstItsGoldenLogs) {
  const ProgramResult result =
      run_program({"regress", "--shard", std::to_string(GetParam()) + "/" + std::to_string(kShards), "--traces",
                   RINGSIDE_SOURCE_DIR "/traces", "-j", "1"});
  EXPECT_EQ(result.status, 0) << result.out << result.err;
}

INSTANTIATE_TEST_SUITE_P(All, CliRegressShard, ::testing::Range(1u, kShards + 1));

// With golden logs of its own for two cases.
class CliRegress : public ::testing::Test {
 protected:
  CliRegress() { std::filesystem::create_directory(directory_.file("golden")); }

  [[nodiscard]] ProgramResult regress(const std::vector<std::string>& more,
                                      const char* program = RINGSIDE_PROGRAM) const {
    std::vector<std::string> arguments{"regress", "enumerate", "read-write", "--traces", directory_.file("")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Program(arguments, {}, program).wait();
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return directory_.file("golden/" + name + ".golden");
  }

  TemporaryDirectory directory_;
};

TEST_F(CliRegress, SaysHowToMakeAGoldenLogThatIsMissing) {
  const ProgramResult result = regress({});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.out.find("has no golden log; --update writes it"), std::string::npos) << result.out;
}

TEST_F(CliRegress, ItsReportNamesTheCommandWithTheOptionsThatItHad) {
  EXPECT_EQ(regress({"--report", directory_.file("out"), "--on", "model,dmi=off"}).status, 1);
  const std::string readme = contents_of(directory_.file("out/read-write/README.txt"));
  EXPECT_NE(readme.find("./ringside regress read-write --on model,dmi=off --traces " + directory_.file("") + "\n"),
            std::string::npos)
      << readme;
}

TEST_F(CliRegress, ShowsWithoutWritingAndThenWrites) {
  EXPECT_EQ(regress({"--update", "--dry-run"}).status, 1);
  EXPECT_FALSE(std::filesystem::exists(path("read-write")));
  const ProgramResult updated = regress({"--update"});
  EXPECT_EQ(updated.status, 0) << updated.out << updated.err;
  EXPECT_NE(updated.out.find("added: " + path("read-write")), std::string::npos) << updated.out;
  EXPECT_EQ(regress({}).status, 0);
  EXPECT_EQ(regress({"--update"}).out.find("changed"), std::string::npos) << "nothing has changed since";
}

TEST_F(CliRegress, HoldsWithDmiOff) {
  ASSERT_EQ(regress({"--update"}).status, 0);
  EXPECT_EQ(regress({"--on", "model,dmi=off"}).status, 0);
}

TEST_F(CliRegress, CallsAChangedTimeATimingRegression) {
  ASSERT_EQ(regress({"--update"}).status, 0);
  const ProgramResult result = regress({"--on", "model,mutant=read-twice-as-long"}, RINGSIDE_MUTANTS_PROGRAM);
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.out.find("timing   read-write "), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("read-write: timing regression: the same events"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("held     enumerate "), std::string::npos) << result.out;
}

TEST_F(CliRegress, ShowsTheFirstDivergence) {
  ASSERT_EQ(regress({"--update"}).status, 0);
  const ProgramResult result =
      regress({"--on", "model,mutant=interrupt-pin-wrong", "--json"}, RINGSIDE_MUTANTS_PROGRAM);
  EXPECT_EQ(result.status, 1);
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["schema"], "ringside.regress/1");
  EXPECT_GE(document["differs"], 1);
  EXPECT_NE(result.err.find("enumerate: other events from #"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("run  >"), std::string::npos) << result.err;
}

TEST_F(CliRegress, AcceptsWhatAWaiverCovers) {
  ASSERT_EQ(regress({"--update"}).status, 0);
  const std::string waivers = directory_.make("waivers.toml",
                                              "[[waiver]]\nreason = \"a slower medium\"\nscenario = \"read-write*\"\n"
                                              "kind = \"time\"\ndecided_by = \"maintainers\"\nexpires = 2999-01-01\n");
  const ProgramResult result =
      regress({"--on", "model,mutant=read-twice-as-long", "--waivers", waivers}, RINGSIDE_MUTANTS_PROGRAM);
  EXPECT_EQ(result.status, 0) << result.out;
  EXPECT_NE(result.out.find("waived"), std::string::npos) << result.out;
}

TEST_F(CliRegress, RefusesAGoldenLogOfAnotherMajor) {
  directory_.make("golden/read-write.golden", "ringside golden log 9.0\n");
  const ProgramResult result = regress({});
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("read-write.golden:1: a golden log of version 9.0"), std::string::npos) << result.err;
}

TEST_F(CliRegress, RefusesGoldenLogsThatAreOfOtherSettings) {
  ASSERT_EQ(regress({"--update"}).status, 0);
  std::string text = contents_of(path("read-write"));
  text.replace(text.find("seed 1"), 6, "seed 5");
  directory_.make("golden/read-write.golden", text);
  const ProgramResult result = regress({});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.out.find("a run with other settings"), std::string::npos) << result.out;
}

// Scenario files in place of the scenarios that are compiled in; and one of them goes.
TEST_F(CliRegress, TakesScenariosFromElsewhereAndTellsOfAGoldenLogWithoutOne) {
  std::filesystem::create_directory(directory_.file("programs"));
  for (const char* name : {"request-type-12", "flush-with-data"}) {
    std::filesystem::copy(std::string(RINGSIDE_SOURCE_DIR "/traces/errors/") + name + ".toml",
                          directory_.file("programs"));
  }
  const std::vector<std::string> arguments{"regress", "--scenarios", directory_.file("programs"), "--traces",
                                           directory_.file("")};
  std::vector<std::string> updating = arguments;
  updating.emplace_back("--update");
  ASSERT_EQ(run_program(updating).status, 0);
  EXPECT_EQ(run_program(arguments).status, 0);

  std::filesystem::remove(directory_.file("programs/flush-with-data.toml"));
  const ProgramResult stale = run_program(arguments);
  EXPECT_EQ(stale.status, 1);
  EXPECT_NE(stale.out.find("stale    flush-with-data"), std::string::npos) << stale.out;
  EXPECT_EQ(run_program(updating).status, 0);
  EXPECT_FALSE(std::filesystem::exists(path("flush-with-data")));
}

TEST(CliRegressInput, IsChecked) {
  EXPECT_EQ(run_program({"regress", "no-such-scenario"}).status, 2);
  EXPECT_EQ(run_program({"regress", "--shard", "3/2"}).status, 2);
  EXPECT_EQ(run_program({"regress", "--on", "qemu"}).status, 2);
  EXPECT_EQ(run_program({"regress", "--dry-run"}).status, 2);
  EXPECT_EQ(run_program({"regress", "--traces", "/no/such/directory"}).status, 2);
}

}  // namespace
}  // namespace ringside::tests
