// How far inputs have come since the process began. A fuzz target whose inputs never get as far as a request looks for
// nothing, however many of them it runs; so each of those that play a device or a driver counts, and a test holds what
// the seeds reach against what is expected of them.
#pragma once

#include <cstdint>

namespace ringside::fuzz {

struct Reached {
  std::uint64_t bring_ups = 0;    // as far as DRIVER_OK
  std::uint64_t requests = 0;     // that the device carried out, of whatever kind
  std::uint64_t reads = 0;        // of these, with data
  std::uint64_t writes = 0;       // likewise
  std::uint64_t completions = 0;  // that were seen on the other side
};

}  // namespace ringside::fuzz
