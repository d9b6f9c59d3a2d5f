// Logs as files; whatever else somebody may hand over as one.
#include "testbench/trace/log_file.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <vector>

#include "testbench/trace/text.h"

namespace ringside::trace {
namespace {

class LogFileTest : public ::testing::Test {
 protected:
  LogFileTest() {
    char pattern[] = "/tmp/ringside-log-XXXXXX";
    directory_ = mkdtemp(pattern);
    path_ = directory_ + "/run.rlog";
  }
  ~LogFileTest() override { std::filesystem::remove_all(directory_); }

  void write_log(std::size_t records) {
    LogMetadata metadata;
    metadata.scenario = "read-write";
    metadata.identity = "model \xff";  // not UTF-8
    metadata.seed = 7;
    metadata.settings = {{"latency", "5"}};
    LogFileWriter writer(path_, metadata);
    for (std::size_t i = 0; i < records; ++i) {
      Record record;
      record.time = i;
      record.kind = Kind::relax;
      writer.append(record);
    }
    writer.close();
  }

  void write_records(const std::vector<Record>& records) {
    LogFileWriter writer(path_, {});
    for (const Record& record : records) {
      writer.append(record);
    }
    writer.close();
  }

  std::string bytes() {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void put(const std::string& bytes) {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  // The log with one field of its header changed.
  template <class T>
  void patch(std::size_t offset, T value) {
    std::string content = bytes();
    std::memcpy(content.data() + offset, &value, sizeof value);
    put(content);
  }
  std::string refusal() {
    try {
      (void)read_log_file(path_);
    } catch (const FileError& error) {
      return error.what();
    }
    return "read";
  }
  void expect_refused(const std::string& why) {
    const std::string message = refusal();
    EXPECT_NE(message.find(why), std::string::npos) << message;
    EXPECT_EQ(message.rfind(path_, 0), 0u) << "names the file: " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << "is one line";
  }

  std::string directory_;
  std::string path_;
};

TEST_F(LogFileTest, ComesBackAsItWasWritten) {
  write_log(10'000);
  const LogFile log = read_log_file(path_);
  EXPECT_EQ(log.metadata.scenario, "read-write");
  EXPECT_EQ(log.metadata.seed, 7u);
  EXPECT_EQ(log.metadata.settings.at("latency"), "5");
  EXPECT_FALSE(log.metadata.ringside_version.empty());
  ASSERT_EQ(log.records.size(), 10'000u);
  EXPECT_EQ(log.records[9'999].time, 9'999u);
  EXPECT_EQ(log.records[9'999].kind, Kind::relax);
}

TEST_F(LogFileTest, HoweverManyComeAtOnceTheFileIsTheSame) {
  std::vector<Record> records(20'000);
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].time = i;
    records[i].kind = Kind::relax;
  }
  write_records(records);
  const std::string one_by_one = bytes();
  const std::span<const Record> all = records;
  LogFileWriter writer(path_, {});
  writer.append_all(all.first(10));
  writer.append(all[10]);
  writer.append_all(all.subspan(11, 9'000));  // past what is kept back
  writer.append(all[9'011]);
  writer.append_all(all.subspan(9'012));
  writer.close();
  EXPECT_TRUE(bytes() == one_by_one);
}

TEST_F(LogFileTest, AnEmptyRunIsALog) {
  write_log(0);
  EXPECT_TRUE(read_log_file(path_).records.empty());
}

TEST_F(LogFileTest, WhatIsNoLogIsRefused) {
  put("");
  expect_refused("0 bytes");
  put(std::string(4096, 'x'));
  expect_refused("not a log");
  std::filesystem::remove(path_);
  expect_refused("No such file");
  std::filesystem::create_directory(path_);
  expect_refused("not a regular file");
}

TEST_F(LogFileTest, AnotherMajorVersionIsRefused) {
  write_log(1);
  patch<std::uint16_t>(8, kSchemaMajor + 1);
  expect_refused(fmt::format("schema {}.{}; this version reads", kSchemaMajor + 1, kSchemaMinor));
}

// Any bit of it, wherever it is. The last record of the file is not covered by its own hash, but for its time every
// field of it means something.
TEST_F(LogFileTest, AnyBitThatIsNotAsWrittenIsNoticed) {
  write_log(2);
  const std::string whole = bytes();
  for (std::size_t at = 0; at < whole.size() - sizeof(Record); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1 << at % 8);
    put(damaged);
    EXPECT_NE(refusal(), "read") << "byte " << at;
  }
  put(whole);
  patch<std::uint64_t>(whole.size() - sizeof(Record) + offsetof(Record, hash), 7);
  expect_refused("damaged");
}

TEST_F(LogFileTest, ALogThatWasCutBetweenRecordsIsRefused) {
  write_log(10);
  const std::string whole = bytes();
  put(whole.substr(0, whole.size() - 3 * sizeof(Record)));
  expect_refused("ends with record 8 without saying so");
  EXPECT_EQ(read_log_file(path_, Ending::optional).records.size(), 8u) << "but can be read by who says so";
  put(whole.substr(0, whole.size() - 3 * sizeof(Record)) + whole.substr(whole.size() - sizeof(Record)));
  expect_refused("has 8 records and says 10");
  put(whole + std::string(sizeof(Record), '\0'));
  expect_refused("without saying so");
}

TEST_F(LogFileTest, AnEndInTheMiddleIsRefused) {
  write_log(1);
  const std::string whole = bytes();
  put(whole + whole.substr(whole.size() - sizeof(Record)));
  expect_refused("something is missing");
  patch<std::uint64_t>(whole.size() + offsetof(Record, value), 2);
  expect_refused("the end of a log, and more behind it");
}

TEST_F(LogFileTest, AnOlderMinorVersionHasNoEnd) {
  write_log(2);
  const std::string whole = bytes();
  put(whole.substr(0, whole.size() - sizeof(Record)));
  patch<std::uint16_t>(10, 1);
  EXPECT_EQ(read_log_file(path_).records.size(), 2u);
}

TEST_F(LogFileTest, ATextWithoutItsEndIsRefused) {
  Record piece;
  piece.kind = Kind::text;
  piece.flags = kTextMore;
  piece.width = kTextPayload;
  Record other;
  other.kind = Kind::relax;
  write_records({piece});
  expect_refused("ends inside a text");
  write_records({piece, other});
  expect_refused("record 1: kind 37 inside a text");
  piece.flags = 0;
  piece.width = kTextPayload + 1;
  write_records({piece});
  expect_refused("record 0: a text of 41 bytes");
}

TEST_F(LogFileTest, AnotherByteOrderIsRefused) {
  write_log(1);
  patch<std::uint32_t>(12, 0x04030201);
  expect_refused("byte order");
}

TEST_F(LogFileTest, ANewerMinorVersionMayHaveKindsThatAreNotKnownHere) {
  write_log(1);
  put(bytes().substr(0, bytes().size() - sizeof(Record)));  // without the end, which would tell of the changes
  const std::size_t kind = bytes().size() - sizeof(Record) + offsetof(Record, kind);
  patch<std::uint8_t>(kind, 200);
  EXPECT_THROW((void)read_log_file(path_, Ending::optional), FileError);
  patch<std::uint16_t>(10, kSchemaMinor + 1);
  const LogFile log = read_log_file(path_, Ending::optional);
  ASSERT_EQ(log.records.size(), 1u);
  EXPECT_EQ(static_cast<unsigned>(log.records[0].kind), 200u);
}

TEST_F(LogFileTest, MetadataThatDoesNotFitIsRefused) {
  write_log(1);
  patch<std::uint32_t>(20, 0xffff'ffff);
  expect_refused("does not fit");
  patch<std::uint32_t>(20, 0x7f'ffe8);
  expect_refused("does not fit");
}

TEST_F(LogFileTest, MetadataThatIsNoJsonIsRefused) {
  write_log(1);
  patch<std::uint32_t>(24, 0x21212121);
  expect_refused("bad metadata");
}

TEST_F(LogFileTest, ALogThatWasCutShortIsRefused) {
  write_log(10);
  put(bytes().substr(0, bytes().size() - 5));
  expect_refused("ends inside record 10");
}

TEST_F(LogFileTest, AnImpossibleTapIsRefused) {
  write_log(1);
  patch<std::uint8_t>(bytes().size() - 2 * sizeof(Record) + offsetof(Record, tap), 9);
  expect_refused("record 0: tap 9");
}

TEST_F(LogFileTest, ASparseGiantIsRefusedWithoutReadingIt) {
  write_log(0);
  std::filesystem::resize_file(path_, bytes().size() + (std::uintmax_t{1} << 40));
  expect_refused("at most");
}

TEST_F(LogFileTest, EveryPrefixIsReadOrRefused) {
  write_log(2);
  const std::string whole = bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put(whole.substr(0, size));
    (void)refusal();
  }
}

TEST_F(LogFileTest, WhatCannotBeWrittenIsToldInTheEnd) {
  EXPECT_THROW(LogFileWriter(directory_ + "/none/run.rlog", {}), FileError);
  if (std::filesystem::exists("/dev/full")) {
    LogFileWriter writer("/dev/full", {});
    EXPECT_THROW(writer.close(), FileError);
    LogFileWriter many("/dev/full", {});
    many.append_all(std::vector<Record>(100'000));
    EXPECT_THROW(many.close(), FileError);
  }
}

}  // namespace
}  // namespace ringside::trace
