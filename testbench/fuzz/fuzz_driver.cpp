// A hostile device against the driver: configuration space, registers, rings, status bytes, interrupts and the order of
// completions are what the input says. Whatever it is, the driver ends every request within its limits, touches no
// memory but its own (the sanitizers see that: each of its buffers is a piece of the heap by itself), spins never, and
// gives back what it took; and when the device is as it should be again, it works.
#include <array>
#include <cstdint>
#include <cstring>

#include "driver/block/block_device.h"
#include "driver/block/open.h"
#include "driver/block/virtio_blk_spec.h"
#include "driver/hal/machine.h"
#include "driver/virtio/spec.h"
#include "testbench/fuzz/choices.h"
#include "testbench/fuzz/entries.h"
#include "testbench/fuzz/finding.h"
#include "testbench/fuzz/lies.h"
#include "testbench/fuzz/lying_machine.h"

namespace ringside::fuzz {
namespace {

using block::Operation;
using block::Status;
using virtio::feature;

constexpr std::size_t kMostRequests = 8;  // in flight
constexpr unsigned kMostRounds = 6;
constexpr std::uint32_t kDataBytes = 4 * block::kSectorSize;
constexpr std::uint64_t kTimeout = 20 * hal::kMillisecond;
// A request's own time, and every step of as many recoveries as it may live through (recovery.h).
constexpr std::uint64_t kLongestWait = 60 * hal::kSecond;

constexpr std::uint64_t kAlways = feature(virtio::VIRTIO_F_VERSION_1) | feature(block::VIRTIO_BLK_F_SEG_MAX) |
                                  feature(block::VIRTIO_BLK_F_BLK_SIZE) | feature(block::VIRTIO_BLK_F_FLUSH) |
                                  feature(block::VIRTIO_BLK_F_CONFIG_WCE) | feature(block::VIRTIO_BLK_F_DISCARD) |
                                  feature(block::VIRTIO_BLK_F_WRITE_ZEROES);
// One bit of the input for each.
constexpr unsigned kSometimes[] = {virtio::VIRTIO_F_RING_PACKED,       virtio::VIRTIO_F_EVENT_IDX,
                                   virtio::VIRTIO_F_INDIRECT_DESC,     virtio::VIRTIO_F_IN_ORDER,
                                   virtio::VIRTIO_F_RING_RESET,        virtio::VIRTIO_F_NOTIFICATION_DATA,
                                   virtio::VIRTIO_F_NOTIF_CONFIG_DATA, block::VIRTIO_BLK_F_MQ};

// The first bytes of an input: how driver and device are set up. The rest is lies.
struct SetUp {
  explicit SetUp(Choices& choices)
      : access(choices.take<std::uint8_t>()),
        features(choices.take<std::uint8_t>()),
        queues(choices.take<std::uint8_t>()),
        manner(choices.take<std::uint8_t>()),
        work(choices.take<std::uint8_t>()) {}

  [[nodiscard]] LyingShape shape() const {
    LyingShape shape;
    shape.modern = (access & 0x40) == 0;
    shape.queues = static_cast<std::uint16_t>(1 + (queues >> 3) % 4);
    shape.queue_size = static_cast<std::uint16_t>(4u << (queues >> 5) % 7);
    shape.features = kAlways;
    for (unsigned i = 0; i < std::size(kSometimes); ++i) {
      shape.features |= (features >> i & 1) != 0 ? feature(kSometimes[i]) : 0;
    }
    return shape;
  }
  [[nodiscard]] block::Options options() const {
    block::Options options;
    options.transport = static_cast<block::TransportChoice>(access % 4);
    options.completion = static_cast<block::Completion>((access >> 2) % 3);
    options.vectors = (access & 0x20) != 0 ? block::VectorUse::shared : block::VectorUse::per_queue;
    options.queues = static_cast<std::uint16_t>(1 + (queues >> 3) % 4);
    options.queue_size = static_cast<std::uint16_t>(queues % 8 == 0 ? 0u : 2u << queues % 8);
    options.timeout = kTimeout;
    options.replays = manner % 4;
    options.check_requests = (manner & 4) == 0;
    options.data_alignment = (manner & 8) == 0 ? 1 : 64;
    return options;
  }

  std::uint8_t access;
  std::uint8_t features;
  std::uint8_t queues;
  std::uint8_t manner;
  std::uint8_t work;
};

struct Job {
  block::Request request;
  std::array<block::Segment, 2> segments;
  bool ended = false;
};

class Attack {
 public:
  explicit Attack(Choices& choices) : set_up_(choices), lies_(choices), machine_(set_up_.shape(), lies_, reached()) {}
  ~Attack() = default;

  void run() {
    data_ = machine_.alloc_dma_buffer(kMostRequests * kDataBytes, 64);
    if (block::BlockDevice* const disk = open()) {
      for (unsigned round = 0; round < 1 + set_up_.work % kMostRounds; ++round) {
        work(*disk, round);
      }
      meddle(*disk);
      machine_.calm();
      work(*disk, 0);
      disk->shutdown();
      require(
          disk->counters().buffers_lost != 0 || (machine_.memory().buffers() == 1 && machine_.memory().mappings() == 0),
          "the driver has not given back all that it took");
    } else {
      require(lies_.any_told(), "the driver does not bring up a device that is as it should be");
    }
    expect_all_well();
  }

  static Reached& reached() {
    static Reached counts;
    return counts;
  }

 private:
  block::BlockDevice* open() {
    machine_.begin_phase();
    return block::open_disk(machine_, hal::Observed(machine_), options());
  }
  // What is asked of a device that is a legacy one alone has to be possible there.
  [[nodiscard]] block::Options options() const {
    block::Options options = set_up_.options();
    if (!set_up_.shape().modern) {
      options.transport = block::TransportChoice::automatic;
    }
    return options;
  }

  void prepare(Job& job, unsigned number, unsigned queues) {
    constexpr Operation kOperations[] = {Operation::write,  Operation::read,    Operation::read,
                                         Operation::flush,  Operation::discard, Operation::write_zeroes,
                                         Operation::get_id, Operation::write};
    job.request = {};
    job.ended = false;
    block::Request& request = job.request;
    request.operation = kOperations[number % std::size(kOperations)];
    request.queue = static_cast<std::uint16_t>(number % queues);
    request.sector = number * 5 % 48;
    request.sector_count = 1 + number % 8;
    auto* const data = static_cast<std::uint8_t*>(data_.cpu) + number % kMostRequests * kDataBytes;
    const bool id = request.operation == Operation::get_id;
    job.segments[0] = {data, id ? std::uint32_t{block::kIdSize} : block::kSectorSize};
    job.segments[1] = {data + block::kSectorSize, block::kSectorSize};
    request.segments = job.segments.data();
    request.segment_count = id || number % 3 == 0 ? 1 : 2;
    request.user = &job;
    request.done = [](block::Request& ended) {
      Job& its = *static_cast<Job*>(ended.user);
      require(!its.ended, "a request ended twice");
      its.ended = true;
      ++reached().completions;
    };
  }

  // As many requests as the ring takes, at most kMostRequests, and their ends.
  void work(block::BlockDevice& disk, unsigned round) {
    machine_.begin_phase();
    const std::uint64_t start = machine_.driver_time();
    std::array<block::Request*, kMostRequests> batch{};
    const unsigned count = 1 + (set_up_.work >> 3) % kMostRequests;
    for (unsigned i = 0; i < count; ++i) {
      prepare(jobs_[i], round * count + i, disk.info().queues);
      batch[i] = &jobs_[i].request;
    }
    const std::size_t taken = disk.submit(batch.data(), count);
    while (disk.in_flight() != 0 || !ended(taken)) {
      const std::size_t before = disk.in_flight();
      require(disk.wait(1 + round % 3) != 0 || disk.in_flight() < before || ended(taken), "a wait that ended nothing");
    }
    require(machine_.driver_time() - start < kLongestWait, "requests ended later than recoveries take");
    judge(taken);
  }

  [[nodiscard]] bool ended(std::size_t taken) const {
    for (std::size_t i = 0; i < taken; ++i) {
      if (!jobs_[i].ended) {
        return false;
      }
    }
    return true;
  }

  void judge(std::size_t taken) const {
    for (std::size_t i = 0; i < taken; ++i) {
      const Status status = jobs_[i].request.status;
      require(status != Status::pending, "a request ended as one that has not");
      require(lies_.any_told() || status == Status::ok || status == Status::unsupported,
              "a request failed on a device that is as it should be");
    }
  }

  // What a user may ask besides.
  void meddle(block::BlockDevice& disk) {
    machine_.begin_phase();
    if ((set_up_.manner & 0x10) != 0) {
      static_cast<void>(disk.reset_queue(static_cast<std::uint16_t>((set_up_.manner & 0x40) != 0 ? 4 : 0)));
    }
    if ((set_up_.manner & 0x20) != 0) {
      static_cast<void>(disk.set_write_cache((set_up_.manner & 0x40) != 0));
      static_cast<void>(disk.write_cache());
    }
  }

  // The device is as it should be, out of the box; so is the driver.
  void expect_all_well() {
    machine_.calm();
    machine_.replug();
    block::BlockDevice* const disk = open();
    require(disk != nullptr, "the driver does not bring up a device that is in order again");
    auto* const data = static_cast<std::uint8_t*>(data_.cpu);
    std::memset(data, 0x5a, block::kSectorSize);
    const bool written = disk->write(3, data, block::kSectorSize) == Status::ok;
    std::memset(data, 0, block::kSectorSize);
    require(written && disk->read(3, data, block::kSectorSize) == Status::ok && data[0] == 0x5a &&
                data[block::kSectorSize - 1] == 0x5a,
            "a device that is in order again does not read what was written");
    disk->shutdown();
  }

  SetUp set_up_;
  Lies lies_;
  LyingMachine machine_;
  hal::DmaBuffer data_;
  std::array<Job, kMostRequests> jobs_;
};

std::string lie_of(On on, unsigned kind, unsigned first, std::uint32_t value) {
  std::string bytes{static_cast<char>(on), static_cast<char>(kind), '\1', '\2', static_cast<char>(first), '\0'};
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  return bytes;
}

}  // namespace

void run_driver(Input input) {
  Choices choices(input);
  Attack(choices).run();
}

const Reached& driver_reached() { return Attack::reached(); }

// Every way to the registers, every kind of ring, with no lie; then each kind of lie on a few of them.
std::vector<std::string> driver_seeds(const std::string&) {
  std::vector<std::string> seeds;
  for (const unsigned access : {0u, 1u, 2u, 3u, 4u, 8u, 0x20u, 0x40u, 0x44u}) {
    for (const unsigned features : {0x00u, 0x06u, 0x0fu, 0x17u, 0x96u, 0xffu}) {
      const unsigned queues = features == 0xff ? 0x98 : 0x60;
      seeds.push_back({static_cast<char>(access), static_cast<char>(features), static_cast<char>(queues),
                       static_cast<char>(access << 4), static_cast<char>(0x3a + features)});
    }
  }
  const std::size_t honest = seeds.size();
  for (unsigned on = 0; on < kOpportunities; ++on) {
    for (unsigned kind = 0; kind < 14; ++kind) {
      const std::string& honest_one = seeds[(on * 14 + kind) * 7 % honest];
      seeds.push_back(honest_one + lie_of(static_cast<On>(on), kind, kind * 3, 0x0101'0003 + kind * 977));
    }
  }
  return seeds;
}

}  // namespace ringside::fuzz
