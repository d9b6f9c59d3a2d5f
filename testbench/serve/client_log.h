// Where what a served disk does is recorded: a log for each client, from the function's power-on to the client's end.
#pragma once

#include <vector>

#include "testbench/faults/plan.h"
#include "testbench/trace/record.h"

namespace ringside::serve {

class ClientLog {
 public:
  // A client is there: where its records go. It stays until end().
  [[nodiscard]] virtual trace::Sink& begin() = 0;
  // `faults`: what became of the plan's; none without a plan.
  virtual void end(const std::vector<faults::FaultCount>& faults) = 0;

 protected:
  ~ClientLog() = default;
};

}  // namespace ringside::serve
