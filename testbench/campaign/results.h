// The results of a campaign, one line a run, in the order in which they came:
//
//   SEED <tab> OUTCOME <tab> FAULT:STATE,FAULT:- <tab> SIGNATURE
//
// where `-` is the state of a fault that did not fire, and the signature is empty but for failures. A line without its
// end is what a killed writer left behind, and counts for nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "testbench/campaign/driver_state.h"
#include "testbench/campaign/outcome.h"
#include "testbench/campaign/run_case.h"

namespace ringside::campaign {

struct RunRow {
  std::uint64_t seed = 0;
  Outcome outcome = Outcome::broken;
  std::vector<FaultEnd> faults;
  std::string signature;
};

[[nodiscard]] RunRow row_of(std::uint64_t seed, const Ending& ending);
// With its line end.
[[nodiscard]] std::string print_row(const RunRow& row);
// Of a line without its end. Throws trace::FileError.
[[nodiscard]] RunRow parse_row(std::string_view line, const std::string& path, std::uint64_t number);

// Calls take(row) for each line that is whole. Returns the number of bytes that they take. Throws trace::FileError for
// a line that is none, and when the file cannot be read; a file that is not there has no lines.
std::uint64_t read_rows(const std::string& path, const std::function<void(RunRow row)>& take);

}  // namespace ringside::campaign
