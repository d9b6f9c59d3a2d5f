// Records on their way to another sink, kept for a report where one is wanted.
#pragma once

#include <utility>

#include "testbench/trace/log_file.h"
#include "testbench/trace/record.h"

namespace ringside::cli {

class KeptLog final : public trace::Sink {
 public:
  KeptLog(trace::Sink& next, bool keeps, trace::LogMetadata metadata) : next_(next), keeps_(keeps) {
    log_.metadata = std::move(metadata);
  }
  void append(const trace::Record& record) override {
    next_.append(record);
    if (keeps_) {
      log_.records.push_back(record);
    }
  }
  [[nodiscard]] const trace::LogFile& log() const { return log_; }

 private:
  trace::Sink& next_;
  bool keeps_;
  trace::LogFile log_;
};

}  // namespace ringside::cli
