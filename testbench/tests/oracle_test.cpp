// What a disk must hold, as far as a log tells it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testbench/checks/block_oracle.h"
#include "testbench/tests/monitor_log.h"
#include "testbench/trace/hash.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr std::uint16_t kIn = VIRTIO_BLK_T_IN;
constexpr std::uint16_t kOut = VIRTIO_BLK_T_OUT;
constexpr std::uint16_t kZeroes = VIRTIO_BLK_T_WRITE_ZEROES;
constexpr std::uint16_t kDiscard = VIRTIO_BLK_T_DISCARD;
constexpr std::uint64_t kOld = 0x1111;
constexpr std::uint64_t kNew = 0x2222;

const std::vector<std::string> kNone;
const std::vector<std::string> kWrongContents{"device 5.2.6.2"};
const std::vector<std::string> kNotZero{"device blkop-dev-09"};

std::uint64_t hash_of_zeroes(std::size_t bytes) {
  const std::vector<std::uint8_t> zeroes(bytes);
  return hash_bytes(zeroes.data(), zeroes.size());
}

class Oracle : public testing::Test {
 protected:
  Oracle() { log.bring_up(); }
  HandLog log;
};

TEST_F(Oracle, ReadsBackWhatWasWritten) {
  log.perform(kOut, 8, 4096, kNew);
  log.perform(kIn, 8, 4096, kNew);
  EXPECT_EQ(log.broken(), kNone);
}

TEST_F(Oracle, OtherContentsAreWrongAndBothRecordsAreNamed) {
  log.perform(kOut, 8, 4096, kNew);
  const std::size_t written = log.records.size() - 1;
  log.perform(kIn, 8, 4096, kOld);
  const std::size_t read = log.records.size() - 1;
  const std::vector<Violation> violations = run_monitors(log.records);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].index, read);
  EXPECT_NE(violations[0].text.find("record " + std::to_string(read)), std::string::npos);
  EXPECT_NE(violations[0].text.find("record " + std::to_string(written)), std::string::npos);
}

TEST_F(Oracle, LostWriteIsFound) {
  log.perform(kOut, 8, 512, kOld);
  log.perform(kOut, 8, 512, kNew);
  log.perform(kIn, 8, 512, kOld);
  EXPECT_EQ(log.broken(), kWrongContents);
}

TEST_F(Oracle, ContentsSurviveAReset) {
  log.perform(kOut, 8, 512, kNew);
  log.bring_up();
  log.available = log.used = 0;
  log.next_request = 0;
  log.perform(kIn, 8, 512, kOld);
  EXPECT_EQ(log.broken(), kWrongContents);
}

TEST_F(Oracle, OtherExtentsSayNothing) {
  log.perform(kOut, 8, 4096, kNew);
  log.perform(kIn, 8, 512, kOld);
  log.perform(kIn, 7, 4096, kOld);
  log.perform(kOut, 15, 512, kOld);  // now nothing is known of the rest
  log.perform(kIn, 8, 4096, kOld);
  EXPECT_EQ(log.broken(), kNone);
}

TEST_F(Oracle, WriteZeroesMakesZeroAlsoInPart) {
  log.perform_range(kZeroes, 100, 64);
  log.perform(kIn, 100, 64 * 512, hash_of_zeroes(64 * 512));
  log.perform(kIn, 110, 1024, hash_of_zeroes(1024));
  log.perform(kOut, 120, 512, kNew);
  log.perform(kIn, 121, 512, hash_of_zeroes(512));
  EXPECT_EQ(log.broken(), kNone);
  log.perform(kIn, 119, 512, kOld);
  EXPECT_EQ(log.broken(), kNotZero);
}

TEST_F(Oracle, DiscardMakesUnknown) {
  log.perform(kOut, 8, 512, kNew);
  log.perform_range(kDiscard, 0, 64);
  log.perform(kIn, 8, 512, kOld);
  EXPECT_EQ(log.broken(), kNone);
}

TEST_F(Oracle, FailedWriteMakesUnknown) {
  log.perform(kOut, 8, 512, kOld);
  log.publish();
  const std::uint32_t failed = log.request(kOut, 8, 512, kNew).ordinal;
  log.look();
  log.completion(failed, kOut, 0, 1);
  log.perform(kIn, 8, 512, 0x3333);
  EXPECT_EQ(log.broken(), kNone);
}

TEST_F(Oracle, NothingIsClaimedOfWritesInFlightTogether) {
  log.publish(2);
  const std::uint32_t first = log.request(kOut, 8, 512, kOld).ordinal;
  const std::uint32_t second = log.request(kOut, 8, 512, kNew).ordinal;
  log.look(2);
  log.completion(first, kOut);
  log.completion(second, kOut);
  log.perform(kIn, 8, 512, kOld);
  EXPECT_EQ(log.broken(), kNone);
}

TEST_F(Oracle, NothingIsClaimedOfAReadBesideAWrite) {
  log.perform(kOut, 8, 512, kOld);
  log.publish(2);
  const std::uint32_t read = log.request(kIn, 8, 512).ordinal;
  const std::uint32_t write = log.request(kOut, 8, 512, kNew).ordinal;
  log.look(2);
  log.completion(write, kOut);
  log.completion(read, kIn, kNew);
  EXPECT_EQ(log.broken(), kNone);
  log.perform(kIn, 8, 512, kOld);
  EXPECT_EQ(log.broken(), kWrongContents) << "but the write is known once it is done";
}

TEST(OracleContents, ForgetsTheLowestBeyondItsLimit) {
  DiskContents contents;
  for (std::uint64_t i = 0; i < DiskContents::kMaxExtents + 10; ++i) {
    contents.learn({i, i + 1}, {false, i, 0});
  }
  EXPECT_FALSE(contents.expected({9, 10}).has_value());
  EXPECT_TRUE(contents.expected({10, 11}).has_value());
}

TEST(OracleContents, ZeroesKeepWhatIsNotOverwritten) {
  DiskContents contents;
  contents.learn({10, 20}, {true, 0, 0});
  contents.forget({13, 15});
  EXPECT_TRUE(contents.expected({10, 13}).has_value());
  EXPECT_FALSE(contents.expected({12, 14}).has_value());
  EXPECT_TRUE(contents.expected({15, 20}).has_value());
  contents.forget({0, 100});
  EXPECT_FALSE(contents.expected({15, 20}).has_value());
}

}  // namespace
}  // namespace ringside::checks
