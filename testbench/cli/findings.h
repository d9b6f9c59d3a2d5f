// What the monitors found in a log, as rows of a document and as lines for people.
#pragma once

#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "testbench/checks/monitor.h"
#include "testbench/targets/target.h"

namespace ringside::cli {

// One row for each requirement that a side broke: its first violation stands for the others. `quirk` names the known
// departure of this target that explains it: of the QEMU that `quirks_of` names, or one that fired; else it is empty.
[[nodiscard]] nlohmann::ordered_json finding_rows(const std::vector<checks::Violation>& violations,
                                                  const std::string& quirks_of,
                                                  const std::vector<targets::QuirkHit>& fired);

// The first MUST that the device broke and nothing explains; empty when there is none. What the driver breaks, a
// scenario may have meant to break; and once it has broken what it must keep, the device owes it nothing.
[[nodiscard]] std::string unexplained(const nlohmann::ordered_json& rows);

// A line each, without line ends.
[[nodiscard]] std::vector<std::string> finding_lines(const nlohmann::ordered_json& rows);

}  // namespace ringside::cli
