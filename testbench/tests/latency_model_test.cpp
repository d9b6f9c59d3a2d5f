// A million requests under each latency model: what they take in simulated time is what a closed form says, and the
// last hundred thousand take what the first did. And requests overtake each other where the medium has channels.
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "driver/block/block_device.h"
#include "model/latency_models.h"
#include "model/media.h"
#include "model/virtio.h"
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

constexpr unsigned kRequests = 1'000'000;
constexpr unsigned kPart = 100'000;
constexpr unsigned kDepth = 32;
constexpr std::uint32_t kBytes = 4096;

// What one request takes when there are always more of them waiting: the slowest stage counts. The media serve
// `channels` at a time; the link carries data, status byte, used element, used index, and the look at what the driver
// wants of interrupts.
double closed_form_ns(const model::Latencies& latencies) {
  const double media = static_cast<double>(model::mean_media_time(latencies, model::MediaWork::read, kBytes, false));
  const double channels = static_cast<double>(latencies.media_channels == 0 ? kDepth : latencies.media_channels);
  const double link = static_cast<double>(latencies.dma(kBytes) + latencies.dma(1) + latencies.dma(8) +
                                          latencies.dma(2) + latencies.dma(2));
  return std::max(media / channels, link) / static_cast<double>(model::kPicosecondsPerNanosecond);
}

// A program is a plain function: what it is to do, and what it found, stand here.
std::vector<std::uint64_t> part_times;

struct Stream {
  scenarios::Random random{1};
  std::vector<block::Request> requests = std::vector<block::Request>(kDepth);
  std::vector<block::Request*> idle;
  unsigned failed = 0;
};

void done(block::Request& request) {
  Stream& stream = *static_cast<Stream*>(request.user);
  stream.failed += request.status == block::Status::ok ? 0 : 1;
  stream.idle.push_back(&request);
}

// As soon as some are complete, as many more are sent: there are always kDepth in flight.
void read_a_million(scenarios::Context& context) {
  hal::Machine& machine = context.machine();
  block::BlockDevice* const disk = context.open();
  ASSERT_NE(disk, nullptr);
  const hal::DmaBuffer memory = machine.alloc_dma_buffer(kDepth * std::size_t{kBytes}, 4096);
  Stream stream;
  std::vector<block::Segment> segments(kDepth);
  for (unsigned i = 0; i < kDepth; ++i) {
    segments[i] = {static_cast<std::uint8_t*>(memory.cpu) + i * std::size_t{kBytes}, kBytes};
    stream.requests[i].segments = &segments[i];
    stream.requests[i].segment_count = 1;
    stream.requests[i].done = done;
    stream.requests[i].user = &stream;
    stream.idle.push_back(&stream.requests[i]);
  }
  const std::uint64_t places = disk->info().sectors / (kBytes / block::kSectorSize);
  part_times.assign(1, machine.now());
  unsigned completed = 0;
  while (completed < kRequests && stream.failed == 0) {
    for (block::Request* const request : stream.idle) {
      request->sector = stream.random.below(places) * (kBytes / block::kSectorSize);
    }
    ASSERT_EQ(disk->submit(stream.idle.data(), stream.idle.size()), stream.idle.size());
    stream.idle.clear();
    ASSERT_NE(disk->wait(1), 0u);
    completed += static_cast<unsigned>(stream.idle.size());
    if (completed >= part_times.size() * kPart) {
      part_times.push_back(machine.now());
    }
  }
  EXPECT_EQ(stream.failed, 0u);
  disk->shutdown();
}

void expect_closed_form(const char* latency_model) {
  targets::RunSettings settings;
  settings.tracing = targets::Tracing::off;
  settings.values["latency.model"] = latency_model;
  const auto target = targets::make_model_target(targets::TargetSpec::parse("model"), settings);
  trace::MemoryLog log;
  const scenarios::Scenario scenario{"throughput", "", read_a_million};
  const targets::RunResult result = target->run(scenario, settings, log);
  ASSERT_EQ(result.outcome, targets::Outcome::held) << result.reason;
  ASSERT_EQ(part_times.size(), kRequests / kPart + 1);
  const auto duration = [](std::size_t from, std::size_t to) {
    return static_cast<double>(part_times[to] - part_times[from]);
  };
  const double expected = closed_form_ns(*model::latencies_by_name(latency_model));
  const double each = duration(0, kRequests / kPart) / kRequests;
  const double first = duration(0, 1) / kPart;
  const double last = duration(kRequests / kPart - 1, kRequests / kPart) / kPart;
  EXPECT_NEAR(each / expected, 1.0, 0.01) << each << " ns each, " << expected << " ns expected";
  EXPECT_NEAR(last / first, 1.0, 0.01) << first << " ns each at first, " << last << " ns at last";
}

TEST(ModelThroughput, Instant) { expect_closed_form("instant"); }
TEST(ModelThroughput, Nvme) { expect_closed_form("nvme"); }
TEST(ModelThroughput, Disk) { expect_closed_form("disk"); }

// How many requests of the scenario completed after one that was fetched later.
unsigned overtaken(const char* latency_model) {
  targets::RunSettings settings;
  settings.values["latency.model"] = latency_model;
  trace::MemoryLog log;
  for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
    if (std::string_view(scenario.name) == "out-of-order") {
      const auto target = targets::make_model_target(targets::TargetSpec::parse("model"), settings);
      EXPECT_EQ(target->run(scenario, settings, log).outcome, targets::Outcome::held);
    }
  }
  unsigned count = 0;
  std::uint32_t latest = 0;
  for (const trace::Record& record : log.take()) {
    if (record.kind == trace::Kind::dev_complete) {
      count += record.ordinal < latest ? 1 : 0;
      latest = std::max(latest, record.ordinal);
    }
  }
  return count;
}

TEST(ModelLatencies, RequestsOvertakeEachOtherWhereTheMediumHasChannels) {
  EXPECT_GT(overtaken("nvme"), 100u);
  EXPECT_GT(overtaken("fixed"), 100u) << "a read is quicker than a write";
  EXPECT_LE(overtaken("disk"), 24u) << "one arm: only a flush waits for it, in each round";
}

}  // namespace
}  // namespace ringside::tests::model_tests
