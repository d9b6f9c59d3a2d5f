// Where a run first differs from its golden log, and whether anything but time does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "testbench/trace/golden_log.h"

namespace ringside::trace {

struct GoldenDifference {
  enum class Kind : std::uint8_t {
    events,  // something else happened
    time,    // the same happened at other times: a timing regression
  };
  Kind kind = Kind::events;
  std::size_t segment = 0;   // the first that differs
  std::size_t segments = 0;  // how many do
  std::uint64_t first = 0;   // in the run's log: the difference begins at one of the records first..last
  std::uint64_t last = 0;
  bool ended = false;          // the run has no record there: it ended before
  bool moved_before = false;   // of Kind::events: times differ in a segment before this one
  std::uint64_t old_time = 0;  // ns since power-on at the end of the segment, in the golden log
  std::uint64_t new_time = 0;  // and in the run
  std::uint64_t old_end = 0;   // of the whole
  std::uint64_t new_end = 0;
  std::vector<std::string> gone;  // what is told of that segment in the golden log alone
  std::vector<std::string> come;  // and in the run alone
};

// Nothing when the two are the same. What is told for readers does not count.
[[nodiscard]] std::optional<GoldenDifference> first_difference(const GoldenLog& golden, const GoldenLog& run);

// For people: one line, and the whole story with the run's own records at that place.
[[nodiscard]] std::string summary_of(const GoldenDifference& difference, const std::vector<Record>& log);
[[nodiscard]] std::string render(const GoldenDifference& difference, const std::vector<Record>& log);

}  // namespace ringside::trace
