// A golden log: what a run was like when somebody last looked at it, small enough to be read in a review. The run's log
// is cut into segments; of each there is how long it is, how much time it takes, two hashes, a row of marks that find
// the place of a difference within it, and what happened in it that matters to a reader.
//
//   ringside golden log 1.0
//   case flush@packed                         which run, and how it is made
//   machine pc-i440fx-7.2
//   device packed=on
//   streams 19b1f3c2 70c2aa51
//   segment 64 records 12345 ns 0f9a3c51 77aa0b12 AbCd...
//     status DRIVER_OK                        for readers; not compared
//
// A segment says nothing of what went before it, and segments end at events of the scenario where they can: what
// changes in a run changes few lines of its file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "testbench/trace/file_error.h"
#include "testbench/trace/record.h"

namespace ringside::trace {

// As of the binary log: a newer minor only adds; another major is refused.
inline constexpr unsigned kGoldenMajor = 1;
inline constexpr unsigned kGoldenMinor = 0;

struct GoldenSegment {
  std::uint64_t records = 0;
  std::uint64_t duration = 0;  // ns, from the last record of the segment before to its own last one
  std::uint32_t content = 0;   // hash of its records without their times
  std::uint32_t times = 0;     // hash of the time between each record and the one before
  std::string marks;           // of each few records a digit over both: see records_per_mark()
  std::vector<std::string> events;
};

// All that driver and scenario saw, in order, and all that the device did, in whatever order: it does several things at
// once. Where both are the same, only time has changed.
struct GoldenStreams {
  std::uint32_t driver = 0;
  std::uint32_t device = 0;
  friend bool operator==(const GoldenStreams&, const GoldenStreams&) = default;
};

struct GoldenLog {
  // What makes the run: "case", "machine", "device", "set", "seed", in this order; some more than once.
  std::vector<std::pair<std::string, std::string>> made_by;
  std::vector<GoldenSegment> segments;
  GoldenStreams streams = {};

  [[nodiscard]] std::uint64_t records() const;
  [[nodiscard]] std::uint64_t duration() const;
};

// At most this many marks in a segment.
inline constexpr std::size_t kMostMarks = 32;
// A segment that begins at `start` has at most this many records: long logs get longer segments.
[[nodiscard]] std::size_t longest_segment(std::size_t start);
[[nodiscard]] std::size_t records_per_mark(std::size_t start);

[[nodiscard]] std::vector<GoldenSegment> golden_segments(const std::vector<Record>& log);
[[nodiscard]] GoldenStreams golden_streams(const std::vector<Record>& log);

[[nodiscard]] std::string print(const GoldenLog& golden);
// `text` is outside input. Throws FileError: one line with `name`, line, and what was expected there.
[[nodiscard]] GoldenLog parse_golden(const std::string& text, const std::string& name);
[[nodiscard]] GoldenLog load_golden(const std::string& path);

}  // namespace ringside::trace
