// The asynchrony of one run, to be replayed in another: in which order each queue's requests completed, and what
// the driver saw each time it looked at used.idx. Comparison feeds what QEMU showed to the model instead of
// predicting it; what it overrides is checked elsewhere (the model against itself runs freely).
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "testbench/trace/record.h"

namespace ringside::trace {

struct QueueSchedule {
  // The n-th chain on the queue since it was enabled, in the order of completion.
  std::vector<std::uint32_t> completion_order;
  // Completions visible (total since the queue was enabled) at each look of the driver; looks that saw nothing new
  // are collapsed to one.
  std::vector<std::uint64_t> looks;
  // How many looks in a row each of them stands for: more than one only where they saw nothing new.
  std::vector<std::uint32_t> repeats;
  // Where each of them stands among the looks at all queues of all devices.
  std::vector<std::uint64_t> places;
  // And how often the driver had waited for an interrupt before it.
  std::vector<std::uint64_t> waits;
  // What was visible, in rising order, at those looks that followed a wait which an interrupt had ended although none
  // was due, on this queue or on any other that the driver looked at then: one for completions that the driver had
  // taken by polling, or one that the device raises unasked. Who follows the schedule ends the wait here too; where one
  // is due, raising it is the follower's own business, and its mistake.
  std::vector<std::uint64_t> unprompted;
};

struct Schedule {
  // Per life of a queue: a queue that is reset and enabled again starts a new entry. Key: unit<<16 | queue.
  std::map<std::uint32_t, std::vector<QueueSchedule>> queues;
};

[[nodiscard]] Schedule schedule_of(const std::vector<Record>& log);

}  // namespace ringside::trace
