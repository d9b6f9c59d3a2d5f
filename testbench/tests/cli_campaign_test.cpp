// Campaigns on the command line: shards and merge, going on after kill -9, exact replay, shrinking.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "testbench/tests/cli_document.h"
#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

using nlohmann::json;

// A model that is wrong in every run, so that there are failures whatever the driver can do.
constexpr char kWrong[] = "model,mutant=wrong-sector";

ProgramResult mutants(const std::vector<std::string>& arguments) {
  return Program(arguments, {}, RINGSIDE_MUTANTS_PROGRAM).wait();
}

// All files below a directory, by their paths in it.
std::map<std::string, std::string> files_of(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) {
      files[std::filesystem::relative(entry.path(), directory)] = contents_of(entry.path());
    }
  }
  return files;
}

std::vector<std::string> sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  std::ranges::sort(lines);
  return lines;
}

TEST(CliCampaign, TellsWhatItIsAskedToTell) {
  const ProgramResult result = run_program({"campaign", "--seeds", "0..99", "--coverage", "--json"});
  const json document = document_of(result);
  EXPECT_EQ(document["schema"], "ringside.campaign/1");
  EXPECT_EQ(document["runs"], 100);
  std::uint64_t outcomes = 0;
  for (const auto& [name, count] : document["outcomes"].items()) {
    outcomes += count.get<std::uint64_t>();
  }
  EXPECT_EQ(outcomes, 100u);
  EXPECT_FALSE(document["faults"].empty());
  std::uint64_t fired = 0;
  for (const auto& [name, fault] : document["faults"].items()) {
    fired += fault["fired"].get<std::uint64_t>();
  }
  EXPECT_GT(fired, 10u) << "a campaign in which nothing happens has tested nothing";
  for (const json& cell : document["coverage"]) {
    EXPECT_EQ(cell["outcomes"].empty(), cell.contains("empty_because")) << cell;
  }
}

TEST(CliCampaign, JunitHasEachFaultAndEachWayToFail) {
  const TemporaryDirectory place;
  const ProgramResult result =
      mutants({"campaign", "--seeds", "0..99", "--on", kWrong, "--junit", place.file("campaign.xml")});
  EXPECT_EQ(result.status, 1) << result.err;
  const std::string document = contents_of(place.file("campaign.xml"));
  EXPECT_NE(document.find("<testsuite name=\"ringside campaign\""), std::string::npos) << document;
  EXPECT_NE(document.find("name=\"fault lost-doorbell\""), std::string::npos) << document;
  EXPECT_NE(document.find("<failure"), std::string::npos) << "the model is wrong in every run";
  EXPECT_NE(document.find("the first of them seed "), std::string::npos) << document;
}

TEST(CliCampaign, ThreeShardsMergedInAnyOrderAreTheWhole) {
  const TemporaryDirectory place;
  const std::string seeds = "100..159";
  const std::vector<std::string> common = {"campaign", "--seeds", seeds, "--on", kWrong, "--out"};
  const auto run = [&](const std::string& out, const std::vector<std::string>& more) {
    std::vector<std::string> words = common;
    words.push_back(place.file(out));
    words.insert(words.end(), more.begin(), more.end());
    return mutants(words).status;
  };
  EXPECT_EQ(run("whole", {}), 1);
  for (const char* const shard : {"1/3", "2/3", "3/3"}) {
    EXPECT_EQ(run("s" + std::string(1, shard[0]), {"--shard", shard, "-j", "1"}), 1) << shard;
  }
  const std::vector<std::vector<std::string>> orders = {{"whole"}, {"s1", "s2", "s3"}, {"s3", "s1", "s2"}};
  std::vector<std::string> documents;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    std::vector<std::string> words = {"merge", "--json", "--out", place.file("m" + std::to_string(i))};
    for (const std::string& part : orders[i]) {
      words.push_back(place.file(part));
    }
    EXPECT_EQ(mutants(words).status, 1);
  }
  EXPECT_EQ(files_of(place.file("m0")), files_of(place.file("m1")));
  EXPECT_EQ(files_of(place.file("m0")), files_of(place.file("m2")));
  EXPECT_GT(files_of(place.file("m0")).size(), 10u) << "failures are among them";
  EXPECT_EQ(sorted_lines(contents_of(place.file("whole/runs.tsv"))),
            sorted_lines(contents_of(place.file("m1/runs.tsv"))));
}

TEST(CliCampaign, ShardsOfDifferentCampaignsAreNotMerged) {
  const TemporaryDirectory place;
  EXPECT_NE(run_program({"campaign", "--seeds", "1..2", "--out", place.file("a")}).status, 2);
  EXPECT_NE(run_program({"campaign", "--seeds", "1..3", "--out", place.file("b")}).status, 2);
  const ProgramResult result = run_program({"merge", place.file("a"), place.file("b")});
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("seeds: 1..2 here, 1..3 there"), std::string::npos) << result.err;
}

// Killed in the middle as often as it takes, it ends with every seed, once.
TEST(CliCampaign, GoesOnAfterKillNine) {
  const TemporaryDirectory place;
  const std::vector<std::string> words = {"campaign", "--seeds", "0..599", "--out", place.file("c")};
  for (unsigned kills = 0; kills < 3; ++kills) {
    Program program(words);
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    program.kill(SIGKILL);
    (void)program.wait();
  }
  (void)run_program(words);
  std::set<std::string> seeds;
  std::size_t lines = 0;
  for (const std::string& line : sorted_lines(contents_of(place.file("c/runs.tsv")))) {
    seeds.insert(line.substr(0, line.find('\t')));
    ++lines;
  }
  EXPECT_EQ(seeds.size(), 600u);
  EXPECT_EQ(lines, 600u);
}

// One failing case, from the first seed that has one.
std::string first_failure(const TemporaryDirectory& place) {
  EXPECT_EQ(mutants({"campaign", "--seeds", "0..19", "--on", kWrong, "--out", place.file("c")}).status, 1);
  const auto files = files_of(place.file("c/failures"));
  EXPECT_FALSE(files.empty());
  return files.empty() ? "" : place.file("c/failures/" + files.begin()->first);
}

TEST(CliCampaign, ReplayIsExact) {
  const TemporaryDirectory place;
  const std::string file = first_failure(place);
  const ProgramResult result = mutants({"replay", file, "--json", "--trace", place.file("a.rlog")});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(document_of(result)["same_log"], true);
  const std::string elsewhere = place.make("by-another-name.toml", contents_of(file));
  EXPECT_EQ(mutants({"replay", elsewhere, "--trace", place.file("b.rlog")}).status, 0);
  EXPECT_EQ(contents_of(place.file("a.rlog")), contents_of(place.file("b.rlog")));
}

TEST(CliCampaign, ReplaySeesThatSomethingChanged) {
  const TemporaryDirectory place;
  std::string text = contents_of(first_failure(place));
  const std::string changed = place.make("changed.toml", [&] {
    const std::size_t at = text.find("timeout_ms = ");
    return at == std::string::npos ? text : text.replace(at, 13, "timeout_ms = 9");
  }());
  const ProgramResult result = mutants({"replay", changed});
  EXPECT_EQ(result.status, 0) << "a deadline that nothing runs into is no difference" << result.out << result.err;
  const std::size_t at = text.find("log_hash = \"0x");
  ASSERT_NE(at, std::string::npos);
  text[at + 14] = text[at + 14] == '0' ? '1' : '0';
  const ProgramResult other = mutants({"replay", place.make("other.toml", text)});
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.out.find("the log is another one"), std::string::npos) << other.out;
}

TEST(CliCampaign, ACrashIsReplayedAndMadeSmall) {
  const TemporaryDirectory place;
  EXPECT_EQ(mutants({"campaign", "--seeds", "17..17", "--on", "model,driver-mutant=used-id-range-unchecked", "--out",
                     place.file("c")})
                .status,
            1);
  const std::string file = place.file("c/failures/seed-17.toml");
  ASSERT_NE(contents_of(file).find("signature = \"crashed: "), std::string::npos) << contents_of(file);
  const ProgramResult result = mutants({"replay", file, "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(document_of(result)["outcome"], "crashed");
  EXPECT_EQ(mutants({"shrink", file, "--out", place.file("small.toml")}).status, 0);
  EXPECT_EQ(mutants({"replay", place.file("small.toml")}).status, 0);
}

TEST(CliCampaign, ACaseOfAnOlderVersionIsReadAndWhatChangedIsSaid) {
  const TemporaryDirectory place;
  std::string text = contents_of(first_failure(place));
  const auto change = [&](const std::string& key, const std::string& value) {
    const std::size_t at = text.find(key + " = \"");
    ASSERT_NE(at, std::string::npos);
    const std::size_t begin = at + key.size() + 4;
    text.replace(begin, text.find('"', begin) - begin, value);
  };
  change("version", "0.0.7");
  change("image_hash", "0x0000000000000007");
  change("signature", "hung: of old");
  const ProgramResult result = mutants({"replay", place.make("old.toml", text)});
  EXPECT_EQ(result.status, 1);
  for (const char* const said : {"was written by Ringside 0.0.7", "ran on another disk", "expected hung: of old"}) {
    EXPECT_NE(result.out.find(said), std::string::npos) << result.out;
  }
  EXPECT_EQ(result.out.find("the log is another one"), std::string::npos) << "that has not changed" << result.out;
}

TEST(CliCampaign, ShrinksToLittle) {
  const TemporaryDirectory place;
  const std::string file = first_failure(place);
  const ProgramResult result = mutants({"shrink", file, "--out", place.file("small.toml"), "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const json document = document_of(result);
  EXPECT_LE(document["faults"], 3);
  EXPECT_LE(document["operations"], 10);
  EXPECT_EQ(mutants({"replay", place.file("small.toml")}).status, 0);
}

TEST(CliCampaign, AWorkerThatDiesIsTheOutcomeOfItsSeed) {
  const TemporaryDirectory place;
  Program program({"campaign", "--seeds", "0..99999", "--out", place.file("c"), "-j", "1"});
  for (unsigned tries = 0; tries < 500 && descendants_of(program.pid()).empty(); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const auto wait_for = [&](const char* said) {
    for (unsigned tries = 0; tries < 500 && contents_of(place.file("c/runs.tsv")).find(said) == std::string::npos;
         ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  };
  wait_for("\n");
  for (const pid_t worker : descendants_of(program.pid())) {
    ::kill(worker, SIGABRT);  // which no sanitizer catches
  }
  wait_for("\tcrashed\t");
  program.kill(SIGINT);
  EXPECT_EQ(program.wait().status, 130);
  const std::string runs = contents_of(place.file("c/runs.tsv"));
  EXPECT_NE(runs.find("\tcrashed\t"), std::string::npos);
  EXPECT_NE(runs.find("ended by signal 6"), std::string::npos);
  EXPECT_GT(std::count(runs.begin(), runs.end(), '\n'), runs.find("crashed") == std::string::npos ? 0 : 1)
      << "others went on";
}

TEST(CliCampaign, WrongInputIsOneLine) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"campaign", "--seeds", "5..1"},
                                                {"campaign", "--on", "modle"},
                                                {"campaign", "--faults", "/nowhere.toml"},
                                                {"replay", "/nowhere.toml"},
                                                {"shrink", "/nowhere.toml"},
                                                {"merge", "/nowhere"},
                                                {"campaign", "--shard", "3/2"}}) {
    const ProgramResult result = run_program(words);
    EXPECT_EQ(result.status, 2) << words[0] << ' ' << words.back();
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

}  // namespace
}  // namespace ringside::tests
