// The medium's times, without a device round it.
#include "model/media.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "model/latency_models.h"

namespace ringside::model {
namespace {

constexpr Picoseconds kMicrosecond = 1000 * kPicosecondsPerNanosecond;

Latencies plain(std::uint64_t channels) {
  Latencies latencies;
  latencies.media_read_ns = 10'000;
  latencies.media_write_ns = 20'000;
  latencies.media_flush_ns = 5'000;
  latencies.media_channels = channels;
  return latencies;
}

Media medium(const Latencies& latencies) {
  Media media;
  media.power_on(latencies);
  return media;
}

TEST(Media, EachChannelDoesOneThingAtATime) {
  Media media = medium(plain(2));
  EXPECT_EQ(media.finish(0, MediaWork::read, 100, 512), 10 * kMicrosecond);
  EXPECT_EQ(media.finish(0, MediaWork::write, 200, 512), 20 * kMicrosecond);
  EXPECT_EQ(media.finish(0, MediaWork::read, 300, 512), 20 * kMicrosecond) << "behind the read";
  EXPECT_EQ(media.finish(0, MediaWork::read, 400, 512), 30 * kMicrosecond);
  EXPECT_EQ(media.finish(100 * kMicrosecond, MediaWork::read, 500, 512), 110 * kMicrosecond) << "all idle again";
}

TEST(Media, WithoutChannelsNothingWaits) {
  Media media = medium(plain(0));
  for (std::uint64_t sector = 0; sector < 1000; sector += 2) {
    ASSERT_EQ(media.finish(0, MediaWork::read, sector, 512), 10 * kMicrosecond);
  }
}

// What a flush promises is that the writes before it are done.
TEST(Media, FlushEndsAfterTheWritesBeforeItAndKeepsNothingBack) {
  Media media = medium(plain(1));
  EXPECT_EQ(media.finish(0, MediaWork::flush, 0, 0), 5 * kMicrosecond);
  EXPECT_EQ(media.finish(0, MediaWork::write, 0, 512), 20 * kMicrosecond);
  EXPECT_EQ(media.finish(0, MediaWork::flush, 0, 0), 25 * kMicrosecond);
  EXPECT_EQ(media.finish(0, MediaWork::read, 8, 512), 30 * kMicrosecond);
}

TEST(Media, BandwidthAndPositionCount) {
  Latencies latencies = plain(1);
  latencies.media_position_ns = 1'000'000;
  latencies.media_ps_per_byte = 1000;
  Media media = medium(latencies);
  EXPECT_EQ(media.finish(0, MediaWork::read, 0, 1000 * 512), 522 * kMicrosecond) << "it starts at sector 0";
  const Picoseconds after = 522 * kMicrosecond;
  EXPECT_EQ(media.finish(after, MediaWork::read, 1000, 0) - after, 10 * kMicrosecond) << "where the one before ended";
  EXPECT_EQ(media.finish(1000 * kMicrosecond, MediaWork::read, 0, 0), 2010 * kMicrosecond);
  EXPECT_EQ(mean_media_time(latencies, MediaWork::read, 1000, true), 11 * kMicrosecond);
  EXPECT_EQ(mean_media_time(latencies, MediaWork::read, 1000, false), 1011 * kMicrosecond);
}

std::vector<Picoseconds> jittered(std::uint64_t percent, std::uint64_t seed) {
  Latencies latencies = plain(0);
  latencies.media_jitter_percent = percent;
  latencies.media_seed = seed;
  Media media = medium(latencies);
  std::vector<Picoseconds> times;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    times.push_back(media.finish(0, MediaWork::read, i, 512));
  }
  return times;
}

TEST(Media, JitterStaysRoundItsMeanAndDependsOnTheSeedOnly) {
  const std::vector<Picoseconds> times = jittered(30, 1);
  Picoseconds sum = 0;
  for (const Picoseconds time : times) {
    ASSERT_GE(time, 7 * kMicrosecond);
    ASSERT_LE(time, 13 * kMicrosecond);
    sum += time;
  }
  const double mean = static_cast<double>(sum) / static_cast<double>(times.size() * kMicrosecond);
  EXPECT_NEAR(mean, 10.0, 0.1);
  EXPECT_EQ(times, jittered(30, 1));
  EXPECT_NE(times, jittered(30, 2));
  EXPECT_LT(*std::ranges::min_element(times), 71 * kMicrosecond / 10);
  EXPECT_GT(*std::ranges::max_element(times), 129 * kMicrosecond / 10);
}

TEST(Media, PowerOnForgets) {
  Media media = medium(*latencies_by_name("nvme"));
  const Picoseconds first = media.finish(0, MediaWork::read, 7, 4096);
  for (int i = 0; i < 100; ++i) {
    (void)media.finish(0, MediaWork::write, 9, 4096);
  }
  media.power_on(*latencies_by_name("nvme"));
  EXPECT_EQ(media.finish(0, MediaWork::read, 7, 4096), first);
}

TEST(Media, UnknownModelsHaveNoLatencies) { EXPECT_FALSE(latencies_by_name("floppy")); }

}  // namespace
}  // namespace ringside::model
