#include "testbench/checks/monitors.h"

namespace ringside::checks {

std::vector<std::unique_ptr<Monitor>> all_monitors(Findings& findings) {
  std::vector<std::unique_ptr<Monitor>> monitors;
  for (const auto make : {make_status_protocol, make_features, make_queue_setup, make_available_ring, make_used_ring,
                          make_notification, make_config_access, make_block_requests, make_guards, make_block_oracle}) {
    monitors.push_back(make(findings));
  }
  return monitors;
}

std::vector<Violation> run_monitors(const std::vector<trace::Record>& log) {
  Findings findings;
  const auto monitors = all_monitors(findings);
  for (std::size_t index = 0; index < log.size(); ++index) {
    for (const auto& monitor : monitors) {
      monitor->see(log[index], index);
    }
  }
  for (const auto& monitor : monitors) {
    monitor->finish();
  }
  return findings.take();
}

}  // namespace ringside::checks
