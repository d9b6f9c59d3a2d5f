#include "testbench/report/figure.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "testbench/report/event_text.h"
#include "testbench/trace/names.h"

namespace ringside::report {
namespace {

using trace::Kind;
using trace::Record;
using trace::Tap;

constexpr std::size_t kEachSide = 40;       // events before and after
constexpr std::size_t kLookBack = 100'000;  // for where a request that is in flight was sent

std::string queue_lane(const Record& record) { return fmt::format("queue {}.{}", record.unit, record.queue); }

std::string lane_of(const Record& record) {
  if (record.kind == Kind::interrupt || record.kind == Kind::acknowledge || record.kind == Kind::dev_interrupt) {
    return "interrupts";
  }
  if (record.tap == Tap::device) {
    return "device";
  }
  const bool ring = record.kind == Kind::avail_publish || record.kind == Kind::used_seen ||
                    record.kind == Kind::completion || record.kind == Kind::request;
  return ring ? queue_lane(record) : "driver";
}

class Drawing {
 public:
  Drawing(const std::vector<Record>& log, std::size_t index) : log_(log), index_(index) {
    first_ = step(index, -1);
    last_ = step(index, 1);
    figure_.from = log_[first_].time;
    figure_.to = std::max(log_[last_].time, figure_.from);
    figure_.at = index < log_.size() ? log_[index].time : log_.back().time;
  }

  Figure draw() {
    collect_sent_before();
    for (std::size_t i = first_; i <= last_; ++i) {
      take(i);
    }
    for (const auto& [key, bar] : open_) {
      figure_.bars.push_back(bar);
      figure_.bars.back().end = figure_.to;
      figure_.bars.back().open = true;
    }
    if (waiting_.has_value()) {
      figure_.bars.push_back(*waiting_);
      figure_.bars.back().end = figure_.to;
      figure_.bars.back().open = true;
    }
    return std::move(figure_);
  }

 private:
  using Key = std::tuple<std::uint8_t, std::uint16_t, std::uint32_t>;  // unit, queue, ordinal

  // The place so many events away, texts not counted.
  [[nodiscard]] std::size_t step(std::size_t from, int direction) const {
    std::size_t at = std::min(from, log_.size() - 1);
    for (std::size_t left = kEachSide; left != 0;) {
      if (direction < 0 ? at == 0 : at + 1 == log_.size()) {
        break;
      }
      at = direction < 0 ? at - 1 : at + 1;
      left -= log_[at].kind == Kind::text ? 0 : 1;
    }
    return at;
  }

  void collect_sent_before() {
    for (std::size_t i = first_ - std::min(first_, kLookBack); i < first_; ++i) {
      follow_requests(log_[i]);
    }
    figure_.bars.clear();  // what completed before the figure begins
  }

  void take(std::size_t index) {
    const Record& record = log_[index];
    if (record.kind == Kind::text) {
      return;
    }
    follow_wait(record);
    follow_requests(record);
    figure_.marks.push_back({record.time, lane_of(record), event_text(log_, index), index == index_});
  }

  // The driver does nothing while it waits: its next record says that it is back.
  void follow_wait(const Record& record) {
    if (record.tap == Tap::driver && waiting_.has_value()) {
      waiting_->end = record.time;
      figure_.bars.push_back(*waiting_);
      waiting_.reset();
    }
    if (record.kind == Kind::wait) {
      waiting_ = FigureBar{record.time, record.time, "driver", describe(record), false};
    }
  }

  void follow_requests(const Record& record) {
    if (record.kind == Kind::request) {
      open_[key(record)] = {record.time, record.time, queue_lane(record), describe(record), false};
    } else if (record.kind == Kind::completion) {
      if (const auto sent = open_.find(key(record)); sent != open_.end()) {
        sent->second.end = std::max(record.time, sent->second.begin);
        figure_.bars.push_back(sent->second);
        open_.erase(sent);
      }
    } else if (record.kind == Kind::device_status && record.flags == 0 && record.value == 0) {
      std::erase_if(open_, [&](const auto& entry) { return std::get<0>(entry.first) == record.unit; });
    } else if (record.kind == Kind::queue_enabled || record.kind == Kind::queue_disabled) {
      std::erase_if(open_, [&](const auto& entry) {
        return std::get<0>(entry.first) == record.unit && std::get<1>(entry.first) == record.queue;
      });
    }
  }

  [[nodiscard]] static Key key(const Record& record) { return {record.unit, record.queue, record.ordinal}; }

  const std::vector<Record>& log_;
  std::size_t index_;
  std::size_t first_ = 0, last_ = 0;
  Figure figure_;
  std::map<Key, FigureBar> open_;
  std::optional<FigureBar> waiting_;
};

}  // namespace

Figure figure_of(const std::vector<Record>& log, std::size_t index) {
  return log.empty() ? Figure{} : Drawing(log, index).draw();
}

}  // namespace ringside::report
