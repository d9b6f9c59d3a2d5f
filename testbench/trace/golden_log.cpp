#include "testbench/trace/golden_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

#include "testbench/trace/hash.h"
#include "testbench/trace/names.h"
#include "testbench/trace/text.h"

namespace ringside::trace {
namespace {

constexpr std::size_t kShortestLimit = 128;
constexpr std::size_t kShareOfStart = 2;  // a segment is at most half of what lies before it
constexpr std::size_t kMostEvents = 6;    // told of a segment
constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-";
static_assert(kDigits.size() == 64);

// What a scenario or a driver does seldom: good places for a segment to end, and what a reader wants to know.
bool matters(const Record& record) {
  switch (record.kind) {
    case Kind::scenario:
    case Kind::check:
    case Kind::observe:
    case Kind::ask:
    case Kind::guard:
    case Kind::disk_hash:
    case Kind::verdict:
    case Kind::log_line:
    case Kind::queue_enabled:
    case Kind::queue_disabled:
    case Kind::device_status:
    case Kind::features:
    case Kind::wait_timeout:
    case Kind::dev_quirk:
    case Kind::dev_fault:
      return true;
    default:
      return false;
  }
}

// Checks that held are counted, as requests are. The driver's messages are the same in most runs, and a status that is
// read is the one that was written, or the driver says so.
bool is_told(const Record& record) {
  const bool held = record.kind == Kind::check && record.value == 1;
  const bool read_back = record.kind == Kind::device_status && record.flags == 1;
  return matters(record) && !held && !read_back && record.kind != Kind::log_line;
}

bool has_text(Kind kind) {
  return kind == Kind::scenario || kind == Kind::check || kind == Kind::observe || kind == Kind::log_line;
}

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e; }, 0x3f);
  return text;
}

// What the medium took is a time too.
std::uint64_t taken_duration(Record& record) {
  return record.kind == Kind::dev_media ? std::exchange(record.value, 0) : 0;
}

std::uint32_t folded(std::uint64_t hash) { return static_cast<std::uint32_t>(hash ^ (hash >> 32)); }

// What happened in one segment, for readers.
class Story {
 public:
  explicit Story(const std::vector<Record>& log) : log_(log) {}

  void add(std::size_t index) {
    const Record& record = log_[index];
    if (is_told(record)) {
      tell(index);
    } else if (record.kind == Kind::check) {
      ++checks_;
    } else if (record.kind == Kind::request) {
      ++requests_[request_type_name(record.flags)];
    } else if (record.kind == Kind::completion) {
      ++completions_[record.ordinal == kNoOrdinal ? "nothing in flight" : request_status_name(record.value)];
    }
  }

  [[nodiscard]] std::vector<std::string> take() {
    if (told_ > kMostEvents) {
      events_.push_back(fmt::format("and {} more", told_ - kMostEvents));
    }
    add_counts("requests", requests_);
    add_counts("completions", completions_);
    if (checks_ != 0) {
      events_.push_back(fmt::format("checks held: {}", checks_));
    }
    return std::move(events_);
  }

 private:
  void tell(std::size_t index) {
    if (++told_ > kMostEvents) {
      return;
    }
    std::string line = describe(log_[index]);
    if (has_text(log_[index].kind)) {
      line += " " + text_at(log_, index + 1);
    }
    events_.push_back(one_line(std::move(line)));
  }

  void add_counts(const char* what, const std::map<std::string, std::uint64_t>& counts) {
    std::string line;
    for (const auto& [name, count] : counts) {
      line += fmt::format("{} {} {}", line.empty() ? "" : ",", count, name);
    }
    if (!line.empty()) {
      events_.push_back(what + (":" + line));
    }
  }

  const std::vector<Record>& log_;
  std::vector<std::string> events_;
  std::size_t told_ = 0;
  std::uint64_t checks_ = 0;
  std::map<std::string, std::uint64_t> requests_, completions_;
};

class Cutter {
 public:
  explicit Cutter(const std::vector<Record>& log) : log_(log) {}

  [[nodiscard]] std::vector<GoldenSegment> cut() {
    std::vector<GoldenSegment> segments;
    for (std::size_t start = 0; start < log_.size();) {
      const std::size_t end = end_of(start);
      segments.push_back(segment(start, end));
      start = end;
    }
    return segments;
  }

 private:
  [[nodiscard]] std::size_t end_of(std::size_t start) const {
    const std::size_t limit = longest_segment(start);
    const std::size_t last = std::min(log_.size(), start + limit);
    for (std::size_t at = start + limit / 2; at < last; ++at) {
      if (matters(log_[at])) {
        return at;
      }
    }
    return last;
  }

  [[nodiscard]] std::uint64_t since_the_one_before(std::size_t index) const {
    return log_[index].time - (index == 0 ? 0 : log_[index - 1].time);
  }

  [[nodiscard]] GoldenSegment segment(std::size_t start, std::size_t end) {
    GoldenSegment result;
    result.records = end - start;
    result.duration = log_[end - 1].time - (start == 0 ? 0 : log_[start - 1].time);
    content_.begin();
    times_.begin();
    Story story(log_);
    const std::size_t step = records_per_mark(start);
    for (std::size_t at = start; at < end; at += step) {
      result.marks += mark(at, std::min(end, at + step), story);
    }
    result.content = folded(content_.end());
    result.times = folded(times_.end());
    result.events = story.take();
    return result;
  }

  [[nodiscard]] char mark(std::size_t start, std::size_t end, Story& story) {
    mark_.begin();
    for (std::size_t at = start; at < end; ++at) {
      Record record = log_[at];
      record.time = 0;
      const std::uint64_t time = since_the_one_before(at) + taken_duration(record);
      content_.add(&record, sizeof(record));
      times_.add(&time, sizeof(time));
      mark_.add(&record, sizeof(record));
      mark_.add(&time, sizeof(time));
      story.add(at);
    }
    return kDigits[mark_.end() % kDigits.size()];
  }

  const std::vector<Record>& log_;
  HashStream content_, times_, mark_;
};

}  // namespace

// Powers of two, so that a few records more or less before a segment do not change where it ends.
std::size_t longest_segment(std::size_t start) {
  return std::max(kShortestLimit, std::bit_floor(std::max<std::size_t>(1, start / kShareOfStart)));
}

std::size_t records_per_mark(std::size_t start) { return longest_segment(start) / kMostMarks; }

std::vector<GoldenSegment> golden_segments(const std::vector<Record>& log) { return Cutter(log).cut(); }

GoldenStreams golden_streams(const std::vector<Record>& log) {
  HashStream driver;
  std::uint64_t device = 0;
  for (Record record : log) {
    record.time = 0;
    (void)taken_duration(record);
    if (record.tap == Tap::device) {
      device += hash_bytes(&record, sizeof(record));
    } else {
      driver.add(&record, sizeof(record));
    }
  }
  return {folded(driver.end()), folded(device)};
}

std::uint64_t GoldenLog::records() const {
  return std::accumulate(segments.begin(), segments.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const GoldenSegment& segment) { return sum + segment.records; });
}

std::uint64_t GoldenLog::duration() const {
  return std::accumulate(segments.begin(), segments.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const GoldenSegment& segment) { return sum + segment.duration; });
}

}  // namespace ringside::trace
