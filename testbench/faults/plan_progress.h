// How far a plan has come: which of its faults have seen their trigger, and which have fired.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "testbench/faults/plan.h"
#include "testbench/trace/event.h"
#include "testbench/trace/kind_set.h"
#include "testbench/trace/record.h"

namespace ringside::faults {

class PlanProgress {
 public:
  // `plan` outlives it.
  explicit PlanProgress(const Plan& plan) : plan_(plan), faults_(plan.faults.size()) {
    for (const Fault& fault : plan.faults) {
      triggers_.add({&fault.kind, 1});
    }
  }

  // Calls `arm` with the number of each fault whose trigger this record is, in the order of the plan.
  template <class Arm>
  void see(const trace::Record& record, Arm arm) {
    if (!triggers_.contains(record.kind)) {
      return;
    }
    for (std::size_t i = 0; i < faults_.size(); ++i) {
      if (trace::matches(plan_.faults[i], record) && ++faults_[i].seen == plan_.faults[i].nth) {
        arm(i);
      }
    }
  }

  // Says that a fault has fired, and gives the record of it for the log.
  [[nodiscard]] trace::Record fired(std::size_t fault, std::uint64_t time);

  // By name, in the order of the plan.
  [[nodiscard]] std::vector<FaultCount> counts() const;
  [[nodiscard]] bool any_fired() const;

 private:
  struct Progress {
    std::uint64_t seen = 0;  // records like its trigger
    bool fired = false;
  };

  const Plan& plan_;
  trace::KindSet triggers_;
  std::vector<Progress> faults_;  // one for each fault of the plan
};

}  // namespace ringside::faults
