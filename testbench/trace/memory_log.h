// A log kept in memory.
#pragma once

#include <utility>
#include <vector>

#include "testbench/trace/copy_fresh.h"
#include "testbench/trace/record.h"

namespace ringside::trace {

class MemoryLog final : public Sink {
 public:
  void append(const Record& record) override { copy_fresh(records_.emplace_back(), record); }

  [[nodiscard]] const std::vector<Record>& records() const { return records_; }
  [[nodiscard]] std::vector<Record> take() { return std::move(records_); }
  void clear() { records_.clear(); }

 private:
  std::vector<Record> records_;
};

}  // namespace ringside::trace
