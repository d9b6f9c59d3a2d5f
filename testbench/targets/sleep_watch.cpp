#include "testbench/targets/sleep_watch.h"

namespace ringside::targets {

using trace::Kind;
using trace::Record;

void SleepWatch::see(const Record& record) {
  routes_.see(record);
  switch (record.kind) {
    case Kind::features:
      if (record.flags == 1) {
        accepted_[record.unit] = record.value;
      }
      break;
    case Kind::queue_enabled:
      requests_[{record.unit, record.queue}] = trace::InterruptRequest(record, accepted_[record.unit]);
      break;
    case Kind::used_event:
    case Kind::avail_flags:
      requests_[{record.unit, record.queue}].asked(record);
      break;
    case Kind::used_seen:
      used_seen(record);
      break;
    default:
      break;
  }
  // The look that follows a wait directly is the one that tells: later ones may find what was done meanwhile. Before it
  // the driver may look at other queues, and find nothing.
  const bool still = record.kind == Kind::access || (record.kind == Kind::used_seen && record.length == 0);
  if (record.kind == Kind::wait_timeout) {
    timed_out_ = record.offset;
  } else if (!still) {
    timed_out_.reset();
  }
}

void SleepWatch::used_seen(const Record& record) {
  trace::InterruptRequest& request = requests_[{record.unit, record.queue}];
  const bool awaited = timed_out_.has_value() && routes_.concerns(*timed_out_, record.unit, record.queue);
  overslept_ = overslept_ || (awaited && request.due(record));
  request.saw(record);
}

}  // namespace ringside::targets
