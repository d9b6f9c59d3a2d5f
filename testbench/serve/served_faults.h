// Carries a fault plan out on a served disk. Its events are the records of the client's driver as they can be seen from
// here (ClientWatch), so a plan reads as it does for a run. What happens, happens inside the function, on its
// interrupts, or to all of it; what a plan does to memory between driver and device is for runs of the bench alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "testbench/faults/device_injector.h"
#include "testbench/faults/plan.h"
#include "testbench/faults/plan_progress.h"
#include "testbench/serve/served_disk.h"
#include "testbench/trace/record.h"

namespace ringside::serve {

class ServedFaults final : public trace::Sink {
 public:
  // Both outlive it; one client's.
  ServedFaults(const faults::Plan& plan, ServedDisk& disk, trace::Sink& sink);
  // Why the plan cannot be carried out here; empty when it can.
  [[nodiscard]] static std::string gap(const faults::Plan& plan);
  // After the function's power-on.
  void power_on();

  void append(const trace::Record& record) override;
  // The function is between two accesses: what cannot be done in the middle of one is done now.
  void settle();

  // By name, in the order of the plan.
  [[nodiscard]] std::vector<faults::FaultCount> counts() const { return progress_.counts(); }

 private:
  void arm(std::size_t fault);
  void act(std::size_t fault);
  void fired(std::size_t fault);

  const faults::Plan& plan_;
  ServedDisk& disk_;
  trace::Sink& sink_;
  faults::DeviceInjector devices_;
  faults::PlanProgress progress_;
  std::vector<std::size_t> due_;     // to be done when the function is between two accesses
  std::vector<std::size_t> losing_;  // interrupts, one after the other
  std::uint64_t time_ = 0;           // of the last record
};

}  // namespace ringside::serve
