// Logs as files; whatever else somebody may hand over as one.
#include "testbench/trace/log_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

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
  expect_refused("schema 2.1");
}

TEST_F(LogFileTest, AnotherByteOrderIsRefused) {
  write_log(1);
  patch<std::uint32_t>(12, 0x04030201);
  expect_refused("byte order");
}

TEST_F(LogFileTest, ANewerMinorVersionMayHaveKindsThatAreNotKnownHere) {
  write_log(1);
  const std::size_t kind = bytes().size() - sizeof(Record) + offsetof(Record, kind);
  patch<std::uint8_t>(kind, 200);
  expect_refused("kind 200");
  patch<std::uint16_t>(10, kSchemaMinor + 1);
  ASSERT_EQ(read_log_file(path_).records.size(), 1u);
  EXPECT_EQ(static_cast<unsigned>(read_log_file(path_).records[0].kind), 200u);
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
  expect_refused("ends inside record 9");
}

TEST_F(LogFileTest, AnImpossibleTapIsRefused) {
  write_log(1);
  patch<std::uint8_t>(bytes().size() - sizeof(Record) + offsetof(Record, tap), 9);
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
  }
}

}  // namespace
}  // namespace ringside::trace
