// Passes records on and sees which of them tell of a stray write: those found at a free as well as those at the end.
#pragma once

#include "testbench/trace/record.h"

namespace ringside::targets {

class GuardWatch final : public trace::Sink {
 public:
  explicit GuardWatch(trace::Sink& sink) : sink_(sink) {}
  void append(const trace::Record& record) override {
    hit_ = hit_ || record.kind == trace::Kind::guard;
    sink_.append(record);
  }
  [[nodiscard]] bool hit() const { return hit_; }

 private:
  trace::Sink& sink_;
  bool hit_ = false;
};

}  // namespace ringside::targets
