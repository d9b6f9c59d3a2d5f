// One run of a case, with everything that judges it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "testbench/campaign/case.h"
#include "testbench/campaign/driver_state.h"
#include "testbench/campaign/outcome.h"
#include "testbench/trace/record.h"

namespace ringside::campaign {

// A fault of the plan in this run.
struct FaultEnd {
  std::string name;
  bool fired = false;
  DriverState state = DriverState::starting;  // when it did
};

struct Ending {
  Outcome outcome = Outcome::broken;
  std::string where;             // of a failure: the check, the clause, the sentence; empty otherwise
  std::vector<FaultEnd> faults;  // in the order of the plan
  // Of the log, where something shows: where faults fired, and where the failure did.
  std::vector<Firing> firings;
  std::size_t noticed_record = 0;
  std::uint64_t noticed_time = 0;

  // What kind of failure, where, and which faults had fired; empty when it is none. Failures are grouped by it.
  [[nodiscard]] std::string signature() const;
  // The same without the faults: what has to stay while a case is made smaller.
  [[nodiscard]] std::string kind() const;
};

struct RunLimits {
  std::uint64_t seconds = 20;  // of real time: what goes beyond has spun
};

// Throws targets::InputError when the case makes no machine. Records go to `also` too, unless it is null.
[[nodiscard]] Ending run_case(const Case& subject, const RunLimits& limits, trace::Sink* also = nullptr);

// The hash of everything that a run recorded.
[[nodiscard]] std::uint64_t log_hash(const Case& subject, const RunLimits& limits);

}  // namespace ringside::campaign
