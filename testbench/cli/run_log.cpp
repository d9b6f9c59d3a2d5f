#include "testbench/cli/run_log.h"

namespace ringside::cli {

RunLog::RunLog(const std::vector<LogOutput>& outputs, const trace::LogMetadata& metadata) : background_(all_) {
  // The other thread waits until there is a record.
  for (const LogOutput& output : outputs) {
    all_.projections.push_back(open_projection(output.path, output.format, metadata));
  }
}

void RunLog::All::append(const trace::Record& record) {
  for (const auto& projection : projections) {
    projection->append(record);
  }
  monitors.append(record);
  text.append(record);
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
