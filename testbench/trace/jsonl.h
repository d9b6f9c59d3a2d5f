// A log as JSON lines: the first says what was run and in which schema, each other one is a record. Fields that are
// zero are left out.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "testbench/trace/log_file.h"
#include "testbench/trace/record.h"

namespace ringside::trace {

class JsonlWriter final : public Sink {
 public:
  JsonlWriter(std::ostream& out, const LogMetadata& metadata);
  void append(const Record& record) override;

 private:
  std::ostream& out_;
  std::uint64_t count_ = 0;
};

// Throws FileError when the file cannot be written in full.
void write_jsonl(const std::string& path, const LogMetadata& metadata, const std::vector<Record>& log);

}  // namespace ringside::trace
