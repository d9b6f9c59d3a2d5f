#include "testbench/targets/guest_log.h"

#include <fmt/core.h>

#include "testbench/trace/names.h"

namespace ringside::targets {
namespace {

constexpr std::size_t kKept = 8;
constexpr double kMicrosecond = 1000;  // ns

}  // namespace

void GuestLog::append(const trace::Record& record) {
  sink_.append(record);
  ++count_;
  time_ = record.time;
  if (record.kind != trace::Kind::text) {
    last_.push_back(record);
    if (last_.size() > kKept) {
      last_.pop_front();
    }
  }
  if (first_failure_.empty()) {
    watch_checks(record);
  }
}

void GuestLog::append_now(trace::Record record) {
  record.time = time_;
  sink_.append(record);
}

void GuestLog::watch_checks(const trace::Record& record) {
  if (record.kind == trace::Kind::check) {
    check_failed_ = record.value == 0;
    name_ = trace::TextJoiner();
  } else if (check_failed_ && record.kind == trace::Kind::text && name_.feed(record)) {
    first_failure_ = name_.text().empty() ? "a check without a name" : name_.text();
  }
}

std::string GuestLog::last_events() const {
  std::string text;
  for (const trace::Record& record : last_) {
    text +=
        fmt::format("\n  {:>14.3f} us  {}", static_cast<double>(record.time) / kMicrosecond, trace::describe(record));
  }
  return text;
}

}  // namespace ringside::targets
