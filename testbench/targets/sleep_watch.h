// Passes records on and sees whether the driver slept to a deadline while what it had asked to be woken for was done. A
// deadline hides that a wake-up was lost: what follows is right, and late.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "testbench/trace/interrupt_due.h"
#include "testbench/trace/interrupt_routes.h"
#include "testbench/trace/record.h"

namespace ringside::targets {

class SleepWatch final : public trace::Sink {
 public:
  explicit SleepWatch(trace::Sink& sink) : sink_(sink) {}
  void append(const trace::Record& record) override {
    see(record);
    sink_.append(record);
  }
  [[nodiscard]] bool overslept() const { return overslept_; }

 private:
  void see(const trace::Record& record);
  void used_seen(const trace::Record& record);

  trace::Sink& sink_;
  trace::InterruptRoutes routes_;
  std::map<std::uint8_t, std::uint64_t> accepted_;                                      // features, by unit
  std::map<std::pair<std::uint8_t, std::uint16_t>, trace::InterruptRequest> requests_;  // by unit and queue
  std::optional<std::uint64_t> timed_out_;  // the vector that was just waited for in vain
  bool overslept_ = false;
};

}  // namespace ringside::targets
