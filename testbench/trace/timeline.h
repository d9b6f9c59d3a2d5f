// A log as a timeline for Perfetto and chrome://tracing.
//
//   driver    driver      slices: waits; instants: doorbells, relax, checks, the log, what the bench did
//             interrupts  instants, named by vector
//   disk N    queue M     a slice per request, from where the driver published it to where it saw it completed
//             queue M, device    the same as the device sees it, from fetch to completion (model)
//             media       what the storage behind it takes (model)
//             device      instants: interrupts raised, status, quirks, faults
//             counters    requests in flight, by queue
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "testbench/trace/log_file.h"
#include "testbench/trace/record.h"

namespace ringside::trace {

// One pass. Memory does not grow with the log, only with what is in flight, and that is bounded: no more requests than
// a queue holds, and no more queues than anyone looks at. What is beyond is left out, and counted in the file's
// metadata.
class TimelineWriter final : public Sink {
 public:
  TimelineWriter(std::ostream& out, const LogMetadata& metadata);
  // Completes the file: what is still open ends here.
  ~TimelineWriter();
  TimelineWriter(const TimelineWriter&) = delete;
  TimelineWriter& operator=(const TimelineWriter&) = delete;
  void append(const Record& record) override;

 private:
  class Timeline;
  std::unique_ptr<Timeline> timeline_;
};

// Throws FileError when the file cannot be written in full.
void write_timeline(const std::string& path, const LogMetadata& metadata, const std::vector<Record>& log);

}  // namespace ringside::trace
