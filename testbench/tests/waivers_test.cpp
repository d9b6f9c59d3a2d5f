// Waivers: what they accept, for how long, and what is wrong with a file of them.
#include "testbench/trace/waivers.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace ringside::trace {
namespace {

using std::chrono::year_month_day;

constexpr year_month_day day(int y, unsigned m, unsigned d) {
  return std::chrono::year{y} / std::chrono::month{m} / std::chrono::day{d};
}

constexpr char kOne[] =
    "[[waiver]]\n"
    "clause = \"pcicommon-dev-15\"\n"
    "reason = \"seen and accepted\"\n"
    "scenario = \"queue-*\"\n"
    "kind = \"register_read\"\n"
    "subject = \"common.queue_*\"\n"
    "field = \"value\"\n"
    "decided_by = \"maintainers\"\n"
    "expires = 2026-06-10\n"
    "versions = [\"7.2\"]\n";

const Difference kDifference{"pcicommon-dev-15", "register_read", "common.queue_size", "value"};
const std::vector<std::string> kQemu = {"Ringside 0.1.0", "QEMU 7.2.22 (Debian) pc-i440fx-7.2"};

Waivers on(year_month_day today) { return Waivers::parse(kOne, "w.toml", today); }

TEST(WaiverTest, CoversWhatItNamesAndCountsIt) {
  Waivers waivers = on(day(2026, 6, 1));
  EXPECT_NE(waivers.match(kDifference, "queue-reset", kQemu), nullptr);
  EXPECT_NE(waivers.match(kDifference, "queue-size", kQemu), nullptr);
  EXPECT_EQ(waivers.all()[0].hits, 2u);
  EXPECT_TRUE(waivers.review(true).failures.empty());
  EXPECT_TRUE(waivers.review(true).warnings.empty());
}

TEST(WaiverTest, CoversNothingElse) {
  Waivers waivers = on(day(2026, 6, 1));
  EXPECT_EQ(waivers.match(kDifference, "read-write", kQemu), nullptr);
  EXPECT_EQ(waivers.match(kDifference, "queue-reset", {"QEMU 10.0.2"}), nullptr);
  EXPECT_EQ(waivers.match(kDifference, "queue-reset", {"QEMU 7.20"}), nullptr);
  for (const auto change : {&Difference::clause, &Difference::kind, &Difference::subject, &Difference::field}) {
    Difference other = kDifference;
    other.*change = "other";
    EXPECT_EQ(waivers.match(other, "queue-reset", kQemu), nullptr);
  }
}

TEST(WaiverTest, ExpiredItWarnsForTwoWeeks) {
  EXPECT_TRUE(on(day(2026, 6, 10)).review(false).warnings.empty()) << "its last day";
  for (const auto today : {day(2026, 6, 11), day(2026, 6, 24)}) {
    Waivers waivers = on(today);
    EXPECT_NE(waivers.match(kDifference, "queue-reset", kQemu), nullptr);
    EXPECT_EQ(waivers.review(true).warnings.size(), 1u);
    EXPECT_TRUE(waivers.review(true).failures.empty());
  }
}

TEST(WaiverTest, ThenItFailsAndCoversNothing) {
  Waivers waivers = on(day(2026, 6, 25));
  EXPECT_EQ(waivers.match(kDifference, "queue-reset", kQemu), nullptr);
  ASSERT_EQ(waivers.review(false).failures.size(), 1u);
  EXPECT_EQ(waivers.review(false).failures[0].rfind("w.toml:1: ", 0), 0u) << waivers.review(false).failures[0];
}

TEST(WaiverTest, OneThatNothingHitFailsACompleteRunOnly) {
  const Waivers waivers = on(day(2026, 6, 1));
  EXPECT_EQ(waivers.review(true, kQemu).failures.size(), 1u);
  EXPECT_TRUE(waivers.review(false, kQemu).failures.empty());
}

TEST(WaiverTest, OneForAnotherVersionNeedNotBeHit) {
  EXPECT_TRUE(on(day(2026, 6, 1)).review(true, {"model", "QEMU 10.0.13 pc-i440fx-7.2"}).failures.empty());
}

TEST(WaiverTest, HitsOfOtherProcessesCount) {
  Waivers waivers = on(day(2026, 6, 1));
  Waivers worker = waivers;
  (void)worker.match(kDifference, "queue-reset", kQemu);
  waivers.add_hits(worker.hits());
  EXPECT_EQ(waivers.all()[0].hits, 1u);
}

std::string refusal(const std::string& text) {
  try {
    (void)Waivers::parse(text, "w.toml", day(2026, 6, 1));
  } catch (const FileError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(WaiverTest, AFileThatIsWrongIsToldWhereAndWhatWasExpected) {
  const std::string rest = "scenario = \"*\"\ndecided_by = \"maintainers\"\nexpires = 2026-06-10\n";
  const struct {
    std::string text;
    std::string where;
    std::string what;
  } cases[] = {
      {"[[waiver]\n", "w.toml:1: ", ""},
      {"\nwaivers = 3\n", "w.toml:2: ", "[[waiver]]"},
      {"[[waiver]]\nclause = \"c\"\nclaws = 1\n" + rest, "w.toml:3: ", "unknown key \"claws\""},
      {"[[waiver]]\nclause = 7\n" + rest, "w.toml:2: ", "expected a string"},
      {"[[waiver]]\nkind = \"check\"\n" + rest, "w.toml:1: ", "clause and reason"},
      {"[[waiver]]\nreason = \"r\"\n" + rest, "w.toml:1: ", "everything"},
      {"[[waiver]]\nclause = \"c\"\nscenario = \"*\"\nexpires = 2026-06-10\n", "w.toml:1: ", "decided_by"},
      {"[[waiver]]\nclause = \"c\"\nscenario = \"*\"\ndecided_by = \"m\"\nexpires = \"soon\"\n", "w.toml:5: ", "date"},
      {"[[waiver]]\nclause = \"c\"\nversions = [1]\n" + rest, "w.toml:3: ", "list of strings"},
      {"[[waiver]]\nclause = f\n" + rest, "w.toml:2: ", "boolean"},
      {"[[waiver]]\nclause = \"c\"\nfield =\xce\x82\"f\"\n" + rest, "w.toml:3: ", "expected plain text"},
      {"\n[# waiver]\n" + rest, "w.toml:2: ", "expected a name behind the '['"},
      {"\n [[ \n" + rest, "w.toml:2: ", "expected a name behind the '['"},
      {"[[waiver]]\n\"a\\nb\" = 1\n" + rest, "w.toml:2: ", "unknown key \"a?b\""},
      {"[[waiver]]\nclause = \"c\"\nsubject = \"*a*a*a*a*\"\n" + rest, "w.toml:3: ", "4 stars"},
  };
  for (const auto& wrong : cases) {
    const std::string message = refusal(wrong.text);
    EXPECT_EQ(message.rfind(wrong.where, 0), 0u) << message;
    EXPECT_NE(message.find(wrong.what), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(WaiverTest, ADirectoryHoldsFilesOfThem) {
  char pattern[] = "/tmp/ringside-waivers-XXXXXX";
  const std::filesystem::path directory = mkdtemp(pattern);
  EXPECT_THROW((void)Waivers::load(directory.string(), day(2026, 6, 1)), FileError) << "there is none in it";
  std::ofstream(directory / "b.toml") << kOne;
  std::ofstream(directory / "a.toml") << "\n" << kOne;
  std::ofstream(directory / "notes.txt") << "nothing";
  const Waivers waivers = Waivers::load(directory.string(), day(2026, 6, 25));
  ASSERT_EQ(waivers.all().size(), 2u);
  EXPECT_EQ(waivers.all()[0].file, directory / "a.toml");
  EXPECT_EQ(waivers.all()[0].line, 2u);
  EXPECT_EQ(waivers.standing(waivers.all()[1]), Waivers::Standing::expired);
  EXPECT_EQ(waivers.review(false).failures[1].rfind((directory / "b.toml:1: ").string(), 0), 0u);
  std::filesystem::remove_all(directory);
}

TEST(WaiverTest, AFileThatIsTooLongIsNotRead) {
  char pattern[] = "/tmp/ringside-waivers-XXXXXX";
  const std::filesystem::path directory = mkdtemp(pattern);
  std::ofstream(directory / "w.toml").flush();
  std::filesystem::resize_file(directory / "w.toml", std::uintmax_t{1} << 40);
  EXPECT_THROW((void)Waivers::load((directory / "w.toml").string(), day(2026, 6, 1)), FileError);
  std::filesystem::remove_all(directory);
}

TEST(WaiverTest, TheProjectsOwnFileIsRight) {
  EXPECT_NO_THROW((void)Waivers::load(RINGSIDE_SOURCE_DIR "/traces/waivers.toml", today()));
  EXPECT_THROW((void)Waivers::load("/nowhere/waivers.toml", today()), FileError);
}

}  // namespace
}  // namespace ringside::trace
