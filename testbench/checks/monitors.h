// All monitors, and a run of them over a log.
#pragma once

#include <memory>
#include <vector>

#include "testbench/checks/monitor.h"
#include "testbench/trace/record.h"

namespace ringside::checks {

// One per file, named after it. `findings` outlives them.
[[nodiscard]] std::unique_ptr<Monitor> make_status_protocol(Findings& findings);
[[nodiscard]] std::unique_ptr<Monitor> make_features(Findings& findings);
[[nodiscard]] std::unique_ptr<Monitor> make_queue_setup(Findings& findings);
[[nodiscard]] std::unique_ptr<Monitor> make_available_ring(Findings& findings);
[[nodiscard]] std::unique_ptr<Monitor> make_used_ring(Findings& findings);
[[nodiscard]] std::unique_ptr<Monitor> make_notification(Findings& findings);
[[nodiscard]] std::unique_ptr<Monitor> make_config_access(Findings& findings);
[[nodiscard]] std::unique_ptr<Monitor> make_block_requests(Findings& findings);
[[nodiscard]] std::unique_ptr<Monitor> make_guards(Findings& findings);
[[nodiscard]] std::unique_ptr<Monitor> make_block_oracle(Findings& findings);

[[nodiscard]] std::vector<std::unique_ptr<Monitor>> all_monitors(Findings& findings);

// Linear in the log; memory is bounded by the queues and by the extents that the block oracle remembers. `log` starts
// at power-on.
[[nodiscard]] std::vector<Violation> run_monitors(const std::vector<trace::Record>& log);

}  // namespace ringside::checks
