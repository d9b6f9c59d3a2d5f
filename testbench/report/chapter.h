// One scenario's part of the report page, as JSON: what the page's script (page.js) draws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "testbench/checks/monitor.h"
#include "testbench/trace/compare.h"
#include "testbench/trace/record.h"

namespace ringside::report {

struct QuirkUse {
  std::string name;
  std::string clause;
  std::uint64_t count = 0;
};

struct Side {
  std::string name;
  const std::vector<trace::Record>* log = nullptr;
  std::vector<QuirkUse> quirks;
  std::vector<checks::Violation> violations;
};

struct Chapter {
  std::string name;
  std::string machine;
  std::string verdict;  // of the command that ran it
  std::string reason;
  double seconds = 0;
  const trace::Comparison* comparison = nullptr;     // null: nothing was compared
  std::vector<Side> sides;                           // none, one, or left and right
  std::size_t event = static_cast<std::size_t>(-1);  // of a single side: the one to look at
  std::vector<std::string> reproduce;                // command lines
  std::string directory;                             // beside the page, with the logs and waves; empty: none
  std::size_t most_rows = 0;                         // of the list of events; 0: without one
};

// Rows of events that a page can hold in all and still be quick.
inline constexpr std::size_t kMostRowsOfPage = 200'000;

// Where to look in each side's log: the first divergence, or where the event would have been that one side lacks; the
// largest number where there is nothing to look at.
[[nodiscard]] std::vector<std::size_t> places_of(const Chapter& chapter);
[[nodiscard]] std::string chapter_json(const Chapter& chapter);

}  // namespace ringside::report
