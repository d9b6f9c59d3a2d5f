// The power fails under a driver that writes and flushes: whatever a later power-on finds is what the disk promised.
// What was flushed is there, and each other sector is as one of the writes since left it, whole.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "testbench/faults/plan.h"
#include "testbench/scenarios/data.h"
#include "testbench/targets/target.h"
#include "testbench/trace/memory_log.h"

namespace ringside {
namespace {

using block::kSectorSize;

constexpr std::uint64_t kSectors = 64;
constexpr unsigned kSteps = 24;
constexpr unsigned kDepth = 4;
constexpr unsigned kMostSectors = 4;  // of one write

// What the driver was told. It runs in this process, so it can keep this here; versions count from 1.
struct Promise {
  std::uint32_t flushed = 0;
  std::uint32_t newest = 0;
};
std::array<Promise, kSectors> promises;

void fill_sector(std::uint8_t* data, std::uint64_t sector, std::uint32_t version) {
  scenarios::fill(data, kSectorSize, version == 0 ? 0 : sector * 1'000'003 + version);
}

// Writes that are in flight together touch different sectors; a journal never has it otherwise.
void write_some(block::BlockDevice& disk, scenarios::Random& random, std::uint8_t* data) {
  std::array<block::Request, kDepth> requests{};
  std::array<block::Segment, kDepth> segments{};
  std::array<block::Request*, kDepth> batch{};
  constexpr std::uint64_t kZone = kSectors / kDepth;
  for (unsigned i = 0; i < kDepth; ++i) {
    const std::uint64_t sectors = 1 + random.below(kMostSectors);
    const std::uint64_t first = i * kZone + random.below(kZone - sectors + 1);
    std::uint8_t* const place = data + i * std::size_t{kMostSectors} * kSectorSize;
    for (std::uint64_t sector = 0; sector < sectors; ++sector) {
      fill_sector(place + sector * kSectorSize, first + sector, ++promises[first + sector].newest);
    }
    segments[i] = {place, static_cast<std::uint32_t>(sectors * kSectorSize)};
    requests[i].operation = block::Operation::write;
    requests[i].sector = first;
    requests[i].segments = &segments[i];
    requests[i].segment_count = 1;
    batch[i] = &requests[i];
  }
  EXPECT_EQ(disk.submit(batch.data(), kDepth), kDepth);
  EXPECT_EQ(disk.wait(kDepth), kDepth);
}

void journal(scenarios::Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  scenarios::Buffer data(context, kDepth * kMostSectors * std::size_t{kSectorSize}, 4096);
  for (unsigned step = 0; step < kSteps; ++step) {
    write_some(*disk, context.random(), data.data());
    if (context.random().below(3) == 0 && disk->flush() == block::Status::ok) {
      for (Promise& promise : promises) {
        promise.flushed = promise.newest;
      }
    }
  }
  disk->shutdown();
}
constexpr scenarios::Scenario kJournal{"journal", "writes and flushes", journal};

class PowerCutRun : public testing::Test {
 protected:
  PowerCutRun() {
    std::string name = testing::TempDir() + "ringside-power-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    settings_.disks = {directory_ + "/disk"};
    settings_.write_through = true;
    settings_.tracing = targets::Tracing::off;
  }
  ~PowerCutRun() override { std::filesystem::remove_all(directory_); }

  // The sectors that hold what they may not, after a run that ended at this record.
  std::vector<std::uint64_t> violations_after(std::uint64_t seed, const std::string& text) {
    promises = {};
    std::vector<char> contents(kSectors * kSectorSize);
    for (std::uint64_t sector = 0; sector < kSectors; ++sector) {
      fill_sector(reinterpret_cast<std::uint8_t*>(&contents[sector * kSectorSize]), sector, 0);
    }
    std::ofstream(settings_.disks[0], std::ios::binary).write(contents.data(), static_cast<long>(contents.size()));
    const faults::Plan plan = faults::parse_plan(text, "power.toml");
    settings_.faults = &plan;
    settings_.seed = seed;
    trace::MemoryLog log;
    const targets::RunResult result =
        targets::make_target(targets::TargetSpec::parse("model"), settings_)->run(kJournal, settings_, log);
    EXPECT_EQ(result.outcome, targets::Outcome::held) << result.reason;
    EXPECT_EQ(result.faults.at(0).fired, 1u);
    std::ifstream(settings_.disks[0], std::ios::binary).read(contents.data(), static_cast<long>(contents.size()));
    std::vector<std::uint64_t> wrong;
    for (std::uint64_t sector = 0; sector < kSectors; ++sector) {
      if (!permitted(sector, reinterpret_cast<const std::uint8_t*>(&contents[sector * kSectorSize]))) {
        wrong.push_back(sector);
      }
    }
    return wrong;
  }

 private:
  static bool permitted(std::uint64_t sector, const std::uint8_t* found) {
    std::array<std::uint8_t, kSectorSize> expected{};
    for (std::uint32_t version = promises[sector].flushed; version <= promises[sector].newest; ++version) {
      fill_sector(expected.data(), sector, version);
      if (std::memcmp(expected.data(), found, kSectorSize) == 0) {
        return true;
      }
    }
    return false;
  }

  std::string directory_;
  targets::RunSettings settings_;
};

std::string cut(const char* on, std::uint64_t nth, unsigned percent) {
  return fmt::format("[[fault]]\non = \"{}\"\nnth = {}\naction = \"power-cut\"\nvalue = {}\n", on, nth, percent);
}

// RINGSIDE_CUT_POINTS=10000 for as many; what is here takes a second.
TEST_F(PowerCutRun, EveryStateThatIsFoundLaterIsPermitted) {
  const char* const wanted = std::getenv("RINGSIDE_CUT_POINTS");
  const std::uint64_t points = wanted == nullptr ? 60 : std::strtoull(wanted, nullptr, 10);
  constexpr std::array kPlaces = {"avail_publish", "completion", "doorbell", "request"};
  std::uint64_t violations = 0;
  for (std::uint64_t point = 0; point < points; ++point) {
    const std::uint64_t nth = 1 + point / kPlaces.size() % kSteps;
    const auto percent = static_cast<unsigned>(point % 5 * 25);
    violations += violations_after(point, cut(kPlaces[point % kPlaces.size()], nth, percent)).size();
  }
  EXPECT_EQ(violations, 0u);
}

// A disk that says that it has flushed and has not: the same check finds it.
TEST_F(PowerCutRun, AFlushThatDoesNothingIsFound) {
  std::uint64_t violations = 0;
  for (std::uint64_t nth = 10; nth <= kSteps; nth += 3) {
    violations += violations_after(nth, cut("avail_publish", nth, 0) +
                                            "[[fault]]\non = \"config_read\"\naction = \"media-lost-write\"\n"
                                            "request = \"flush\"\ntimes = 1000\n")
                      .size();
  }
  EXPECT_GT(violations, 0u);
}

}  // namespace
}  // namespace ringside
