// A log as JSON lines.
#include "testbench/trace/jsonl.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "testbench/trace/text.h"

namespace ringside::trace {
namespace {

std::vector<nlohmann::json> lines_of(const std::vector<Record>& log, const LogMetadata& metadata = {}) {
  std::stringstream text;
  JsonlWriter writer(text, metadata);
  for (const Record& record : log) {
    writer.append(record);
  }
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(text, line);) {
    lines.push_back(nlohmann::json::parse(line));
  }
  return lines;
}

TEST(JsonlTest, TheFirstLineSaysTheSchemaAndWhatWasRun) {
  LogMetadata metadata;
  metadata.scenario = "read-write";
  metadata.seed = 3;
  const auto lines = lines_of({}, metadata);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["schema"], "ringside.log/1.2");
  EXPECT_EQ(lines[0]["scenario"], "read-write");
  EXPECT_EQ(lines[0]["seed"], 3);
}

TEST(JsonlTest, EachRecordIsALineWithoutItsZeroes) {
  Record record;
  record.time = 17;
  record.kind = Kind::completion;
  record.tap = Tap::driver;
  record.hash = ~std::uint64_t{0};
  const auto lines = lines_of({record, record});
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[2]["n"], 1);
  EXPECT_EQ(lines[2]["time"], 17);
  EXPECT_EQ(lines[2]["kind"], "completion");
  EXPECT_EQ(lines[2]["tap"], "driver");
  EXPECT_EQ(lines[2]["hash"], ~std::uint64_t{0});
  EXPECT_FALSE(lines[2].contains("value"));
}

TEST(JsonlTest, TextThatIsNoUtf8AndKindsThatAreNotKnownAreStillJson) {
  Record record;
  record.kind = static_cast<Kind>(222);
  const auto lines = lines_of({text_record("quote \" and \xff\n", false), record});
  EXPECT_EQ(lines[1]["text"], "quote \" and \xef\xbf\xbd\n");
  EXPECT_EQ(lines[2]["kind"], 222);
}

}  // namespace
}  // namespace ringside::trace
