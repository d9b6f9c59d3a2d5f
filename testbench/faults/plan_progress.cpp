#include "testbench/faults/plan_progress.h"

#include <algorithm>

namespace ringside::faults {

trace::Record PlanProgress::fired(std::size_t fault, std::uint64_t time) {
  faults_[fault].fired = true;
  trace::Record record;
  record.time = time;
  record.kind = trace::Kind::dev_fault;
  record.tap = trace::Tap::bench;
  record.unit = plan_.faults[fault].unit;
  record.queue = plan_.faults[fault].queue;
  record.value = fault + 1;  // as a reader of the plan counts them
  return record;
}

std::vector<FaultCount> PlanProgress::counts() const {
  std::vector<FaultCount> counts;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    auto found = std::ranges::find(counts, plan_.faults[i].name, &FaultCount::name);
    if (found == counts.end()) {
      found = counts.insert(counts.end(), {plan_.faults[i].name, 0, 0});
    }
    ++found->planned;
    found->fired += faults_[i].fired ? 1 : 0;
  }
  return counts;
}

bool PlanProgress::any_fired() const { return std::ranges::any_of(faults_, &Progress::fired); }

}  // namespace ringside::faults
