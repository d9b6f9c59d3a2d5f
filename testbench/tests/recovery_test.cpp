// What becomes of requests when queue or device is reset under them: which are sent again, in which order, how often,
// and what callbacks may do meanwhile.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "driver/block/open.h"
#include "driver/hal/memory.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/unruly_machine.h"
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

using block::Operation;
using block::Status;
using scenarios::Ask;
using scenarios::UnrulyMachine;

constexpr std::uint64_t kQueueReset = virtio::feature(virtio::VIRTIO_F_RING_RESET);
constexpr std::size_t kRequests = 4;
constexpr unsigned kReplays = block::Options{}.replays;
constexpr std::uint32_t kBytes = block::kBlockSize;
constexpr std::uint64_t kSectors = kBytes / block::kSectorSize;

void hold(scenarios::Context& context) { ASSERT_NE(context.bench().ask(Ask::hold, 0), scenarios::kNotAvailable); }
void release(scenarios::Context& context) { ASSERT_NE(context.bench().ask(Ask::release, 0), scenarios::kNotAvailable); }

// The device asks for a reset, and says so. What it holds back until then, it does not hold back afterwards.
void break_down(scenarios::Context& context, UnrulyMachine& machine) {
  machine.needs_reset = true;
  machine.storm = 1;
  machine.cured_user = &context;
  machine.cured = [](void* user) { release(*static_cast<scenarios::Context*>(user)); };
}

void drain(block::BlockDevice& disk) {
  while (disk.in_flight() != 0 && disk.wait(disk.in_flight()) != 0) {
  }
}

struct Reads {
  explicit Reads(scenarios::Context& context) : data(context, kRequests * kBytes, 4096) {
    for (std::size_t i = 0; i < kRequests; ++i) {
      segments[i] = {data.data(i * kBytes), kBytes};
      requests[i].sector = i * kSectors;
      requests[i].segments = &segments[i];
      requests[i].segment_count = 1;
      requests[i].user = this;
      requests[i].done = [](block::Request& request) {
        Reads& self = *static_cast<Reads*>(request.user);
        self.order.push_back(static_cast<std::size_t>(&request - self.requests.data()));
        self.left.push_back(self.asked == nullptr ? 0 : self.asked->in_flight());
      };
      pointers[i] = &requests[i];
    }
  }
  void submit(block::BlockDevice& disk) { ASSERT_EQ(disk.submit(pointers.data(), kRequests), kRequests); }
  void expect_all(Status status) {
    for (const block::Request& request : requests) {
      EXPECT_EQ(request.status, status);
    }
  }

  scenarios::Buffer data;
  std::array<block::Segment, kRequests> segments;
  std::array<block::Request, kRequests> requests;
  std::array<block::Request*, kRequests> pointers;
  std::vector<std::size_t> order;  // in which they ended
  std::vector<std::size_t> left;   // in flight, as each saw it that ended
  block::BlockDevice* asked = nullptr;
};

// Two queues, so that changes of the configuration have a vector to themselves.
block::BlockDevice* open(hal::Machine& machine, block::Options options = {}) {
  options.queues = 2;
  return block::open_disk(machine, hal::Plain{}, options);
}

void run_with(const std::string& device, Program program) {
  run_on_model_with("num-queues=2,vectors=3," + device, program);
}

TEST(Recovery, RequestsOfABrokenDeviceAreSentAgainAndSucceed) {
  for (const char* const device : {"queue_reset=on", "packed=on", "indirect_desc=off", "packed=on,indirect_desc=off",
                                   "queue_reset=off", "event_idx=off", "queue-size=4"}) {
    SCOPED_TRACE(device);
    run_with(device, [](scenarios::Context& context) {
      UnrulyMachine machine(context.machine());
      block::BlockDevice* const disk = open(machine);
      ASSERT_NE(disk, nullptr);
      Reads reads(context);
      hold(context);
      reads.submit(*disk);
      break_down(context, machine);
      drain(*disk);
      reads.expect_all(Status::ok);
      EXPECT_EQ(disk->counters().replays, kRequests);
      EXPECT_EQ(disk->counters().resets, 1u);
      EXPECT_EQ(disk->counters().needs_reset, 1u);
      disk->shutdown();
      EXPECT_EQ(machine.mapped(), 0u);
      EXPECT_EQ(machine.buffers(), 0u);
    });
  }
}

// With one vector for everything, an interrupt that came before anyone slept may have been about the configuration.
TEST(Recovery, AnInterruptThatNobodyWaitedForIsNotForgotten) {
  for (const block::Completion completion : {block::Completion::msix, block::Completion::intx}) {
    static block::Completion how;
    how = completion;
    run_on_model([](scenarios::Context& context) {
      UnrulyMachine machine(context.machine());
      block::Options options;
      options.completion = how;
      block::BlockDevice* const disk = block::open_disk(machine, hal::Plain{}, options);
      ASSERT_NE(disk, nullptr);
      Reads reads(context);
      hold(context);
      reads.submit(*disk);
      machine.needs_reset = true;
      machine.cured_user = &context;
      machine.cured = [](void* user) { release(*static_cast<scenarios::Context*>(user)); };
      ASSERT_NE(context.bench().ask(Ask::resize, disk->info().sectors + 8), scenarios::kNotAvailable);
      const std::uint64_t start = machine.now();
      drain(*disk);
      reads.expect_all(Status::ok);
      EXPECT_LT(machine.now() - start, hal::kSecond) << "well before the deadline";
      EXPECT_EQ(disk->counters().needs_reset, 1u);
      EXPECT_EQ(disk->counters().config_changes, 1u) << "it has come back with another size";
      EXPECT_EQ(disk->counters().spurious_interrupts, 0u);
      disk->shutdown();
    });
  }
}

// Where the device keeps the order, so does recovery.
TEST(Recovery, RequestsGoBackInTheirOrderOnARingInOrder) {
  for (const char* const device : {"in_order=on", "in_order=on,packed=on"}) {
    SCOPED_TRACE(device);
    run_with(device, [](scenarios::Context& context) {
      UnrulyMachine machine(context.machine());
      block::BlockDevice* const disk = open(machine);
      ASSERT_NE(disk, nullptr);
      Reads reads(context);
      // An odd number before them: slots and order are not the same then.
      scenarios::Buffer data(context, kBytes, 4096);
      for (unsigned i = 0; i < disk->info().queue_size - 2u; ++i) {
        ASSERT_EQ(disk->read(0, data.data(), kBytes), Status::ok);
      }
      hold(context);
      reads.submit(*disk);
      break_down(context, machine);
      drain(*disk);
      reads.expect_all(Status::ok);
      EXPECT_EQ(disk->counters().replays, kRequests);
      EXPECT_EQ(reads.order, (std::vector<std::size_t>{0, 1, 2, 3}));
      disk->shutdown();
    });
  }
}

TEST(Recovery, WhoWantsNothingSentTwiceGetsNothingSentTwice) {
  run_with("queue_reset=on", [](scenarios::Context& context) {
    UnrulyMachine machine(context.machine());
    block::Options options;
    options.replays = 0;
    block::BlockDevice* const disk = open(machine, options);
    ASSERT_NE(disk, nullptr);
    Reads reads(context);
    hold(context);
    reads.submit(*disk);
    break_down(context, machine);
    reads.asked = disk;
    drain(*disk);
    release(context);
    reads.expect_all(Status::device_lost);
    EXPECT_EQ(reads.left, (std::vector<std::size_t>{3, 2, 1, 0}));
    EXPECT_EQ(disk->counters().replays, 0u);
    EXPECT_EQ(disk->read(0, reads.data.data(), kBytes), Status::ok) << "the device is back";
    disk->shutdown();
  });
}

// The bound: one recovery more than a request may be sent again.
TEST(Recovery, ADeviceThatBreaksEveryTimeEndsWhatItIsGiven) {
  run_with("queue_reset=on", [](scenarios::Context& context) {
    UnrulyMachine machine(context.machine());
    block::BlockDevice* const disk = open(machine);
    ASSERT_NE(disk, nullptr);
    Reads reads(context);
    hold(context);
    machine.incurable = true;
    machine.storm = 1000;  // it says so again and again
    reads.submit(*disk);
    EXPECT_EQ(disk->wait_queue(0, kRequests), kRequests);
    reads.expect_all(Status::device_lost);
    EXPECT_EQ(disk->counters().resets, kReplays + 1u);
    EXPECT_EQ(disk->counters().replays, kReplays * kRequests);
    EXPECT_LT(machine.storm, 1000u);
    machine.incurable = false;
    machine.storm = 0;
    release(context);
    EXPECT_EQ(disk->read(0, reads.data.data(), kBytes), Status::ok) << "it is not given up";
    disk->shutdown();
  });
}

// Each request has all of its lives, whatever those had that were in its slot before.
TEST(Recovery, LivesAreCountedForEachRequest) {
  run_with("queue_reset=on", [](scenarios::Context& context) {
    UnrulyMachine machine(context.machine());
    Reads reads(context);
    machine.direct = {reads.data.data(), machine.virt_to_phys(reads.data.data()), reads.data.size()};
    block::BlockDevice* const disk = open(machine);
    ASSERT_NE(disk, nullptr);
    for (unsigned round = 0; round < kReplays + 2; ++round) {
      hold(context);
      reads.submit(*disk);
      break_down(context, machine);
      drain(*disk);
      reads.expect_all(Status::ok);
    }
    EXPECT_EQ(disk->counters().replays, (kReplays + 2) * kRequests);
    disk->shutdown();
  });
}

// What an interrupt was about may have been taken before it came: then it is no spurious one.
TEST(Recovery, AnInterruptThatComesAfterItsWorkWasTakenIsNotCounted) {
  run_on_model_with("event_idx=off", [](scenarios::Context& context) {
    block::BlockDevice* const disk = block::open_disk(context.machine(), hal::Plain{}, {});
    ASSERT_NE(disk, nullptr);
    Reads reads(context);
    ASSERT_EQ(disk->read(0, reads.data.data(), kBytes), Status::ok);  // from now on everything used interrupts
    reads.submit(*disk);
    while (disk->in_flight() != 0) {
      context.machine().relax(context.machine().now() + hal::kMillisecond);
      static_cast<void>(disk->poll());
    }
    hold(context);
    reads.requests[0].deadline = context.machine().now() + 500 * hal::kMillisecond;
    ASSERT_EQ(disk->submit(reads.pointers.data(), 1), 1u);
    EXPECT_EQ(disk->wait(1), 1u);
    EXPECT_EQ(reads.requests[0].status, Status::timed_out);
    EXPECT_EQ(disk->counters().spurious_interrupts, 0u);
    release(context);
    disk->shutdown();
  });
}

TEST(Recovery, EveryOperationIsSentAgain) {
  run_with("queue_reset=on", [](scenarios::Context& context) {
    UnrulyMachine machine(context.machine());
    block::BlockDevice* const disk = open(machine);
    ASSERT_NE(disk, nullptr);
    scenarios::Buffer data(context, 2 * kBytes, 4096);
    scenarios::fill(data.data(), kBytes, 7);
    const block::Segment written{data.data(), kBytes};
    const block::Segment id{data.data(kBytes), block::kIdSize};
    std::array<block::Request, 5> requests{};
    requests[0].operation = Operation::write;
    requests[0].segments = &written;
    requests[0].segment_count = 1;
    requests[1].operation = Operation::flush;
    requests[2].operation = Operation::get_id;
    requests[2].segments = &id;
    requests[2].segment_count = 1;
    requests[3].operation = Operation::discard;
    requests[3].sector = 64;
    requests[3].sector_count = 8;
    requests[4].operation = Operation::write_zeroes;
    requests[4].sector = 128;
    requests[4].sector_count = 8;
    hold(context);
    for (block::Request& request : requests) {
      block::Request* const one = &request;
      ASSERT_EQ(disk->submit(&one, 1), 1u);
    }
    break_down(context, machine);
    drain(*disk);
    for (const block::Request& request : requests) {
      EXPECT_EQ(request.status, Status::ok) << static_cast<int>(request.operation);
    }
    EXPECT_EQ(disk->counters().replays, requests.size());
    ASSERT_EQ(disk->read(0, data.data(kBytes), kBytes), Status::ok);
    EXPECT_TRUE(scenarios::is_filled(data.data(kBytes), kBytes, 7));
    disk->shutdown();
  });
}

// A request in pieces, through the bounce buffer: its pieces are requests like any other.
TEST(Recovery, PiecesOfARequestAreSentAgain) {
  run_with("queue_reset=on", [](scenarios::Context& context) {
    constexpr std::uint32_t kMuch = 256u << 10;
    UnrulyMachine machine(context.machine());
    block::BlockDevice* const disk = open(machine);
    ASSERT_NE(disk, nullptr);
    auto* const unreachable = static_cast<std::uint8_t*>(context.machine().alloc_private(kMuch, 4096));
    ASSERT_NE(unreachable, nullptr);
    scenarios::fill(unreachable, kMuch, 5);
    ASSERT_EQ(disk->write(0, unreachable, kMuch), Status::ok);
    scenarios::fill(unreachable, kMuch, 6);
    const block::Segment segment{unreachable, kMuch};
    block::Request request;
    request.segments = &segment;
    request.segment_count = 1;
    block::Request* const one = &request;
    hold(context);
    ASSERT_EQ(disk->submit(&one, 1), 1u);
    break_down(context, machine);
    drain(*disk);
    EXPECT_EQ(request.status, Status::ok);
    EXPECT_TRUE(scenarios::is_filled(unreachable, kMuch, 5));
    EXPECT_GE(disk->counters().replays, 2u);
    disk->shutdown();
    EXPECT_EQ(machine.buffers(), 0u);
  });
}

// Submits one more when one has ended.
struct Chained {
  block::BlockDevice* disk = nullptr;
  block::Request first;
  block::Request second;
  std::size_t taken = 99;

  void prepare(const block::Segment& segment) {
    for (block::Request* const request : {&first, &second}) {
      request->segments = &segment;
      request->segment_count = 1;
    }
    first.user = this;
    first.done = [](block::Request& request) {
      Chained& self = *static_cast<Chained*>(request.user);
      block::Request* const one = &self.second;
      self.taken = self.disk->submit(&one, 1);
    };
  }
};

TEST(Recovery, WhatACallbackSubmitsMeetsADeviceThatWorks) {
  for (const char* const device : {"queue_reset=on", "queue_reset=off"}) {
    SCOPED_TRACE(device);
    run_with(device, [](scenarios::Context& context) {
      block::BlockDevice* const disk = open(context.machine());
      ASSERT_NE(disk, nullptr);
      scenarios::Buffer data(context, kBytes, 4096);
      const block::Segment segment{data.data(), kBytes};
      Chained chained{disk, {}, {}};
      chained.prepare(segment);
      chained.first.deadline = context.machine().now() + hal::kMillisecond;
      block::Request* const one = &chained.first;
      hold(context);
      ASSERT_EQ(disk->submit(&one, 1), 1u);
      EXPECT_EQ(disk->wait(1), 1u);
      EXPECT_EQ(chained.first.status, Status::timed_out);
      release(context);
      EXPECT_EQ(chained.taken, 1u);
      EXPECT_EQ(disk->wait(1), 1u);
      EXPECT_EQ(chained.second.status, Status::ok);
      EXPECT_EQ(disk->counters().replays, 0u);
      disk->shutdown();
    });
  }
}

TEST(Recovery, ShutdownEndsWhatIsInFlightAndTakesNothingMore) {
  run_with("queue_reset=on", [](scenarios::Context& context) {
    UnrulyMachine machine(context.machine());
    block::BlockDevice* const disk = open(machine);
    ASSERT_NE(disk, nullptr);
    scenarios::Buffer data(context, kBytes, 4096);
    const block::Segment segment{data.data(), kBytes};
    Chained chained{disk, {}, {}};
    chained.prepare(segment);
    block::Request* const one = &chained.first;
    hold(context);
    ASSERT_EQ(disk->submit(&one, 1), 1u);
    disk->shutdown();
    EXPECT_EQ(chained.first.status, Status::device_lost);
    EXPECT_EQ(chained.taken, 0u);
    EXPECT_NE(chained.second.status, Status::pending);
    EXPECT_EQ(machine.mapped(), 0u);
    EXPECT_EQ(machine.buffers(), 0u);
    release(context);
  });
}

TEST(Recovery, QueueResetOnDemandEndsWhatIsInFlight) {
  run_with("queue_reset=on", [](scenarios::Context& context) {
    UnrulyMachine machine(context.machine());
    block::BlockDevice* const disk = open(machine);
    ASSERT_NE(disk, nullptr);
    Reads reads(context);
    reads.requests[1].queue = reads.requests[3].queue = 1;
    hold(context);
    reads.submit(*disk);
    EXPECT_EQ(disk->reset_queue(16), Status::ok);
    EXPECT_EQ(disk->in_flight(), 0u);
    EXPECT_EQ(machine.mapped(), 0u);
    reads.expect_all(Status::device_lost);
    EXPECT_EQ(disk->info().queue_size, 16u);
    EXPECT_EQ(disk->counters().resets + disk->counters().queue_resets, 0u) << "nothing was wrong";
    release(context);
    reads.submit(*disk);
    drain(*disk);
    reads.expect_all(Status::ok);
    disk->shutdown();
  });
}

TEST(Recovery, ResizeLeavesRequestsInFlightAlone) {
  run_with("queue_reset=on", [](scenarios::Context& context) {
    block::BlockDevice* const disk = open(context.machine());
    ASSERT_NE(disk, nullptr);
    const std::uint64_t before = disk->info().sectors;
    Reads reads(context);
    reads.requests[3].sector = before - kSectors;
    hold(context);
    reads.submit(*disk);
    ASSERT_NE(context.bench().ask(Ask::resize, before + 64), scenarios::kNotAvailable);
    release(context);
    drain(*disk);
    reads.expect_all(Status::ok);
    static_cast<void>(disk->poll());
    EXPECT_EQ(disk->info().sectors, before + 64);
    EXPECT_EQ(disk->counters().config_changes, 1u);
    EXPECT_EQ(disk->counters().resets, 0u);
    disk->shutdown();
  });
}

// A function that comes back with fewer queues, or as another kind of device, does not fit the rings that there are.
class ChangedDevice final : public scenarios::ForwardingMachine {
 public:
  using ForwardingMachine::ForwardingMachine;
  bool changed = false;

  std::uint16_t mmio_read16(std::uint64_t address) override {
    const bool num_queues = address == kDeviceConfig + 34;  // struct virtio_blk_config
    return changed && num_queues ? std::uint16_t{1} : inner_.mmio_read16(address);
  }
};

TEST(Recovery, ADeviceThatComesBackWithFewerQueuesIsGivenUp) {
  run_with("queue_reset=off", [](scenarios::Context& context) {
    RawDisk firmware(context.machine());  // so that the registers are where the test knows them
    ChangedDevice machine(context.machine());
    block::BlockDevice* const disk = open(machine);
    ASSERT_NE(disk, nullptr);
    ASSERT_EQ(disk->info().queues, 2u);
    Reads reads(context);
    reads.requests[0].deadline = machine.now() + hal::kMillisecond;
    hold(context);
    reads.submit(*disk);
    machine.changed = true;
    EXPECT_EQ(disk->wait(kRequests), kRequests);
    EXPECT_EQ(reads.requests[0].status, Status::timed_out);
    EXPECT_EQ(reads.requests[1].status, Status::device_lost);
    EXPECT_EQ(disk->read(0, reads.data.data(), kBytes), Status::device_lost);
    release(context);
    disk->shutdown();
  });
}

// The generation moves whenever it is looked at.
class RestlessConfiguration final : public scenarios::ForwardingMachine {
 public:
  using ForwardingMachine::ForwardingMachine;
  bool restless = false;
  std::uint64_t looks = 0;

  std::uint8_t mmio_read8(std::uint64_t address) override {
    if (address != kCommon + 0x15) {
      return inner_.mmio_read8(address);
    }
    looks += restless ? 1 : 0;
    return static_cast<std::uint8_t>(inner_.mmio_read8(address) + looks);
  }
};

TEST(Recovery, AConfigurationThatNeverRestsCostsABoundedAmountOfWork) {
  run_with("queue_reset=on", [](scenarios::Context& context) {
    RawDisk firmware(context.machine());
    RestlessConfiguration machine(context.machine());
    block::BlockDevice* const disk = open(machine);
    ASSERT_NE(disk, nullptr);
    scenarios::Buffer data(context, kBytes, 4096);
    const std::uint64_t sectors = disk->info().sectors;
    machine.restless = true;
    EXPECT_EQ(disk->poll(), 0u);
    EXPECT_EQ(disk->counters().config_unreadable, 1u);
    EXPECT_LT(machine.looks, 100u);
    EXPECT_EQ(disk->info().sectors, sectors) << "what was known is kept";
    EXPECT_EQ(disk->read(0, data.data(), kBytes), Status::ok);
    ASSERT_NE(context.bench().ask(Ask::resize, sectors + 8), scenarios::kNotAvailable);
    EXPECT_EQ(disk->poll(), 0u);
    machine.restless = false;
    EXPECT_EQ(disk->poll(), 0u);
    EXPECT_EQ(disk->info().sectors, sectors + 8) << "and once it rests, it is read";
    disk->shutdown();
  });
}

TEST(Recovery, ALegacyDeviceIsResetAndSentWhatItHad) {
  run_with("disable-modern=on", [](scenarios::Context& context) {
    block::BlockDevice* const disk = open(context.machine());
    ASSERT_NE(disk, nullptr);
    Reads reads(context);
    reads.requests[0].deadline = context.machine().now() + hal::kMillisecond;
    hold(context);
    reads.submit(*disk);
    EXPECT_EQ(disk->wait(1), 1u);
    EXPECT_EQ(reads.requests[0].status, Status::timed_out);
    release(context);
    drain(*disk);
    EXPECT_EQ(reads.requests[1].status, Status::ok);
    EXPECT_EQ(disk->counters().replays, kRequests - 1);
    EXPECT_EQ(disk->counters().resets, 1u);
    disk->shutdown();
  });
}

}  // namespace
}  // namespace ringside::tests::model_tests
