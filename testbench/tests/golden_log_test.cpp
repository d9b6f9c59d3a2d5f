// Golden logs: what they find, where they say it is, and what they refuse to read.
#include "testbench/trace/golden_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testbench/trace/golden_diff.h"

namespace ringside::tests {
namespace {

using trace::GoldenDifference;
using trace::GoldenLog;
using trace::Kind;
using trace::Record;

constexpr std::size_t kRecords = 3000;

// Registers are read every 10 ns; now and then something that matters happens.
std::vector<Record> some_log() {
  std::vector<Record> log(kRecords);
  for (std::size_t i = 0; i < log.size(); ++i) {
    log[i].time = 10 * i;
    log[i].kind = i % 97 == 0 ? Kind::device_status : Kind::register_read;
    log[i].offset = i % 16;
    log[i].value = i;
  }
  return log;
}

GoldenLog golden(const std::vector<Record>& log) { return {{{"case", "some"}}, trace::golden_segments(log)}; }

std::string refusal(const std::string& text) {
  try {
    (void)trace::parse_golden(text, "some.golden");
  } catch (const trace::FileError& problem) {
    return problem.what();
  }
  return "accepted";
}

TEST(GoldenLog, CoversEveryRecordAndNanosecond) {
  const std::vector<Record> log = some_log();
  EXPECT_EQ(golden(log).records(), log.size());
  EXPECT_EQ(golden(log).duration(), log.back().time);
}

TEST(GoldenLog, IsTheSameAfterItWasPrintedAndRead) {
  const std::string text = print(golden(some_log()));
  const GoldenLog read = trace::parse_golden(text, "some.golden");
  EXPECT_EQ(print(read), text);
  EXPECT_FALSE(first_difference(read, golden(some_log())));
}

TEST(GoldenLog, StaysSmallHoweverLongTheRun) {
  const std::vector<Record> log(1'000'000);
  EXPECT_LT(print(golden(log)).size(), 20'000u);
}

class GoldenDiffAt : public ::testing::TestWithParam<std::size_t> {};

TEST_P(GoldenDiffAt, FindsAnotherValue) {
  std::vector<Record> log = some_log();
  log[GetParam()].value ^= 1;
  const auto difference = first_difference(golden(some_log()), golden(log));
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->kind, GoldenDifference::Kind::events);
  EXPECT_LE(difference->first, GetParam());
  EXPECT_GE(difference->last, GetParam());
  EXPECT_LT(difference->last - difference->first, 64u);
  EXPECT_EQ(difference->segments, 1u);
}

TEST_P(GoldenDiffAt, CallsAnotherTimeATimingRegressionAndNamesTheFirstThatMoved) {
  std::vector<Record> log = some_log();
  for (std::size_t i = GetParam(); i < log.size(); ++i) {
    log[i].time += 7;
  }
  const auto difference = first_difference(golden(some_log()), golden(log));
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->kind, GoldenDifference::Kind::time);
  EXPECT_LE(difference->first, GetParam());
  EXPECT_GE(difference->last, GetParam());
  EXPECT_EQ(difference->new_end, difference->old_end + 7);
  EXPECT_EQ(difference->new_time, difference->old_time + 7);
  EXPECT_NE(summary_of(*difference, log).find("timing regression"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Places, GoldenDiffAt, ::testing::Values(0u, 63u, 64u, 777u, kRecords - 1));

TEST(GoldenDiff, SaysWhereARunEndsTooEarly) {
  std::vector<Record> log = some_log();
  log.resize(1000);
  const auto difference = first_difference(golden(some_log()), golden(log));
  ASSERT_TRUE(difference);
  EXPECT_TRUE(difference->ended);
  EXPECT_NE(render(*difference, log).find("ends here"), std::string::npos);
}

// One event more moves all that follow; segments end at events that matter, so that most of the file stays as it is.
TEST(GoldenDiff, LeavesMostSegmentsAloneWhenOneEventComesInBetween) {
  std::vector<Record> log = some_log();
  Record more;
  more.kind = Kind::register_write;
  more.time = log[500].time;
  log.insert(log.begin() + 501, more);
  const GoldenLog after = golden(log);
  const auto difference = first_difference(golden(some_log()), after);
  ASSERT_TRUE(difference);
  EXPECT_LT(difference->segments, after.segments.size() / 2);
}

TEST(GoldenDiff, DoesNotCompareWhatIsToldForReaders) {
  GoldenLog told = golden(some_log());
  told.segments.front().events.emplace_back("in other words");
  EXPECT_FALSE(first_difference(told, golden(some_log())));
}

TEST(GoldenLogText, RefusesWhatItCannotReadAndSaysWhere) {
  const std::string title = "ringside golden log 1.0\n";
  EXPECT_NE(refusal("ringside golden log 2.0\n").find("some.golden:1: a golden log of version 2.0"), std::string::npos);
  EXPECT_NE(refusal("something else\n").find("some.golden:1: no golden log"), std::string::npos);
  EXPECT_NE(refusal("").find("some.golden:1: an empty file"), std::string::npos);
  EXPECT_NE(refusal(title + "case flush\n").find("some.golden:2: no segment"), std::string::npos);
  EXPECT_NE(refusal(title + "case\n").find("some.golden:2: expected a word and a value"), std::string::npos);
  EXPECT_NE(refusal(title + "segment 64 records 10 ns 1 zz abc\n").find("some.golden:2: expected a hash"),
            std::string::npos);
  EXPECT_NE(refusal(title + "segment 0 records 10 ns 1 2 abc\n").find("some.golden:2: expected records"),
            std::string::npos);
  EXPECT_NE(refusal(title + "segment 64 record 10 ns 1 2 abc\n").find("\"records\" is not where it should be"),
            std::string::npos);
}

// A newer minor version may add lines before the segments, and fields at no place where they would be misread.
TEST(GoldenLogText, ReadsANewerMinor) {
  EXPECT_EQ(refusal("ringside golden log 1.9\nsomething new\nsegment 1 records 0 ns 1 2 a\n"), "accepted");
}

}  // namespace
}  // namespace ringside::tests
