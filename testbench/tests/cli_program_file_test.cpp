// Scenario files on the command line: the same one on every target, and random ones that find what was planted.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

constexpr char kProgram[] =
    "program = 1\nsummary = \"both levels\"\ndisk_sectors = 2048\nsteps = [\n"
    "  {do = \"open\", queue_size = 64},\n"
    "  {do = \"write\", sector = 8, sectors = 16, fill = 7, batch = true},\n"
    "  {do = \"write\", sector = 64, sectors = 1, fill = 8, batch = true},\n  {do = \"finish\"},\n"
    "  {do = \"read\", sector = 8, sectors = 16, expect_fill = 7},\n  {do = \"shutdown\"},\n"
    "  {do = \"find\"},\n  {do = \"negotiate\"},\n  {do = \"queue\", size = 8},\n"
    "  {do = \"status\", value = [\"ACKNOWLEDGE\", \"DRIVER\", \"FEATURES_OK\", \"DRIVER_OK\"]},\n"
    "  {do = \"buffer\", buffer = 0, size = 16},\n  {do = \"header\", buffer = 0, type = \"IN\"},\n"
    "  {do = \"desc\", index = 0, address = \"buffer:0\", length = 16, flags = [\"NEXT\"], next = 0},\n"
    "  {do = \"publish\", head = 0},\n  {do = \"notify\"},\n  {do = \"await\", timeout_us = 50000},\n]\n";

TEST(CliProgramFile, RunsByItsPathAGlobAndADirectory) {
  const TemporaryDirectory directory;
  const std::string file = directory.make("both-levels.toml", kProgram);
  for (const std::string& word : {file, directory.file("both-*.toml"), directory.file("")}) {
    const ProgramResult result = run_program({"run", word, "--json"});
    EXPECT_EQ(result.status, 0) << word << result.err;
    EXPECT_NE(result.out.find("\"name\": \"both-levels\""), std::string::npos) << result.out;
  }
}

TEST(CliProgramFile, AMistakeIsOneLineWithItsPlace) {
  const TemporaryDirectory directory;
  const std::string file = directory.make("a.toml", "program = 1\nsummary = \"s\"\nsteps = [{do = \"reed\"}]\n");
  const ProgramResult result = run_program({"run", file});
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find(file + ":3: unknown step \"reed\" (did you mean \"read\"?)"), std::string::npos)
      << result.err;
  EXPECT_EQ(run_program({"run", directory.file("none-*.toml")}).status, 2);
  EXPECT_EQ(run_program({"run", "./no-such-file.toml"}).status, 2);
}

TEST(CliProgramFile, TwoOfOneNameAreRefused) {
  const TemporaryDirectory one;
  const TemporaryDirectory other;
  const std::string first = one.make("same.toml", kProgram);
  const std::string second = other.make("same.toml", kProgram);
  const ProgramResult result = run_program({"run", first, second});
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("expected a name of its own"), std::string::npos) << result.err;
}

class CliProgramFileCompare : public ::testing::TestWithParam<const char*> {};

TEST_P(CliProgramFileCompare, AgreesWithTheModel) {
  const TemporaryDirectory directory;
  const std::string file = directory.make("both-levels.toml", kProgram);
  const ProgramResult result = run_program({"compare", file, "--right", GetParam()});
  if (result.status == 3) {
    GTEST_SKIP() << result.err;
  }
  EXPECT_EQ(result.status, 0) << result.out << result.err;
}

INSTANTIATE_TEST_SUITE_P(On, CliProgramFileCompare, ::testing::Values("model", "qemu", "guest"));

TEST(CliRandom, TheModelAgreesWithItself) {
  const ProgramResult result = run_program({"compare", "--random", "20", "--right", "model", "--json"});
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["agree"], 20);
  EXPECT_GT(document["random"]["exact"], 1000);
  EXPECT_TRUE(document["random"]["found"].empty());
}

TEST(CliRandom, FindsAPlantedMistakeAndMakesItSmall) {
  const TemporaryDirectory directory;
  Program program({"compare", "--random", "10", "--left", "model,mutant=wrong-sector", "--right", "model", "--keep",
                   directory.file(""), "--json"},
                  {}, RINGSIDE_MUTANTS_PROGRAM);
  const ProgramResult result = program.wait();
  ASSERT_EQ(result.status, 1) << result.err;
  const auto document = nlohmann::json::parse(result.out);
  ASSERT_FALSE(document["random"]["found"].empty()) << result.out;
  const auto& found = document["random"]["found"][0];
  EXPECT_LE(found["steps"], 5) << contents_of(found["file"]);
  EXPECT_NE(found["reproduce"].get<std::string>().find("./ringside compare " + found["file"].get<std::string>()),
            std::string::npos);

  // The file shows it, and shows nothing without the mistake.
  Program again({"compare", found["file"], "--left", "model,mutant=wrong-sector", "--right", "model"}, {},
                RINGSIDE_MUTANTS_PROGRAM);
  EXPECT_EQ(again.wait().status, 1);
  EXPECT_EQ(run_program({"compare", found["file"], "--right", "model"}).status, 0);
}

// A file of its own is enough: which targets, which seed, and how it ended.
TEST(CliRandom, WhatIsFoundIsReplayedAndMadeSmallFromItsFile) {
  const TemporaryDirectory directory;
  Program search({"compare", "--random", "10", "--left", "model,mutant=wrong-sector", "--right", "model", "--keep",
                  directory.file(""), "--seed", "4", "--json"},
                 {}, RINGSIDE_MUTANTS_PROGRAM);
  const ProgramResult searched = search.wait();
  ASSERT_EQ(searched.status, 1) << searched.err;
  const std::string file = nlohmann::json::parse(searched.out)["random"]["found"][0]["file"];
  EXPECT_NE(contents_of(file).find("found = {left = \"model,mutant=wrong-sector\", right = \"model\", seed = 4"),
            std::string::npos)
      << contents_of(file);

  Program replay({"replay", file}, {}, RINGSIDE_MUTANTS_PROGRAM);
  const ProgramResult replayed = replay.wait();
  EXPECT_EQ(replayed.status, 1) << replayed.err;
  EXPECT_NE(replayed.out.find("as it was kept: diverge: "), std::string::npos) << replayed.out;

  // Two steps that change nothing.
  std::string text = contents_of(file);
  const std::size_t end = text.rfind("]\n");
  text.insert(end, "  {do = \"poll\"},\n  {do = \"poll\"},\n");
  const std::string large = directory.make("large.toml", text);
  Program shrink({"shrink", large, "--json"}, {}, RINGSIDE_MUTANTS_PROGRAM);
  const ProgramResult shrunk = shrink.wait();
  ASSERT_EQ(shrunk.status, 0) << shrunk.err;
  const auto document = nlohmann::json::parse(shrunk.out);
  EXPECT_EQ(document["file"], directory.file("large.small.toml"));
  EXPECT_LE(document["operations"], 5) << contents_of(document["file"]);
  Program again({"replay", document["file"]}, {}, RINGSIDE_MUTANTS_PROGRAM);
  EXPECT_EQ(again.wait().status, 1);
}

// As compare does it: what agrees holds, and cannot be made small.
TEST(CliRandom, AScenarioFileIsReplayedAsItIsCompared) {
  const TemporaryDirectory directory;
  std::string text = kProgram;
  text.insert(text.find("steps = ["), "found = {right = \"model\", signature = \"diverge: once\"}\n");
  const std::string file = directory.make("both-levels.toml", text);
  const ProgramResult replayed = run_program({"replay", file, "--report", directory.file("report")});
  EXPECT_EQ(replayed.status, 0) << replayed.err;
  EXPECT_NE(replayed.out.find("another end than was kept: diverge: once"), std::string::npos) << replayed.out;
  EXPECT_FALSE(contents_of(directory.file("report/index.html")).empty());
  EXPECT_EQ(run_program({"shrink", file}).status, 1);
  EXPECT_EQ(run_program({"replay", file, "--wave", directory.file("w.fst")}).status, 2) << "which of the two?";
}

TEST(CliRandom, WhatIsNeitherCaseNorScenarioIsNotReplayed) {
  const TemporaryDirectory directory;
  const ProgramResult result = run_program({"replay", directory.make("plan.toml", "[[fault]]\non = \"doorbell\"\n")});
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("expected a case of a campaign (case = 1) or a scenario file (program = 1)"),
            std::string::npos)
      << result.err;
}

TEST(CliRandom, TakesNoScenarios) {
  EXPECT_EQ(run_program({"compare", "flush", "--random", "3", "--right", "model"}).status, 2);
}

}  // namespace
}  // namespace ringside::tests
