// States after a loss of power: what was flushed is there, and of the rest each sector may be or not.
#include "model/power_cut.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

#include "model/ram_storage.h"

namespace ringside::model {
namespace {

constexpr std::uint64_t kSectors = 64;
using Bytes = std::vector<std::uint8_t>;

// A disk that is logged, and the same disk as a power cut leaves it.
struct TwoDisks {
  TwoDisks(std::uint64_t seed, unsigned percent) : cut(after_storage, seed, percent) {}
  void write(std::uint64_t sector, std::uint8_t value, std::uint64_t sectors = 1) {
    const Bytes data(sectors * kSectorBytes, value);
    EXPECT_TRUE(log.write(sector * kSectorBytes, data.data(), data.size()));
  }
  // What a whole sector holds; -1 when it is not all the same.
  int left(std::uint64_t sector) const {
    const auto* const bytes = &after[sector * kSectorBytes];
    return std::memcmp(bytes, bytes + 1, kSectorBytes - 1) == 0 ? bytes[0] : -1;
  }

  Bytes live = Bytes(kSectors * kSectorBytes, 0xee);
  Bytes after = live;
  RamStorage live_storage{live.data()};
  RamStorage after_storage{after.data()};
  PowerCut cut;
  WriteLog log{live_storage, cut};
};

TEST(PowerCut, WhatWasFlushedIsThereWhateverHappensToTheRest) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    TwoDisks disks(seed, 50);
    disks.write(1, 0x11);
    ASSERT_TRUE(disks.log.write_zeroes(2 * kSectorBytes, kSectorBytes));
    ASSERT_TRUE(disks.log.discard(3 * kSectorBytes, kSectorBytes));
    ASSERT_TRUE(disks.log.flush());
    disks.write(1, 0x22);
    disks.write(4, 0x44);
    ASSERT_TRUE(disks.cut.cut());
    EXPECT_TRUE(disks.left(1) == 0x11 || disks.left(1) == 0x22) << disks.left(1);
    EXPECT_EQ(disks.left(2), 0);
    EXPECT_EQ(disks.left(3), 0);
    EXPECT_TRUE(disks.left(4) == 0xee || disks.left(4) == 0x44) << disks.left(4);
  }
}

// All eight states of three unflushed sectors, and every version that one sector went through.
TEST(PowerCut, EveryCombinationOfUnflushedSectorsIsPossible) {
  std::set<std::vector<int>> states;
  std::set<int> versions;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    TwoDisks disks(seed, 50);
    disks.write(10, 0x01, 3);  // one write of three sectors is torn between them
    for (std::uint8_t version = 1; version <= 4; ++version) {
      disks.write(20, version);
    }
    ASSERT_TRUE(disks.cut.cut());
    states.insert({disks.left(10), disks.left(11), disks.left(12)});
    versions.insert(disks.left(20));
  }
  EXPECT_EQ(states.size(), 8u);
  EXPECT_EQ(versions, (std::set<int>{0xee, 1, 2, 3, 4}));
}

TEST(PowerCut, NoneSurvivesOrAllDo) {
  TwoDisks none(1, 0);
  TwoDisks all(1, 100);
  for (TwoDisks* const disks : {&none, &all}) {
    disks->write(0, 1, kSectors / 2);
    ASSERT_TRUE(disks->log.flush());
    disks->write(0, 2, kSectors);
    ASSERT_TRUE(disks->log.discard(0, kSectorBytes));
    ASSERT_TRUE(disks->cut.cut());
  }
  EXPECT_EQ(none.left(0), 1);
  EXPECT_EQ(none.left(kSectors - 1), 0xee);
  EXPECT_EQ(all.after, all.live);
}

TEST(PowerCut, SameSeedSameState) {
  const auto state = [](std::uint64_t seed) {
    TwoDisks disks(seed, 50);
    disks.write(0, 7, kSectors);
    EXPECT_TRUE(disks.cut.cut());
    return disks.after;
  };
  EXPECT_EQ(state(3), state(3));
  EXPECT_NE(state(3), state(4));
}

// A driver may cut a sector into pieces; the disk writes it whole.
TEST(PowerCut, ASectorThatComesInPiecesIsNotTorn) {
  const Bytes data(kSectorBytes, 0x77);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    TwoDisks disks(seed, 50);
    for (std::uint64_t at = 0; at < kSectorBytes; at += 128) {
      ASSERT_TRUE(disks.log.write(5 * kSectorBytes + at, data.data(), 128));
    }
    ASSERT_TRUE(disks.cut.cut());
    EXPECT_NE(disks.left(5), -1);
  }
}

class NeverFlushes final : public Storage {
 public:
  bool read(std::uint64_t, void*, std::uint64_t) override { return true; }
  bool write(std::uint64_t, const void*, std::uint64_t) override { return true; }
  bool write_zeroes(std::uint64_t, std::uint64_t) override { return true; }
  bool flush() override { return false; }
};

TEST(PowerCut, AFlushThatFailedPromisesNothing) {
  Bytes after(kSectors * kSectorBytes, 0xee);
  RamStorage storage(after.data());
  PowerCut cut(storage, 1, 0);
  NeverFlushes disk;
  WriteLog log(disk, cut);
  const Bytes data(kSectorBytes, 1);
  ASSERT_TRUE(log.write(0, data.data(), data.size()));
  EXPECT_FALSE(log.flush());
  ASSERT_TRUE(cut.cut());
  EXPECT_EQ(after[0], 0xee);
}

}  // namespace
}  // namespace ringside::model
