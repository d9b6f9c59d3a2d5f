#include "testbench/checks/monitor.h"

#include <algorithm>
#include <utility>

namespace ringside::checks {

const char* to_string(Role role) { return role == Role::driver ? "driver" : "device"; }

void Findings::add(const Clause& clause, std::string text) {
  std::vector<std::size_t>& kept = by_clause_[clause.id];
  if (kept.size() == kKeptPerClause) {
    ++violations_[kept.back()].count;
    return;
  }
  kept.push_back(violations_.size());
  violations_.push_back({clause.id, clause.role, index_, time_, std::move(text)});
}

std::vector<Violation> Findings::take() {
  by_clause_.clear();
  std::stable_sort(violations_.begin(), violations_.end(),
                   [](const Violation& left, const Violation& right) { return left.index < right.index; });
  return std::exchange(violations_, {});
}

}  // namespace ringside::checks
