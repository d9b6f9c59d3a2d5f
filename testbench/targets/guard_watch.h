// Passes records on and sees which of them tell of a stray write: those found at a free as well as those at the end.
#pragma once

#include <algorithm>
#include <span>

#include "testbench/trace/record.h"

namespace ringside::targets {

class GuardWatch final : public trace::Sink {
 public:
  explicit GuardWatch(trace::Sink& sink) : sink_(sink) {}
  void append(const trace::Record& record) override {
    hit_ = hit_ || record.kind == trace::Kind::guard;
    sink_.append(record);
  }
  void append_all(std::span<const trace::Record> records) override {
    hit_ = hit_ || std::ranges::find(records, trace::Kind::guard, &trace::Record::kind) != records.end();
    sink_.append_all(records);
  }
  [[nodiscard]] bool hit() const { return hit_; }

 private:
  trace::Sink& sink_;
  bool hit_ = false;
};

}  // namespace ringside::targets
