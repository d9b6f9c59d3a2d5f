// How many requests were in flight over the time of a run, by queue: few enough points to draw.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "testbench/trace/record.h"

namespace ringside::report {

struct Flight {
  std::string queue;  // "0.1": queue 1 of disk 0
  std::uint64_t most = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> points;  // time in ns, requests from then on
};

struct Flights {
  std::vector<Flight> queues;
  std::size_t left_out = 0;  // queues beyond what a page can show
  std::uint64_t end = 0;     // of the log, in ns
};

[[nodiscard]] Flights flights_of(const std::vector<trace::Record>& log);

}  // namespace ringside::report
