// All monitors, and a run of them over a log.
#pragma once

#include <memory>
#include <vector>

#include "testbench/checks/monitor.h"
#include "testbench/trace/kind_set.h"
#include "testbench/trace/record.h"

namespace ringside::checks {

// One per file, named after it. What is in `tools` outlives them.
[[nodiscard]] std::unique_ptr<Monitor> make_status_protocol(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_features(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_queue_setup(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_available_ring(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_used_ring(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_notification(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_config_access(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_block_requests(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_guards(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_block_oracle(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_chains(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_vectors(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_device_config(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_capacity(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_feature_windows(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_pci_capabilities(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_isr(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_device_silence(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_device_memory(const Tools& tools);
[[nodiscard]] std::unique_ptr<Monitor> make_interrupts_sent(const Tools& tools);

[[nodiscard]] std::vector<std::unique_ptr<Monitor>> all_monitors(const Tools& tools);

// What any of them takes.
[[nodiscard]] trace::KindSet kinds_taken();

class Takers;  // which monitors take a kind of record

// All monitors over a stream of records, which starts at power-on. Memory is bounded by the queues and by the extents
// that the block oracle remembers.
class MonitorRun final : public trace::Sink {
 public:
  explicit MonitorRun(View view = View::beside);
  void append(const trace::Record& record) override;
  // After the last record, once.
  [[nodiscard]] std::vector<Violation> finish();

 private:
  Findings findings_;
  Facts facts_;
  std::vector<std::unique_ptr<Monitor>> monitors_;
  const Takers& takers_;
  View view_;
  std::size_t index_ = 0;
};

// The same over a recorded log. Linear in it.
[[nodiscard]] std::vector<Violation> run_monitors(const std::vector<trace::Record>& log);

}  // namespace ringside::checks
