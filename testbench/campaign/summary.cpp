#include "testbench/campaign/summary.h"

#include <algorithm>

namespace ringside::campaign {

OutcomeCounts FaultSummary::outcomes() const {
  OutcomeCounts sum{};
  for (const OutcomeCounts& counts : by_state) {
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += counts[i];
    }
  }
  return sum;
}

void Summary::add(const RunRow& row) {
  ++runs_;
  ++outcomes_[static_cast<std::size_t>(row.outcome)];
  for (const FaultEnd& fault : row.faults) {
    FaultSummary& summary = faults_[fault.name];
    ++summary.planned;
    if (fault.fired) {
      ++summary.fired;
      ++summary.by_state[static_cast<std::size_t>(fault.state)][static_cast<std::size_t>(row.outcome)];
    }
  }
  if (is_failure(row.outcome)) {
    failing_[row.seed] = row.signature;
    const auto [group, fresh] = groups_.try_emplace(row.signature, FailureGroup{0, row.seed});
    ++group->second.count;
    group->second.first_seed = std::min(group->second.first_seed, row.seed);
  }
}

}  // namespace ringside::campaign
