// What checks each requirement: a monitor, a test, or nothing yet. A monitor counts by what it declares, and
// monitor_test.cpp fails unless that is exactly what its violations break; a test counts by its name, and
// coverage_test.cpp fails unless there is a test of that name.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "testbench/checks/monitor.h"
#include "testbench/checks/requirements.h"

namespace ringside::checks {

struct CheckedClause {
  Clause clause;
  const char* monitor;
};

// All that the monitors declare, in their order: requirements, and sections of the specification from which one
// follows.
[[nodiscard]] std::vector<CheckedClause> watched_clauses();

// A requirement that a record of a run cannot show, and the GoogleTest that breaks it.
struct TestedClause {
  std::string_view id;
  std::string_view test;  // Suite.Name
};
[[nodiscard]] std::span<const TestedClause> tested_clauses();

struct Coverage {
  const Requirement* requirement = nullptr;
  enum class By { monitor, test, nothing } by = By::nothing;
  std::string_view name;  // of the monitor or the test
};
[[nodiscard]] const char* to_string(Coverage::By by);
// Of every requirement, in the order of the table. A monitor counts before a test.
[[nodiscard]] std::vector<Coverage> coverage();

}  // namespace ringside::checks
