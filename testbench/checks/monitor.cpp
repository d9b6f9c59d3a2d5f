#include "testbench/checks/monitor.h"

#include <algorithm>
#include <utility>

namespace ringside::checks {

const char* to_string(Role role) { return role == Role::driver ? "driver" : "device"; }

void Findings::add(Violation violation) {
  std::vector<std::size_t>& kept = by_clause_[violation.clause];
  if (kept.size() == kKeptPerClause) {
    ++violations_[kept.back()].count;
    return;
  }
  kept.push_back(violations_.size());
  violations_.push_back(std::move(violation));
}

std::vector<Violation> Findings::take() {
  by_clause_.clear();
  std::stable_sort(violations_.begin(), violations_.end(),
                   [](const Violation& left, const Violation& right) { return left.index < right.index; });
  return std::exchange(violations_, {});
}

void Monitor::see(const trace::Record& record, std::size_t index) {
  index_ = index;
  time_ = record.time;
  if (record.tap == needs()) {
    take(record);
  }
}

void Monitor::violated(const Clause& clause, std::string text) {
  Violation violation;
  violation.clause = clause.id;
  violation.role = clause.role;
  violation.index = index_;
  violation.time = time_;
  violation.text = std::move(text);
  findings_.add(std::move(violation));
}

}  // namespace ringside::checks
