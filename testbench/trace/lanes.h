// A log, taken apart into lanes: sequences in each of which order means something. Between lanes it does not: when a
// request completes relative to the next one is the device's business.
//
// Polling is collapsed here, or two runs of different speed would never agree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "testbench/trace/record.h"

namespace ringside::trace {

struct LaneEvent {
  std::size_t index = 0;  // in the log
  const Record* record = nullptr;
  std::uint64_t text = 0;  // hash of the text that follows, for kinds that have one
};

// One life of a queue: from being enabled to a reset.
struct QueueKey {
  std::uint8_t unit = 0;
  std::uint16_t queue = 0;
  std::uint32_t life = 0;
  // clang-tidy 14 finds a null pointer in what the compiler makes of this.
  auto operator<=>(const QueueKey&) const = default;  // NOLINT(modernize-use-nullptr)
};

// A flush covers what had completed before it was sent (VIRTIO 1.2, 5.2.6.2): how much that was is the driver's doing,
// wherever completions come at the same moments.
struct FlushPoint {
  LaneEvent request;
  std::uint64_t in_flight = 0;  // of that device, others than the flush
};

struct QueueLane {
  std::vector<LaneEvent> requests;                 // in order
  std::map<std::uint32_t, LaneEvent> completions;  // by ordinal: their order is free
  std::vector<FlushPoint> flushes;                 // in order
  // The queue or the device was reset with requests in flight: which of them still completed is a matter of timing.
  bool cut = false;
};

// What a device kept to itself when it, or one of its queues, was about to be reset.
struct InnerState {
  LaneEvent device;
  std::map<std::uint16_t, LaneEvent> queues;
  // With chains in flight, how far a device has got is a matter of timing.
  std::set<std::uint16_t> moving;
};

struct Lanes {
  std::vector<LaneEvent> control;  // what the driver and the scenario did, and the answers
  std::map<QueueKey, QueueLane> queues;
  std::vector<LaneEvent> timeouts;                        // waits that ended at their deadline
  std::map<std::uint8_t, std::vector<InnerState>> inner;  // by unit, in order; empty where no simulator tells

  // Events of the exact class, before the other side is looked at.
  [[nodiscard]] std::size_t exact() const;
};

// `log` outlives the result.
[[nodiscard]] Lanes lanes_of(const std::vector<Record>& log);

}  // namespace ringside::trace
