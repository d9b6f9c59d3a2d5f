// Two logs side by side: which event of one is which of the other, as the comparison pairs them, and in which rows a
// table shows both in their own order.
#pragma once

#include <cstddef>
#include <vector>

#include "testbench/trace/record.h"

namespace ringside::report {

inline constexpr std::size_t kNone = static_cast<std::size_t>(-1);

struct Partner {
  std::size_t index = kNone;  // in the other log; none: an event that is not compared, or that the other side lacks
  bool differs = false;       // in a field that is compared
};

// A row shows one record of each log, or of one only.
struct AlignedRow {
  std::size_t left = kNone;
  std::size_t right = kNone;
};

struct Alignment {
  std::vector<Partner> left;     // by index in the log
  std::vector<AlignedRow> rows;  // each log's indices rise; text, which belongs to the record before it, has no row
};

// Completions may come in another order on the other side: such pairs know of each other and stand in different rows.
[[nodiscard]] Alignment align(const std::vector<trace::Record>& left, const std::vector<trace::Record>& right);

}  // namespace ringside::report
