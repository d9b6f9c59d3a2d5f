// A guest's records on their way to the log, and what the bench remembers of them for the end of the run.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "testbench/trace/record.h"
#include "testbench/trace/text.h"

namespace ringside::targets {

class GuestLog final : public trace::Sink {
 public:
  explicit GuestLog(trace::Sink& sink) : sink_(sink) {}

  void append(const trace::Record& record) override;
  // A record of the bench's own, at the time of the guest's last one.
  void append_now(trace::Record record);

  // The name of the first check that did not hold; empty while all did.
  [[nodiscard]] const std::string& first_failure() const { return first_failure_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  // For people: a line for each of the last events, oldest first.
  [[nodiscard]] std::string last_events() const;

 private:
  void watch_checks(const trace::Record& record);

  trace::Sink& sink_;
  std::uint64_t count_ = 0;
  std::uint64_t time_ = 0;
  std::deque<trace::Record> last_;
  bool check_failed_ = false;  // its name is what comes next
  trace::TextJoiner name_;
  std::string first_failure_;
};

}  // namespace ringside::targets
