#include "testbench/report/flight.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

namespace ringside::report {
namespace {

using trace::Kind;
using trace::Record;

// A log is outside input: one that names thousands of queues gets curves of the first ones.
constexpr std::size_t kMostQueues = 16;
constexpr std::size_t kMostInFlight = 65536;
constexpr std::uint64_t kBuckets = 400;

// A step curve, of which each bucket of time keeps its highest point and its last.
class Curve {
 public:
  explicit Curve(std::uint64_t end) : width_(end / kBuckets + 1) {}

  void add(std::uint64_t time, std::uint64_t value) {
    if (time / width_ != bucket_) {
      flush();
      bucket_ = time / width_;
    }
    if (!any_ || value > high_.second) {
      high_ = {time, value};
    }
    last_ = {time, value};
    any_ = true;
  }

  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> take() {
    flush();
    return std::move(points_);
  }

 private:
  void flush() {
    if (!any_) {
      return;
    }
    points_.push_back(high_);
    if (last_ != high_) {
      points_.push_back(last_);
    }
    any_ = false;
  }

  std::uint64_t width_;
  std::uint64_t bucket_ = 0;
  bool any_ = false;
  std::pair<std::uint64_t, std::uint64_t> high_, last_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> points_;
};

struct Queue {
  explicit Queue(std::uint64_t end) : curve(end) { curve.add(0, 0); }
  std::set<std::uint32_t> in_flight;
  std::uint64_t most = 0;
  Curve curve;

  void changed(std::uint64_t time) {
    most = std::max<std::uint64_t>(most, in_flight.size());
    curve.add(time, in_flight.size());
  }
  void forget(std::uint64_t time) {
    in_flight.clear();
    changed(time);
  }
};

class Queues {
 public:
  explicit Queues(std::uint64_t end) : end_(end) {}

  void take(const Record& record) {
    switch (record.kind) {
      case Kind::request:
        if (Queue* const queue = find(record); queue != nullptr && queue->in_flight.size() < kMostInFlight) {
          queue->in_flight.insert(record.ordinal);
          queue->changed(record.time);
        }
        return;
      case Kind::completion:
        if (Queue* const queue = find(record)) {
          queue->in_flight.erase(record.ordinal);
          queue->changed(record.time);
        }
        return;
      case Kind::queue_disabled:
      case Kind::queue_enabled:
        if (Queue* const queue = find(record)) {
          queue->forget(record.time);
        }
        return;
      case Kind::device_status:
        if (record.flags == 0 && record.value == 0) {
          reset(record);
        }
        return;
      default:
        return;
    }
  }

  [[nodiscard]] Flights finish() {
    Flights result;
    result.end = end_;
    result.left_out = beyond_.size();
    for (auto& [number, queue] : queues_) {
      result.queues.push_back({fmt::format("{}.{}", number.first, number.second), queue.most, queue.curve.take()});
    }
    return result;
  }

 private:
  using Number = std::pair<std::uint8_t, std::uint16_t>;

  // What is in flight when a device is reset never completes.
  void reset(const Record& record) {
    for (auto& [number, queue] : queues_) {
      if (number.first == record.unit) {
        queue.forget(record.time);
      }
    }
  }

  Queue* find(const Record& record) {
    const Number number{record.unit, record.queue};
    if (const auto known = queues_.find(number); known != queues_.end()) {
      return &known->second;
    }
    if (queues_.size() == kMostQueues) {
      beyond_.insert(number);
      return nullptr;
    }
    return &queues_.try_emplace(number, end_).first->second;
  }

  std::uint64_t end_;
  std::map<Number, Queue> queues_;
  std::set<Number> beyond_;
};

}  // namespace

Flights flights_of(const std::vector<Record>& log) {
  std::uint64_t end = 0;
  for (const Record& record : log) {
    end = std::max(end, record.time);
  }
  Queues queues(end);
  for (const Record& record : log) {
    queues.take(record);
  }
  return queues.finish();
}

}  // namespace ringside::report
