// What a device keeps to itself of a driver's settings and of its queues, as its simulator tells it: no driver sees it,
// until it goes wrong.
#pragma once

#include <cstdint>
#include <vector>

#include "testbench/trace/driver_tap.h"

namespace ringside::targets {

struct InnerQueue {
  std::uint16_t number = 0;
  std::uint16_t size = 0;
  // Places in the ring: of the available ring's next entry to fetch, and of the used ring's next to write; of a packed
  // ring's next descriptors, without the wrap counters.
  std::uint16_t next_available = 0;
  std::uint16_t next_used = 0;
  std::uint32_t in_flight = 0;  // chains fetched and not used yet
  std::uint64_t descriptors = 0;
  std::uint64_t driver_area = 0;
  std::uint64_t device_area = 0;
};

struct InnerState {
  std::uint8_t status = 0;
  std::uint64_t features = 0;      // that the driver accepted
  std::vector<InnerQueue> queues;  // those that have a ring
};

// As records of the device's side: one of the device, and one of each queue.
void record_inner_state(trace::DriverTap& tap, std::uint8_t unit, const InnerState& state);

}  // namespace ringside::targets
