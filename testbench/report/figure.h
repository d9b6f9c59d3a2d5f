// What one side did round one event: marks and bars on lanes (driver, interrupts, device, a lane for each queue), to
// be drawn along the time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "testbench/trace/record.h"

namespace ringside::report {

struct FigureMark {
  std::uint64_t time = 0;
  std::string lane;
  std::string text;
  bool here = false;  // the event itself
};

struct FigureBar {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string lane;
  std::string text;
  bool open = false;  // it ends after the figure does, or never
};

struct Figure {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t at = 0;  // time of the event
  std::vector<FigureMark> marks;
  std::vector<FigureBar> bars;
};

// `index` is the event's place, or where it would have been; it may be the log's end.
[[nodiscard]] Figure figure_of(const std::vector<trace::Record>& log, std::size_t index);

}  // namespace ringside::report
