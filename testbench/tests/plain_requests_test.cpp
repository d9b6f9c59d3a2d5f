// The short way of plain requests: what it lets through is what the long way would, and what it sends is right.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "driver/block/direct_dma.h"
#include "driver/block/virtio_rules.h"
#include "testbench/targets/target.h"
#include "testbench/trace/memory_log.h"

namespace ringside::tests {
namespace {

using block::Operation;
using block::Status;

// Numbers near every bound, the one where sums wrap among them.
std::uint64_t near_bounds(std::mt19937_64& random, std::uint64_t sectors) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t bounds[] = {0, sectors, sectors / 2, kMost, kMost / 512, std::uint64_t{1} << 55};
  return bounds[random() % std::size(bounds)] + random() % 33 - 16;
}

TEST(PlainRequests, AreThoseThatMayBeSent) {
  std::mt19937_64 random(7);
  char data[1];
  unsigned plain = 0;
  for (unsigned i = 0; i < 200'000; ++i) {
    block::DiskInfo info;
    info.sectors = random() % 4 == 0 ? random() >> (9 + random() % 55) : 4096;  // fewer than 2^64 bytes
    info.block_size = 512u << random() % 4;
    info.max_segment_size = random() % 2 == 0 ? 0xffff'ffff : 8192;
    const std::uint64_t bytes = random() % 3 == 0 ? random() % 20'000 : 512 * (random() % 40);
    const block::Segment segment{data, static_cast<std::uint32_t>(bytes)};
    block::Request request;
    request.operation = random() % 2 == 0 ? Operation::read : Operation::write;
    request.sector = near_bounds(random, info.sectors);
    request.segments = &segment;
    request.segment_count = 1;
    const block::PlainLimits limits(info, 0xffff'ffff);
    const bool allowed = block::verdict_on(info, request) == Status::ok;
    ASSERT_EQ(block::is_plain(limits, request), allowed)
        << "sector " << request.sector << ", " << bytes << " bytes of " << info.sectors << " sectors";
    plain += allowed ? 1 : 0;
  }
  EXPECT_GT(plain, 1000u);
}

TEST(PlainRequests, HaveOneSegmentWithinTheCallersBound) {
  block::DiskInfo info;
  info.sectors = 64;
  char data[1];
  const block::Segment segments[] = {{data, 1024}, {data, 1024}};
  block::Request request;
  request.segments = segments;
  request.segment_count = 1;
  EXPECT_TRUE(block::is_plain(block::PlainLimits(info, 1024), request));
  EXPECT_FALSE(block::is_plain(block::PlainLimits(info, 1023), request));
  request.segment_count = 2;
  EXPECT_FALSE(block::is_plain(block::PlainLimits(info, 4096), request));
  request.segment_count = 1;
  request.segments = nullptr;
  EXPECT_FALSE(block::is_plain(block::PlainLimits(info, 4096), request));
}

TEST(DirectDma, KnowsWhatLiesInIt) {
  alignas(64) static char memory[256];
  const block::DirectDma direct({memory, hal::BusAddress{0x10000}, sizeof(memory)});
  EXPECT_EQ(direct.address_of(memory, 256), hal::BusAddress{0x10000});
  EXPECT_EQ(direct.address_of(memory + 200, 56), hal::BusAddress{0x10000 + 200});
  EXPECT_EQ(direct.address_of(memory + 200, 57), hal::kInvalidBusAddress);
  EXPECT_EQ(direct.address_of(memory, 257), hal::kInvalidBusAddress);
  EXPECT_EQ(direct.address_of(memory - 1, 2), hal::kInvalidBusAddress);
  EXPECT_EQ(direct.address_of(nullptr, 1), hal::kInvalidBusAddress);
  EXPECT_FALSE(block::DirectDma().present());
  EXPECT_EQ(block::DirectDma().address_of(memory, 1), hal::kInvalidBusAddress);
}

// A guest without the tap is where nothing is mapped, so that plain requests go the short way; the scenarios look at
// the data themselves.
class GuestUntraced : public ::testing::TestWithParam<const char*> {};

TEST_P(GuestUntraced, ScenarioHolds) {
  targets::RunSettings settings;
  settings.tracing = targets::Tracing::off;
  trace::MemoryLog log;
  for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
    if (std::string(scenario.name) != GetParam()) {
      continue;
    }
    try {
      const targets::RunResult result =
          targets::make_target(targets::TargetSpec::parse("guest"), settings)->run(scenario, settings, log);
      EXPECT_EQ(result.outcome, targets::Outcome::held) << result.reason;
    } catch (const targets::LackingError& lacking) {
      GTEST_SKIP() << lacking.what();
    }
    return;
  }
  FAIL() << "there is no such scenario";
}

INSTANTIATE_TEST_SUITE_P(Scenarios, GuestUntraced,
                         ::testing::Values("read-write", "scatter-gather", "batch", "small-ring-wrap", "refused",
                                           "polled", "packed", "multi-queue", "bounce", "split-large"));

}  // namespace
}  // namespace ringside::tests
