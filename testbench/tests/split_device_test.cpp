// SplitDevice over a device that fails the test when it is given what it said it would not take.
#include "driver/block/split_device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <iterator>
#include <random>
#include <vector>

#include "testbench/tests/memory_machine.h"

namespace ringside::tests {
namespace {

using block::Operation;
using block::Request;
using block::Segment;
using block::Status;

// Only DMA buffers have a bus address.
class ReachMachine final : public MemoryMachine {
 public:
  hal::BusAddress virt_to_phys(const void* cpu) override {
    for (const auto& [start, memory] : buffers) {
      const auto* const first = memory.data();
      if (cpu >= first && cpu < first + memory.size()) {
        return MemoryMachine::virt_to_phys(cpu);
      }
    }
    return hal::kInvalidBusAddress;
  }
  hal::DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t alignment) override {
    hal::DmaBuffer buffer = MemoryMachine::alloc_dma_buffer(size, alignment);
    buffer.bus = MemoryMachine::virt_to_phys(buffer.cpu);
    return no_dma ? hal::DmaBuffer{} : buffer;
  }
  bool no_dma = false;
};

class StrictDevice final : public block::BlockDevice {
 public:
  explicit StrictDevice(ReachMachine& machine, std::size_t sectors) : machine_(machine), bytes(sectors * 512) {
    disk.sectors = sectors;
    disk.max_segments = 8;
    disk.max_segment_size = 3000;
    disk.max_discard_sectors = 10;
    disk.max_write_zeroes_sectors = 7;
    disk.queue_size = 16;
    disk.flush = true;
  }

  const block::DiskInfo& info() const override { return disk; }
  const block::Counters& counters() const override { return counters_; }

  std::size_t submit(Request* const* requests, std::size_t count) override {
    ++doorbells;
    std::size_t taken = 0;
    for (; taken < count && flying_.size() < depth; ++taken) {
      if (!takes(*requests[taken]) && options.divert != nullptr) {
        const block::Diverted where = options.divert(*requests[taken], options.divert_user);
        if (where == block::Diverted::taken) {
          continue;
        }
        if (where == block::Diverted::full) {
          break;
        }
      }
      requests[taken]->status = Status::pending;
      flying_.push_back(requests[taken]);
    }
    return taken;
  }
  std::size_t poll() override { return complete(1); }
  std::size_t wait(std::size_t count) override { return complete(std::max<std::size_t>(count, 1)); }
  std::size_t in_flight() const override { return flying_.size(); }
  std::vector<std::uint64_t> deadlines() const {
    std::vector<std::uint64_t> all;
    std::transform(flying_.begin(), flying_.end(), std::back_inserter(all),
                   [](const Request* request) { return request->deadline; });
    return all;
  }
  Status set_write_cache(bool) override { return Status::unsupported; }
  bool write_cache() override { return true; }
  Status reset_queue(std::uint16_t) override {
    lose_all();
    return Status::ok;
  }
  void shutdown() override { lose_all(); }

  block::DiskInfo disk;
  std::size_t depth = 5;
  unsigned doorbells = 0;
  unsigned completed = 0;
  unsigned fail_at = 0;  // the n-th to complete fails; 0: none
  std::uint32_t alignment = 1;
  std::string identity = "twenty-byte-identity";  // what it answers; 20 bytes at most
  block::Options options;                         // what it was opened with

 private:
  // As it stands; what is wrong with it otherwise is seen when it is executed.
  bool takes(const Request& request) {
    if (request.operation == Operation::discard) {
      return request.sector_count <= disk.max_discard_sectors;
    }
    if (request.operation == Operation::write_zeroes) {
      return request.sector_count <= disk.max_write_zeroes_sectors;
    }
    bool good = request.segment_count <= disk.max_segments;
    for (unsigned i = 0; i < request.segment_count; ++i) {
      const Segment& segment = request.segments[i];
      good = good && segment.size <= disk.max_segment_size &&
             machine_.virt_to_phys(segment.data) != hal::kInvalidBusAddress &&
             reinterpret_cast<std::uintptr_t>(segment.data) % alignment == 0;
    }
    return good;
  }

  std::size_t complete(std::size_t count) {
    std::size_t done = 0;
    while (done < count && !flying_.empty()) {
      // The newest first: nothing may lean on the order.
      Request* const request = flying_.back();
      flying_.pop_back();
      end(*request, ++completed == fail_at ? Status::io_error : execute(*request));
      ++done;
    }
    return done;
  }
  void lose_all() {
    while (!flying_.empty()) {
      Request* const request = flying_.front();
      flying_.pop_front();
      end(*request, Status::device_lost);
    }
  }
  static void end(Request& request, Status status) {
    request.status = status;
    if (request.done != nullptr) {
      request.done(request);
    }
  }

  Status execute(Request& request) {
    if (request.operation == Operation::flush) {
      return Status::ok;
    }
    if (request.operation == Operation::discard || request.operation == Operation::write_zeroes) {
      const std::uint32_t limit =
          request.operation == Operation::discard ? disk.max_discard_sectors : disk.max_write_zeroes_sectors;
      if (request.sector + request.sector_count > disk.sectors || request.sector_count > limit) {
        return Status::refused;
      }
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(request.sector * 512), request.sector_count * 512, 0);
      return Status::ok;
    }
    std::size_t total = 0;
    for (unsigned i = 0; i < request.segment_count; ++i) {
      total += request.segments[i].size;
    }
    if (request.operation == Operation::get_id) {
      EXPECT_NE(machine_.virt_to_phys(request.segments[0].data), hal::kInvalidBusAddress);
      std::memcpy(request.segments[0].data, identity.data(), identity.size());
      return total == 20 ? Status::ok : Status::refused;
    }
    if (request.segment_count > 8 || total == 0 || total % disk.block_size != 0 ||
        request.sector * 512 + total > bytes.size()) {
      return Status::refused;
    }
    std::uint8_t* at = bytes.data() + request.sector * 512;
    for (unsigned i = 0; i < request.segment_count; ++i) {
      const Segment& segment = request.segments[i];
      EXPECT_LE(segment.size, disk.max_segment_size);
      EXPECT_NE(machine_.virt_to_phys(segment.data), hal::kInvalidBusAddress);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(segment.data) % alignment, 0u);
      if (request.operation == Operation::write) {
        std::memcpy(at, segment.data, segment.size);
      } else {
        std::memcpy(segment.data, at, segment.size);
      }
      at += segment.size;
    }
    request.used_length = request.operation == Operation::read ? static_cast<std::uint32_t>(total + 1) : 1;
    return Status::ok;
  }

  ReachMachine& machine_;
  block::Counters counters_;
  std::deque<Request*> flying_;

 public:
  std::vector<std::uint8_t> bytes;
};

class SplitDeviceTest : public ::testing::Test {
 protected:
  block::BlockDevice& over(StrictDevice& below, const block::Options& options = {}) {
    block::SplitDevice* const split = block::SplitDevice::create(machine, options);
    below.options = split->options_below();
    return split->over(below, 126);
  }
  std::uint8_t* dma(std::size_t size) { return static_cast<std::uint8_t*>(machine.alloc_dma_buffer(size, 4096).cpu); }

  ReachMachine machine;
};

struct Seen {
  unsigned done = 0;
};
void count_done(Request& request) { ++static_cast<Seen*>(request.user)->done; }

Request data_request(Operation operation, std::uint64_t sector, const std::vector<Segment>& segments, Seen* seen) {
  Request request;
  request.operation = operation;
  request.sector = sector;
  request.segments = segments.data();
  request.segment_count = static_cast<std::uint16_t>(segments.size());
  request.done = count_done;
  request.user = seen;
  return request;
}

TEST_F(SplitDeviceTest, ABatchThatFitsGoesThroughWithOneDoorbell) {
  StrictDevice below(machine, 64);
  block::BlockDevice& device = over(below);
  std::uint8_t* const data = dma(4096);
  const std::vector<Segment> segments{{data, 1024}};
  Seen seen;
  Request first = data_request(Operation::write, 0, segments, &seen);
  Request second = data_request(Operation::read, 8, segments, &seen);
  Request* const batch[] = {&first, &second};
  EXPECT_EQ(device.submit(batch, 2), 2u);
  EXPECT_EQ(below.doorbells, 1u);
  EXPECT_EQ(device.in_flight(), 2u);
  EXPECT_EQ(device.wait(2), 2u);
  EXPECT_EQ(below.completed, 2u);
  EXPECT_EQ(seen.done, 2u);
}

TEST_F(SplitDeviceTest, ALargeSegmentIsReadInPartsAndDoneOnce) {
  StrictDevice below(machine, 400);
  block::BlockDevice& device = over(below);
  for (std::size_t i = 0; i < below.bytes.size(); ++i) {
    below.bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 512);
  }
  std::uint8_t* const data = dma(150 * 1024);
  const std::vector<Segment> segments{{data, 150 * 1024}};
  Seen seen;
  Request request = data_request(Operation::read, 17, segments, &seen);
  Request* const one = &request;
  EXPECT_EQ(device.submit(&one, 1), 1u);
  EXPECT_EQ(request.status, Status::pending);
  EXPECT_EQ(device.in_flight(), 1u);
  EXPECT_EQ(device.wait(1), 1u);
  EXPECT_EQ(seen.done, 1u);
  EXPECT_EQ(request.status, Status::ok);
  EXPECT_GT(below.completed, 6u);
  EXPECT_EQ(std::memcmp(data, below.bytes.data() + 17 * 512, 150 * 1024), 0);
  EXPECT_EQ(device.in_flight(), 0u);
}

// A request has one deadline, however late a part of it finds room.
TEST_F(SplitDeviceTest, EveryPartHasTheDeadlineOfTheWhole) {
  StrictDevice below(machine, 400);
  below.depth = 2;
  block::Options options;
  options.timeout = 77;
  block::BlockDevice& device = over(below, options);
  const std::vector<Segment> segments{{dma(100 * 512), 100 * 512}};
  Seen seen;
  for (const std::uint64_t own : {std::uint64_t{0}, std::uint64_t{12345}}) {
    Request request = data_request(Operation::read, 0, segments, &seen);
    request.deadline = own;
    Request* const one = &request;
    machine.time = 1000;
    EXPECT_EQ(device.submit(&one, 1), 1u);
    for (unsigned looks = 0; device.in_flight() != 0 && looks < 100; ++looks) {
      for (const std::uint64_t deadline : below.deadlines()) {
        EXPECT_EQ(deadline, own != 0 ? own : 1077u);
      }
      machine.time += 10;
      (void)device.poll();
    }
    EXPECT_EQ(request.status, Status::ok);
  }
}

TEST_F(SplitDeviceTest, AFailedPartFailsTheWholeAndNoFurtherPartIsSent) {
  StrictDevice below(machine, 4000);
  block::BlockDevice& device = over(below);
  below.fail_at = 3;
  std::uint8_t* const data = dma(1 << 20);
  EXPECT_EQ(device.write(0, data, 1 << 20), Status::io_error);
  EXPECT_LE(below.completed, 40u);  // of 47
  EXPECT_EQ(device.in_flight(), 0u);
  EXPECT_EQ(device.write(0, data, 1 << 20), Status::ok) << "every part is free again";
}

TEST_F(SplitDeviceTest, RangesAreCutAtTheDevicesLimit) {
  StrictDevice below(machine, 200);
  block::BlockDevice& device = over(below);
  std::fill(below.bytes.begin(), below.bytes.end(), std::uint8_t{0xee});
  EXPECT_EQ(device.write_zeroes(20, 100, false), Status::ok);
  EXPECT_EQ(below.completed, 15u);
  EXPECT_EQ(below.bytes[20 * 512 - 1], 0xee);
  EXPECT_EQ(std::count(below.bytes.begin(), below.bytes.end(), 0), 100 * 512);
  EXPECT_EQ(below.bytes[120 * 512], 0xee);
  EXPECT_EQ(device.discard(150, 51), Status::refused) << "beyond the end, and nothing of it is done";
  EXPECT_EQ(std::count(below.bytes.begin(), below.bytes.end(), 0), 100 * 512);
}

TEST_F(SplitDeviceTest, WithoutBounceMemoryUnreachableDataIsRefused) {
  StrictDevice below(machine, 64);
  block::BlockDevice& device = over(below);
  machine.no_dma = true;
  std::vector<std::uint8_t> hidden(512);
  EXPECT_EQ(device.write(0, hidden.data(), 512), Status::refused);
}

TEST_F(SplitDeviceTest, AnIdentityIsBouncedToo) {
  StrictDevice below(machine, 64);
  block::BlockDevice& device = over(below);
  std::vector<char> hidden(20);
  EXPECT_EQ(device.get_id(hidden.data()), Status::ok);
  EXPECT_EQ(std::string(hidden.begin(), hidden.end()), "twenty-byte-identity");
}

TEST_F(SplitDeviceTest, WhatADeviceLeavesOfAnIdentityTheCallerHadThere) {
  StrictDevice below(machine, 64);
  below.identity = "short";
  block::BlockDevice& device = over(below);
  std::vector<std::uint8_t> earlier(512, 'x');  // through the same bounce memory
  EXPECT_EQ(device.write(0, earlier.data(), 512), Status::ok);
  std::vector<char> hidden(20, '.');
  EXPECT_EQ(device.get_id(hidden.data()), Status::ok);
  EXPECT_EQ(std::string(hidden.begin(), hidden.end()), "short...............");
}

TEST_F(SplitDeviceTest, WhatIsInFlightIsLostAtShutdownOnceEach) {
  StrictDevice below(machine, 4000);
  block::BlockDevice& device = over(below);
  std::uint8_t* const data = dma(1 << 20);
  const std::vector<Segment> large{{data, 1 << 20}};
  std::vector<std::uint8_t> hidden(1 << 20);
  const std::vector<Segment> unreachable{{hidden.data(), 1 << 20}};
  Seen seen;
  Request first = data_request(Operation::read, 0, unreachable, &seen);
  Request second = data_request(Operation::write, 0, large, &seen);
  Request* const batch[] = {&first, &second};
  EXPECT_EQ(device.submit(batch, 2), 2u);
  const std::size_t buffers = machine.buffers.size();
  device.shutdown();
  EXPECT_EQ(seen.done, 2u);
  EXPECT_EQ(first.status, Status::device_lost);
  EXPECT_EQ(second.status, Status::device_lost);
  EXPECT_EQ(machine.buffers.size(), buffers - 1) << "the bounce buffer is given back";
}

TEST_F(SplitDeviceTest, AfterAQueueResetWhatWasLostEndsAndTheRestGoesOn) {
  StrictDevice below(machine, 4000);
  block::BlockDevice& device = over(below);
  std::uint8_t* const data = dma(1 << 20);
  const std::vector<Segment> large{{data, 1 << 20}};
  Seen seen;
  Request request = data_request(Operation::write, 0, large, &seen);
  Request* const one = &request;
  ASSERT_EQ(device.submit(&one, 1), 1u);
  EXPECT_EQ(device.reset_queue(0), Status::ok);
  while (device.in_flight() != 0) {
    ASSERT_LT(seen.done, 2u);
    device.poll();
  }
  EXPECT_EQ(seen.done, 1u);
  EXPECT_EQ(request.status, Status::device_lost);
}

// A device may say that its largest piece is no multiple of the alignment: parts of such pieces were split again, and
// their parts, too.
TEST_F(SplitDeviceTest, AskedForTheAlignmentIsKeptWhateverTheLargestPieceIs) {
  constexpr int kBytes = 90 * 1024;
  for (const std::uint32_t largest : {100u, 1000u, 3000u, 4095u, 4096u}) {
    StrictDevice below(machine, 400);
    below.disk.max_segment_size = largest;
    below.alignment = 64;
    block::Options options;
    options.data_alignment = 64;
    block::BlockDevice& device = over(below, options);
    std::uint8_t* const data = dma(100 * 1024);
    for (int i = 0; i < kBytes; ++i) {
      data[i + 3] = static_cast<std::uint8_t>(i * 7);
    }
    EXPECT_EQ(device.write(5, data + 3, kBytes), Status::ok) << largest;
    EXPECT_EQ(std::memcmp(data + 3, below.bytes.data() + 5 * 512, kBytes), 0) << largest;
    EXPECT_EQ(device.in_flight(), 0u) << largest;
  }
}

// Whatever pieces the data lies in, wherever they are, in whatever order parts complete.
TEST_F(SplitDeviceTest, RandomRequestsMoveTheRightBytes) {
  constexpr std::size_t kSectors = 2000;
  constexpr std::size_t kRoom = 512 * 1024;
  std::mt19937 engine(11);
  const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
  for (const std::uint32_t block_size : {512u, 4096u}) {
    StrictDevice below(machine, kSectors);
    below.disk.block_size = block_size;
    block::BlockDevice& device = over(below);
    std::vector<std::uint8_t> reference(below.bytes.size());
    std::uint8_t* const reachable = dma(kRoom);
    std::vector<std::uint8_t> hidden(kRoom);
    for (int round = 0; round < 400; ++round) {
      const std::uint32_t blocks = 1 + random() % 40;
      std::uint32_t left = blocks * block_size;
      const std::uint64_t sector = random() % (kSectors - left / 512) / (block_size / 512) * (block_size / 512);
      std::vector<Segment> segments;
      std::size_t at = 0;
      const std::uint32_t longest = round % 3 == 0 ? 40 : 20000;
      while (left != 0) {
        const std::uint32_t size = std::min<std::uint32_t>(left, 1 + random() % longest);
        segments.push_back({(random() % 4 == 0 ? hidden.data() : reachable) + at, size});
        at += size + random() % 3;
        left -= size;
      }
      const bool write = random() % 2 == 0;
      std::uint8_t* expected = reference.data() + sector * 512;
      if (write) {
        for (const Segment& segment : segments) {
          for (std::uint32_t i = 0; i < segment.size; ++i) {
            static_cast<std::uint8_t*>(segment.data)[i] = static_cast<std::uint8_t>(random());
          }
          std::memcpy(expected, segment.data, segment.size);
          expected += segment.size;
        }
      }
      Seen seen;
      Request request = data_request(write ? Operation::write : Operation::read, sector, segments, &seen);
      ASSERT_EQ(device.execute(request), Status::ok) << segments.size() << " segments";
      ASSERT_EQ(seen.done, 1u);
      for (const Segment& segment : segments) {
        if (!write) {
          ASSERT_EQ(std::memcmp(expected, segment.data, segment.size), 0);
          expected += segment.size;
        }
      }
      ASSERT_EQ(below.bytes, reference);
    }
    device.shutdown();
  }
}

// Callbacks submit again, split and whole ones mixed, many at once: everything completes, once.
struct Chain {
  block::BlockDevice* device;
  Request request;
  Segment segment;
  unsigned left;
  bool waiting = false;  // the device was full
};

void submit_again(Chain& chain) {
  Request* const one = &chain.request;
  chain.waiting = chain.device->submit(&one, 1) == 0;
}

void chain_done(Request& request) {
  Chain& chain = *static_cast<Chain*>(request.user);
  EXPECT_EQ(request.status, Status::ok);
  if (--chain.left != 0) {
    submit_again(chain);
  }
}

TEST_F(SplitDeviceTest, ManyChainsOfRequestsAllEnd) {
  StrictDevice below(machine, 4000);
  block::BlockDevice& device = over(below);
  std::uint8_t* const reachable = dma(1 << 20);
  std::vector<std::uint8_t> hidden(1 << 20);
  std::vector<Chain> chains(40);
  for (std::size_t i = 0; i < chains.size(); ++i) {
    Chain& chain = chains[i];
    chain.device = &device;
    chain.left = 20;
    const auto size = static_cast<std::uint32_t>(512 * (1 + i * 5));
    chain.segment = {i % 3 == 0 ? hidden.data() : reachable, size};
    chain.request.operation = Operation::write;
    chain.request.segments = &chain.segment;
    chain.request.segment_count = 1;
    chain.request.done = chain_done;
    chain.request.user = &chain;
    submit_again(chain);
  }
  for (int i = 0; i < 100'000 && device.in_flight() != 0; ++i) {
    if (i % 2 == 0) {
      device.poll();
    } else {
      EXPECT_NE(device.wait(1), 0u);
    }
    for (Chain& chain : chains) {
      if (chain.waiting && chain.left != 0) {
        submit_again(chain);
      }
    }
  }
  for (const Chain& chain : chains) {
    EXPECT_EQ(chain.left, 0u);
  }
}

}  // namespace
}  // namespace ringside::tests
