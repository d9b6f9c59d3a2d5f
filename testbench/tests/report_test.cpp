// The report's parts: which event stands beside which, what is drawn, and that no text of a log gets out of its place.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "testbench/cli/sharded.h"
#include "testbench/report/alignment.h"
#include "testbench/report/annotations.h"
#include "testbench/report/chapter.h"
#include "testbench/report/figure.h"
#include "testbench/report/flight.h"
#include "testbench/report/page.h"
#include "testbench/report/save_file.h"
#include "testbench/trace/text.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::report {
namespace {

using trace::Kind;
using trace::Record;
using trace::Tap;
using Log = std::vector<Record>;

Record driver_record(Kind kind, std::uint64_t time) {
  Record record;
  record.kind = kind;
  record.tap = Tap::driver;
  record.time = time;
  return record;
}

Record enabled(std::uint64_t time) {
  Record record = driver_record(Kind::queue_enabled, time);
  record.value = 8;
  return record;
}

Record request(std::uint64_t time, std::uint32_t ordinal, std::uint64_t sector = 0) {
  Record record = driver_record(Kind::request, time);
  record.ordinal = ordinal;
  record.offset = sector;
  return record;
}

Record completion(std::uint64_t time, std::uint32_t ordinal) {
  Record record = driver_record(Kind::completion, time);
  record.ordinal = ordinal;
  return record;
}

TEST(Report, EventsThatAreComparedStandBesideEachOther) {
  const Log left{enabled(1), request(2, 0), driver_record(Kind::relax, 3), completion(4, 0)};
  const Log right{enabled(1), driver_record(Kind::relax, 2), request(3, 0), completion(9, 0)};
  const Alignment alignment = align(left, right);
  const auto beside = [&](std::size_t l, std::size_t r) {
    return std::ranges::any_of(alignment.rows, [&](const AlignedRow& row) { return row.left == l && row.right == r; });
  };
  EXPECT_TRUE(beside(0, 0));
  EXPECT_TRUE(beside(1, 2));
  EXPECT_TRUE(beside(3, 3));
  EXPECT_EQ(alignment.rows.size(), 5u);  // three pairs, and a look of each side
  EXPECT_FALSE(alignment.left[1].differs);
}

TEST(Report, WhatDiffersIsMarked) {
  const Log left{enabled(1), request(2, 0, 8)};
  const Log right{enabled(1), request(2, 0, 16)};
  const Alignment alignment = align(left, right);
  ASSERT_EQ(alignment.left[1].index, 1u);
  EXPECT_TRUE(alignment.left[1].differs);
  EXPECT_FALSE(alignment.left[0].differs);
}

// Completions in another order: both logs keep theirs, and the pairs that cross know of each other.
TEST(Report, RowsKeepTheOrderOfBothLogs) {
  const Log left{enabled(1), request(2, 0), request(3, 1), completion(4, 0), completion(5, 1)};
  const Log right{enabled(1), request(2, 0), request(3, 1), completion(4, 1), completion(5, 0)};
  const Alignment alignment = align(left, right);
  for (const auto side : {&AlignedRow::left, &AlignedRow::right}) {
    std::vector<std::size_t> shown;
    for (const AlignedRow& row : alignment.rows) {
      if (row.*side != kNone) {
        shown.push_back(row.*side);
      }
    }
    EXPECT_EQ(shown, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
  }
  EXPECT_EQ(alignment.left[3].index, 4u);
  EXPECT_EQ(alignment.left[4].index, 3u);
}

TEST(Report, TextHasNoRowOfItsOwn) {
  Log log{driver_record(Kind::log_line, 1)};
  trace::split_text(std::string(100, 'x'), [&](const Record& piece) { log.push_back(piece); });
  EXPECT_EQ(align(log, log).rows.size(), 1u);
  EXPECT_EQ(align(log, {}).rows.size(), 1u);
}

TEST(Report, RequestsInFlightAreCountedAndAResetEndsThem) {
  Record reset = driver_record(Kind::device_status, 50);
  const Log log{enabled(1), request(10, 0), request(20, 1), completion(30, 0), reset};
  const Flights flights = flights_of(log);
  ASSERT_EQ(flights.queues.size(), 1u);
  EXPECT_EQ(flights.queues[0].queue, "0.0");
  EXPECT_EQ(flights.queues[0].most, 2u);
  EXPECT_EQ(flights.queues[0].points.back(), (std::pair<std::uint64_t, std::uint64_t>{50, 0}));
  EXPECT_EQ(flights.end, 50u);
}

TEST(Report, ALongRunHasAsManyPointsAsAPageCanDraw) {
  Log log{enabled(0)};
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    log.push_back(request(1000 * i + 1, i));
    log.push_back(completion(1000 * i + 500, i));
  }
  const Flights flights = flights_of(log);
  ASSERT_EQ(flights.queues.size(), 1u);
  EXPECT_LE(flights.queues[0].points.size(), 1000u);
  EXPECT_EQ(flights.queues[0].most, 1u);
  EXPECT_TRUE(std::ranges::is_sorted(flights.queues[0].points, {}, &std::pair<std::uint64_t, std::uint64_t>::first));
}

TEST(Report, AHostileLogGetsNoMoreQueuesThanAPageCanDraw) {
  Log log;
  for (std::uint16_t queue = 0; queue < 1000; ++queue) {
    log.push_back(request(queue, 0));
    log.back().queue = queue;
  }
  const Flights flights = flights_of(log);
  EXPECT_EQ(flights.queues.size() + flights.left_out, 1000u);
  EXPECT_LE(flights.queues.size(), 16u);
}

TEST(Report, TheFigureShowsRequestsThatWereSentBeforeIt) {
  Log log{enabled(0), request(1, 0), request(2, 1)};
  for (std::uint64_t i = 0; i < 200; ++i) {
    log.push_back(driver_record(Kind::relax, 10 + i));
  }
  log.push_back(completion(500, 0));
  const Figure figure = figure_of(log, log.size() - 1);
  ASSERT_EQ(figure.bars.size(), 2u);
  EXPECT_EQ(figure.bars[0].begin, 1u);
  EXPECT_EQ(figure.bars[0].end, 500u);
  EXPECT_FALSE(figure.bars[0].open);
  EXPECT_TRUE(figure.bars[1].open);  // never completed
  EXPECT_EQ(figure.at, 500u);
  EXPECT_LT(figure.marks.size(), 100u);
  EXPECT_EQ(std::ranges::count_if(figure.marks, &FigureMark::here), 1);
}

TEST(Report, AFigureOfNothingIsEmptyAndOneBeyondTheEndIsNot) {
  EXPECT_TRUE(figure_of({}, 7).marks.empty());
  const Log log{enabled(5)};
  EXPECT_EQ(figure_of(log, 7).marks.size(), 1u);
}

Chapter chapter_of(const Log& left, const Log& right, std::size_t most_rows) {
  Chapter chapter;
  chapter.name = "test";
  chapter.verdict = "diverge";
  chapter.sides = {{"left", &left, {}, {}}, {"right", &right, {}, {}}};
  chapter.most_rows = most_rows;
  return chapter;
}

TEST(Report, OnlyRowsRoundTheDivergenceAreInAPageThatWouldBeTooLarge) {
  Log log;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    log.push_back(request(i, i));
  }
  trace::Comparison comparison;
  comparison.divergence.emplace();
  comparison.divergence->left = {true, 3000, 3000, "here"};
  comparison.divergence->right = {true, 3000, 3000, "here"};
  Chapter chapter = chapter_of(log, log, 100);
  chapter.comparison = &comparison;
  const auto json = nlohmann::json::parse(chapter_json(chapter));
  const auto& events = json["events"];
  EXPECT_EQ(events["rows"], 5000);
  EXPECT_EQ(events["shape"].size(), 100u);
  EXPECT_EQ(events["first"], 2950);
  EXPECT_EQ(events["at"], 50);
  EXPECT_EQ(events["left"]["n"][50], 3000);
  EXPECT_EQ(events["right"]["n"][50], 3000);
}

TEST(Report, NoTextOfALogEndsTheScriptOrBecomesMarkup) {
  Log log{driver_record(Kind::log_line, 1)};
  trace::split_text("</script><script>alert(1)</script><!-- \xff @DATA@",
                    [&](const Record& piece) { log.push_back(piece); });
  Chapter chapter = chapter_of(log, log, 100);
  chapter.name = "</script><b>";
  const std::string hostile = "<img src=x onerror=alert(1)>";
  const std::string page = page_of({hostile, hostile, hostile, hostile, {}, {hostile}, {chapter_json(chapter)}});
  EXPECT_EQ(page.find("alert(1)</script>"), std::string::npos);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find("</script><b>"), std::string::npos);
  const auto count = [&](const std::string& what) {
    std::size_t times = 0;
    for (std::size_t at = 0; (at = page.find(what, at)) != std::string::npos; ++at) {
      ++times;
    }
    return times;
  };
  EXPECT_EQ(count("</script>"), 2u);  // the data's and the script's own
}

TEST(Report, ThePageNeedsNothingElse) {
  const std::string page = page_of({"t", "c", "l", "r", {}, {}, {}});
  for (const char* const outside : {"http://", "https://", "//cdn", "@import", "url(", "src="}) {
    const std::size_t at = page.find(outside);
    const bool namespace_of_svg = at != std::string::npos && page.compare(at, 26, "http://www.w3.org/2000/svg") == 0 &&
                                  page.find(outside, at + 1) == std::string::npos;
    EXPECT_TRUE(at == std::string::npos || namespace_of_svg) << outside;
  }
}

TEST(Report, AnnotationsCannotBeBrokenOutOf) {
  EXPECT_EQ(annotation_line({"a,b:c.cpp", "100%: it\nfails", "line 1\r\nline 2, 50%: ::error::x"}),
            "::error file=a%2Cb%3Ac.cpp,title=100%25%3A it%0Afails::line 1%0D%0Aline 2, 50%25: ::error::x\n");
  EXPECT_EQ(annotation_line({"", "t", "m"}), "::error title=t::m\n");
}

TEST(Report, ASaveFileNamesOnlyWhatTheWaveHas) {
  const std::vector<WaveVariable> variables{{"ringside.cpu.state", "string", 1},
                                            {"ringside.disk1.queue2.request", "string", 1},
                                            {"ringside.disk1.queue2.sector", "wire", 64},
                                            {"ringside.disk1.queue2.in_flight", "integer", 32},
                                            {"ringside.disk0.queue0.doorbell", "event", 1}};
  const std::string text = save_file_text({"left.vcd", "a title", 1234, 1000, 2000, 9000, 1, 2}, variables);
  EXPECT_NE(text.find("[dumpfile] \"left.vcd\"\n"), std::string::npos);
  EXPECT_NE(text.find(" 1234 -1"), std::string::npos);
  EXPECT_NE(text.find("\nringside.disk1.queue2.sector[63:0]\n"), std::string::npos);
  EXPECT_NE(text.find("\nringside.disk1.queue2.in_flight\n"), std::string::npos);
  EXPECT_LT(text.find("disk1.queue2"), text.find("disk0.queue0"));  // the event's own queue comes first
  EXPECT_EQ(text.find("msi"), std::string::npos);
}

// GTKWave goes to the beginning of the wave when a save file asks for a window that reaches beyond its end.
TEST(Report, ASaveFileAsksForNoWindowBeyondTheEndOfTheWave) {
  const auto window = [](std::uint64_t marker, std::uint64_t end) {
    const std::string text = save_file_text({"w.vcd", "", marker, marker - 640, marker + 640, end, 0, 0}, {});
    return std::stoull(text.substr(text.find("[timestart] ") + 12));
  };
  constexpr std::uint64_t kShown = 5 * 512;  // five times 200 pixels
  EXPECT_EQ(window(100'000, 1'000'000), 100'000 - kShown / 2);
  EXPECT_LT(window(100'000, 100'000), 100'000 - kShown);
  EXPECT_GT(window(100'000, 100'000), 100'000 - 2 * kShown);
  EXPECT_EQ(window(640, 640), 0u);
}

using cli::Shard;

TEST(Report, ShardsAreDisjointCompleteAndIndependentOfOrder) {
  std::vector<std::string> names;
  for (int i = 0; i < 61; ++i) {
    names.push_back("scenario-" + std::to_string(i * 37 % 61));
  }
  std::vector<std::string> backwards(names.rbegin(), names.rend());
  const auto self = [](const std::string& name) { return name; };
  std::vector<std::string> together;
  for (std::size_t number = 1; number <= 7; ++number) {
    std::vector<std::string> part = cli::sharded(names, Shard{number, 7}, self);
    std::vector<std::string> other = cli::sharded(backwards, Shard{number, 7}, self);
    EXPECT_NEAR(static_cast<double>(part.size()), 61.0 / 7, 1.0);
    EXPECT_TRUE(std::ranges::equal(part, std::vector(other.rbegin(), other.rend())));
    together.insert(together.end(), part.begin(), part.end());
  }
  std::ranges::sort(together);
  std::ranges::sort(names);
  EXPECT_EQ(together, names);
  EXPECT_THROW((void)cli::sharded(std::vector<std::string>{"one"}, Shard{2, 2}, self), targets::InputError);
}

}  // namespace
}  // namespace ringside::report
