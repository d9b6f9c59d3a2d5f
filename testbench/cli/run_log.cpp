#include "testbench/cli/run_log.h"

#include <utility>

namespace ringside::cli {

RunLog::RunLog(std::vector<LogOutput> outputs, trace::LogMetadata metadata, checks::View view)
    : outputs_(std::move(outputs)), metadata_(std::move(metadata)), all_(view), background_(all_) {}

void RunLog::open() {
  for (const LogOutput& output : outputs_) {
    all_.projections.push_back(open_projection(output.path, output.format, metadata_));
  }
}

void RunLog::All::append_all(std::span<const trace::Record> records) {
  for (const auto& projection : projections) {
    projection->append_all(records);
  }
  monitors.append_all(records);
  text.append_all(records);
}

void RunLog::close() {
  background_.finish();
  for (const auto& projection : all_.projections) {
    projection->close();
  }
  if (records_ != 0) {
    violations_ = all_.monitors.finish();
  }
}

}  // namespace ringside::cli
