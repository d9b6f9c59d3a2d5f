#include "testbench/faults/injector.h"

#include <algorithm>

namespace ringside::faults {
Injector::Injector(const Plan& plan, FaultyMachine& machine, trace::Sink& sink)
    : plan_(plan), machine_(machine), sink_(sink), progress_(plan.faults.size()) {
  machine_.listen(*this);
}

void Injector::append(const trace::Record& record) {
  sink_.append(record);
  machine_.see(record);
  if (calm_) {
    return;
  }
  for (std::size_t i = 0; i < progress_.size(); ++i) {
    if (trace::matches(plan_.faults[i], record) && ++progress_[i].seen == plan_.faults[i].nth) {
      machine_.arm(i, plan_.faults[i]);
    }
  }
}

void Injector::calm() {
  calm_ = true;
  machine_.disarm();
}

void Injector::fired(std::size_t fault) {
  progress_[fault].fired = true;
  trace::Record record;
  record.time = machine_.now();
  record.kind = trace::Kind::dev_fault;
  record.tap = trace::Tap::bench;
  record.unit = plan_.faults[fault].unit;
  record.queue = plan_.faults[fault].queue;
  record.value = fault + 1;  // as a reader of the plan counts them
  sink_.append(record);
}

void Injector::impossible(std::size_t, const char* why) { why_not_ = why; }

std::vector<FaultCount> Injector::counts() const {
  std::vector<FaultCount> counts;
  for (std::size_t i = 0; i < progress_.size(); ++i) {
    const std::string& name = plan_.faults[i].name;
    auto found =
        std::find_if(counts.begin(), counts.end(), [&](const FaultCount& count) { return count.name == name; });
    if (found == counts.end()) {
      found = counts.insert(counts.end(), {name, 0, 0});
    }
    ++found->planned;
    found->fired += progress_[i].fired ? 1 : 0;
  }
  return counts;
}

bool Injector::any_fired() const {
  return std::any_of(progress_.begin(), progress_.end(), [](const Progress& progress) { return progress.fired; });
}

}  // namespace ringside::faults
