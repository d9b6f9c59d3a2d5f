// What the runs of a campaign come to. Depends on which runs there are, never on the order in which they are added.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "testbench/campaign/driver_state.h"
#include "testbench/campaign/outcome.h"
#include "testbench/campaign/results.h"

namespace ringside::campaign {

using OutcomeCounts = std::array<std::uint64_t, kOutcomes>;

struct FaultSummary {
  std::uint64_t planned = 0;
  std::uint64_t fired = 0;
  // Of the runs in which it fired: by the driver's state then.
  std::array<OutcomeCounts, kDriverStates> by_state{};
  [[nodiscard]] OutcomeCounts outcomes() const;
};

struct FailureGroup {
  std::uint64_t count = 0;
  std::uint64_t first_seed = 0;  // the lowest
};

class Summary {
 public:
  void add(const RunRow& row);

  [[nodiscard]] std::uint64_t runs() const { return runs_; }
  [[nodiscard]] std::uint64_t failures() const { return failing_.size(); }
  [[nodiscard]] const OutcomeCounts& outcomes() const { return outcomes_; }
  // By action; those that were in no plan are not there.
  [[nodiscard]] const std::map<std::string, FaultSummary>& faults() const { return faults_; }
  [[nodiscard]] const std::map<std::string, FailureGroup>& groups() const { return groups_; }
  // Signatures by seed.
  [[nodiscard]] const std::map<std::uint64_t, std::string>& failing() const { return failing_; }

 private:
  std::uint64_t runs_ = 0;
  OutcomeCounts outcomes_{};
  std::map<std::string, FaultSummary> faults_;
  std::map<std::string, FailureGroup> groups_;
  std::map<std::uint64_t, std::string> failing_;
};

}  // namespace ringside::campaign
