// Carries a fault plan out: counts the tap's records as they pass, arms each fault when its trigger comes, and writes a
// record into the log when one has fired.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "testbench/faults/device_injector.h"
#include "testbench/faults/faulty_machine.h"
#include "testbench/faults/plan.h"
#include "testbench/faults/plan_progress.h"
#include "testbench/faults/target_faults.h"
#include "testbench/trace/record.h"

namespace ringside::faults {

class Injector final : public trace::Sink, private FaultListener {
 public:
  // All outlive the injector; `machine` is the one that the tap stands on, `sink` the one that it would write to.
  Injector(const Plan& plan, FaultyMachine& machine, trace::Sink& sink);
  Injector(const Injector&) = delete;
  Injector& operator=(const Injector&) = delete;

  // Without it, what only a target can do is impossible. It outlives the injector's last record.
  void use(TargetFaults& target);
  void append(const trace::Record& record) override;
  // Says what has fired inside devices since the last record.
  void settle();
  // From now on nothing happens: what is armed is dropped, and no trigger counts.
  void calm();

  // By name, in the order of the plan.
  [[nodiscard]] std::vector<FaultCount> counts() const { return progress_.counts(); }
  // A run in which nothing fired has tested nothing.
  [[nodiscard]] bool any_fired() const { return progress_.any_fired(); }
  // Why a fault of the plan could not happen; empty when none was like that.
  [[nodiscard]] const std::string& why_not() const { return why_not_; }

 private:
  void arm(std::size_t fault);
  void act(std::size_t fault);
  [[nodiscard]] bool done_by_target(const Fault& fault);
  [[nodiscard]] bool storm(const Fault& fault);
  void fired(std::size_t fault) override;
  void impossible(std::size_t fault, const char* why) override;

  const Plan& plan_;
  FaultyMachine& machine_;
  trace::Sink& sink_;
  TargetFaults* target_ = nullptr;
  DeviceInjector devices_;
  std::set<std::uint8_t> injected_;  // units
  std::string why_not_;
  PlanProgress progress_;
  bool calm_ = false;
};

}  // namespace ringside::faults
