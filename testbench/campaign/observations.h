// What a campaign's workload observed, by name, and the first checks that did not hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "testbench/trace/record.h"
#include "testbench/trace/text.h"

namespace ringside::campaign {

class Observations {
 public:
  // `index`: its place in the log.
  void see(const trace::Record& record, std::size_t index) {
    if (record.kind == trace::Kind::observe || record.kind == trace::Kind::check) {
      pending_ = record;
      at_ = index;
    } else if (record.kind == trace::Kind::text && pending_.kind != trace::Kind::none) {
      if (joiner_.feed(record)) {
        take();
      }
    }
  }

  // 0 when it was not observed.
  [[nodiscard]] std::uint64_t operator[](const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? 0 : found->second;
  }
  struct FailedCheck {
    std::string name;
    std::size_t record = 0;
    std::uint64_t time = 0;
  };
  [[nodiscard]] const std::vector<FailedCheck>& failed() const { return failed_; }

 private:
  void take() {
    if (pending_.kind == trace::Kind::observe) {
      values_[joiner_.text()] += pending_.value;
    } else if (pending_.value == 0) {
      failed_.push_back({joiner_.text(), at_, pending_.time});
    }
    pending_ = {};
  }

  trace::Record pending_;
  trace::TextJoiner joiner_;
  std::map<std::string, std::uint64_t> values_;
  std::vector<FailedCheck> failed_;
  std::size_t at_ = 0;
};

}  // namespace ringside::campaign
