// Results of a campaign: lines that survive a killed writer, sums that depend on no order, directories that go on.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "testbench/campaign/directory.h"
#include "testbench/campaign/results.h"
#include "testbench/campaign/summary.h"
#include "testbench/targets/target.h"
#include "testbench/tests/cli_program.h"
#include "testbench/trace/file_error.h"

namespace ringside::campaign {
namespace {

using tests::TemporaryDirectory;

RunRow row(std::uint64_t seed, Outcome outcome, const std::string& signature = "") {
  return {
      seed, outcome, {{"removed", true, DriverState::in_flight}, {"used-id", false, DriverState::starting}}, signature};
}

Parameters parameters() {
  Parameters result;
  result.seeds = {0, 10};
  result.version = "1.2.3";
  return result;
}

TEST(CampaignResults, ARowIsReadBackAsItWas) {
  const std::string line = print_row(row(17, Outcome::hung, "hung: a [b]"));
  EXPECT_EQ(line, "17\thung\tremoved:in-flight,used-id:-\thung: a [b]\n");
  EXPECT_EQ(print_row(parse_row(line.substr(0, line.size() - 1), "x", 1)), line);
}

TEST(CampaignResults, WhatIsNoRowIsRefusedWithItsPlace) {
  for (const char* const bad : {"", "x\thung\t\t", "1\thing\t\t", "1\thung\tremoved\t", "1\thung\tremoved:asleep\t",
                                "1\thung\t:idle\t", "99999999999999999999\thung\t\t"}) {
    try {
      (void)parse_row(bad, "runs.tsv", 7);
      ADD_FAILURE() << bad;
    } catch (const trace::FileError& problem) {
      EXPECT_TRUE(std::string(problem.what()).starts_with("runs.tsv:7: expected ")) << problem.what();
    }
  }
}

TEST(CampaignResults, ASignatureCannotEndItsLine) {
  const std::string line = print_row(row(1, Outcome::broken, "a\nb\tc"));
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\t'), 3);
}

TEST(CampaignSummary, DoesNotDependOnTheOrder) {
  std::vector<RunRow> rows = {row(4, Outcome::hung, "h"), row(2, Outcome::hung, "h"), row(3, Outcome::removed)};
  Summary forward;
  Summary backward;
  for (const RunRow& one : rows) {
    forward.add(one);
  }
  std::ranges::reverse(rows);
  for (const RunRow& one : rows) {
    backward.add(one);
  }
  for (const Summary* const summary : {&forward, &backward}) {
    EXPECT_EQ(summary->runs(), 3u);
    EXPECT_EQ(summary->groups().at("h").first_seed, 2u);
    EXPECT_EQ(summary->groups().at("h").count, 2u);
    const FaultSummary& removed = summary->faults().at("removed");
    EXPECT_EQ(removed.planned, 3u);
    EXPECT_EQ(removed.fired, 3u);
    EXPECT_EQ(removed.outcomes()[static_cast<std::size_t>(Outcome::hung)], 2u);
    EXPECT_EQ(summary->faults().at("used-id").fired, 0u);
  }
}

TEST(CampaignDirectory, GoesOnWhereAKilledWriterStopped) {
  const TemporaryDirectory place;
  const std::string path = place.file("c");
  {
    Directory directory(path, parameters());
    EXPECT_TRUE(directory.take_done().empty());
    directory.append(print_row(row(1, Outcome::unnoticed)) + print_row(row(2, Outcome::removed)));
  }
  std::ofstream(runs_path(path), std::ios::app) << "3\tunnot";
  Directory directory(path, parameters());
  EXPECT_EQ(directory.take_done().size(), 2u);
  directory.append(print_row(row(3, Outcome::reset)));
  EXPECT_EQ(
      tests::contents_of(runs_path(path)),
      print_row(row(1, Outcome::unnoticed)) + print_row(row(2, Outcome::removed)) + print_row(row(3, Outcome::reset)));
}

TEST(CampaignDirectory, IsOfOneCampaignAndOneWriter) {
  const TemporaryDirectory place;
  const std::string path = place.file("c");
  const Directory first(path, parameters());
  EXPECT_THROW(Directory(path, parameters()), targets::InputError) << "somebody is at work";
  const TemporaryDirectory another;
  { const Directory made(another.file("c"), parameters()); }
  Parameters other = parameters();
  other.seeds.end = 11;
  EXPECT_THROW(Directory(another.file("c"), other), targets::InputError) << "other seeds";
}

}  // namespace
}  // namespace ringside::campaign
