#include "testbench/checks/coverage.h"

#include <algorithm>
#include <array>

#include "testbench/checks/monitors.h"

namespace ringside::checks {

std::vector<CheckedClause> watched_clauses() {
  Findings findings;
  const Facts facts;
  std::vector<CheckedClause> watched;
  for (const auto& monitor : all_monitors({findings, facts})) {
    for (const Clause& clause : monitor->clauses()) {
      watched.push_back({clause, monitor->name()});
    }
  }
  return watched;
}

const char* to_string(Coverage::By by) {
  constexpr std::array kNames = {"monitor", "test", "nothing"};
  return kNames[static_cast<std::size_t>(by)];
}

std::vector<Coverage> coverage() {
  const std::vector<CheckedClause> watched = watched_clauses();
  std::vector<Coverage> rows;
  for (const Requirement& requirement : all_requirements()) {
    Coverage row{&requirement, Coverage::By::nothing, {}};
    const auto monitor = std::ranges::find_if(watched, [&](const CheckedClause& c) {
      return c.clause.id == requirement.id && c.clause.role == requirement.role;
    });
    const auto test = std::ranges::find(tested_clauses(), requirement.id, &TestedClause::id);
    if (monitor != watched.end()) {
      row.by = Coverage::By::monitor;
      row.name = monitor->monitor;
    } else if (test != tested_clauses().end()) {
      row.by = Coverage::By::test;
      row.name = test->test;
    }
    rows.push_back(row);
  }
  return rows;
}

}  // namespace ringside::checks
