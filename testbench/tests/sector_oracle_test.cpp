// What a sector may hold: the oracle of campaigns must let through what a block device may do, and nothing else.
#include "testbench/scenarios/sector_oracle.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "driver/block/block_device.h"
#include "testbench/scenarios/data.h"

namespace ringside::scenarios {
namespace {

using Sector = std::array<std::uint8_t, block::kSectorSize>;
using Write = SectorOracle::Write;
using Contents = SectorOracle::Contents;

constexpr std::uint64_t kSeed = 99;
constexpr std::uint64_t kPlace = 7;

class SectorOracleTest : public testing::Test {
 protected:
  [[nodiscard]] Sector data_of(Write write, std::uint64_t sector = kPlace) const {
    Sector data{};
    oracle_->fill_sector(data.data(), write, sector);
    return data;
  }
  [[nodiscard]] static Sector pristine() {
    Sector data{};
    fill(data.data(), data.size(), kSeed + kPlace * 64 * 0x9e37'79b9'7f4a'7c15);
    return data;
  }
  [[nodiscard]] bool allows(const Sector& data, std::uint32_t since) const {
    return oracle_->allows(kPlace, data.data(), since);
  }
  [[nodiscard]] bool allows(const Sector& data) const { return allows(data, oracle_->now()); }
  Write begin(Contents contents = Contents::data) { return oracle_->begin(kPlace, 1, contents); }

  std::unique_ptr<SectorOracle> oracle_ = std::make_unique<SectorOracle>(kSeed);
};

TEST_F(SectorOracleTest, UntouchedSectorsAreAsTheDiskWasMade) {
  EXPECT_TRUE(allows(pristine()));
  EXPECT_FALSE(allows(Sector{}));
}

TEST_F(SectorOracleTest, TheLastCompletedWriteIsThere) {
  const Write first = begin();
  oracle_->end(first, true);
  EXPECT_TRUE(allows(data_of(first)));
  EXPECT_FALSE(allows(pristine()));
  const Write second = begin();
  oracle_->end(second, true);
  EXPECT_TRUE(allows(data_of(second)));
  EXPECT_FALSE(allows(data_of(first)));
  EXPECT_FALSE(allows(data_of(second, kPlace + 1))) << "another sector of the same write";
}

TEST_F(SectorOracleTest, AWriteInFlightMayBeThereOrNot) {
  const Write write = begin();
  EXPECT_TRUE(allows(pristine()));
  EXPECT_TRUE(allows(data_of(write)));
}

TEST_F(SectorOracleTest, AFailedWriteMayBeThereUntilTheNextThatSucceeds) {
  const Write failed = begin();
  oracle_->end(failed, false);
  EXPECT_TRUE(allows(pristine()));
  EXPECT_TRUE(allows(data_of(failed)));
  const Write good = begin();
  oracle_->end(good, true);
  EXPECT_FALSE(allows(data_of(failed)));
  EXPECT_FALSE(allows(pristine()));
}

TEST_F(SectorOracleTest, OfWritesThatWereInFlightTogetherAnyMayBeTheLast) {
  const Write one = begin();
  const Write other = begin();
  oracle_->end(one, true);
  oracle_->end(other, true);
  EXPECT_TRUE(allows(data_of(one)));
  EXPECT_TRUE(allows(data_of(other)));
  EXPECT_FALSE(allows(pristine()));
}

TEST_F(SectorOracleTest, AReadMayFindWhatWasThereWhenItWasSent) {
  const std::uint32_t sent = oracle_->now();
  oracle_->forget_before(sent);
  const Write write = begin();
  oracle_->end(write, true);
  EXPECT_TRUE(allows(pristine(), sent));
  EXPECT_TRUE(allows(data_of(write), sent));
  EXPECT_FALSE(allows(pristine()));
}

TEST_F(SectorOracleTest, ZeroesAndDiscardedSectors) {
  oracle_->end(begin(Contents::zeroes), true);
  EXPECT_TRUE(allows(Sector{}));
  EXPECT_FALSE(allows(pristine()));
  oracle_->end(begin(Contents::anything), true);
  EXPECT_TRUE(allows(pristine())) << "nothing is promised of a discarded sector";
}

TEST_F(SectorOracleTest, KnowsHowFarItWasChanged) {
  EXPECT_EQ(oracle_->changed_end(), 0u);
  static_cast<void>(begin());
  static_cast<void>(oracle_->begin(2, 3, Contents::zeroes));
  EXPECT_EQ(oracle_->changed_end(), kPlace + 1);
  static_cast<void>(oracle_->begin(SectorOracle::kSectors + 9, 1, Contents::data));
  EXPECT_EQ(oracle_->changed_end(), kPlace + 1) << "what is not followed does not count";
}

TEST_F(SectorOracleTest, ManyWritesInARowAreForgottenInTime) {
  Write last = 0;
  for (unsigned i = 0; i < 100; ++i) {
    last = begin();
    oracle_->end(last, true);
    oracle_->forget_before(oracle_->now());
  }
  EXPECT_TRUE(allows(data_of(last)));
  EXPECT_FALSE(allows(data_of(static_cast<Write>(last - 1)))) << "it still knows";
}

TEST_F(SectorOracleTest, MoreThanItCanFollowItLetsPass) {
  for (unsigned i = 0; i < 20; ++i) {
    static_cast<void>(begin());
  }
  EXPECT_TRUE(allows(Sector{}));
  for (unsigned i = 0; i < SectorOracle::kMostWrites; ++i) {
    oracle_->end(oracle_->begin(0, 1, Contents::data), true);
  }
  EXPECT_EQ(oracle_->begin(0, 1, Contents::data), 0);
  EXPECT_EQ(oracle_->begin(SectorOracle::kSectors + 5, 1, Contents::data), 0) << "behind what is followed, too";
}

}  // namespace
}  // namespace ringside::scenarios
