#include "testbench/trace/rules.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "driver/hal/machine.h"
#include "testbench/trace/interrupt_due.h"
#include "testbench/trace/interrupt_routes.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {
namespace {

constexpr std::uint16_t kMaxInFlight = kMaxQueueSize;

constexpr std::array<RuleSummary, kRuleCount> kRules = {{
    {Rule::completes_once, EventClass::ordered, "", "every used element names a request in flight, and each once"},
    {Rule::completes_at_all, EventClass::ordered, "", "every request completes, unless its queue is reset"},
    {Rule::used_index_rises, EventClass::ordered, "", "what is used only moves on, and never past what was published"},
    {Rule::in_order, EventClass::ordered, "resfeat-dev-05", "with IN_ORDER, requests complete as they were published"},
    {Rule::isr_names_cause, EventClass::ordered, "pciisr-dev-03",
     "the ISR register names the cause of a line interrupt"},
    {Rule::interrupt_follows, EventClass::ordered, "usedsup-dev-05",
     "a completion that is not suppressed raises an interrupt"},
    {Rule::used_length_bounded, EventClass::invariant, "used-dev-02",
     "the used length lies within the bytes that the device may write"},
    {Rule::guards_intact, EventClass::invariant, "desc-dev-01", "no byte outside the granted buffers is written"},
    {Rule::time_rises, EventClass::invariant, "", "time never goes backwards"},
    {Rule::doorbell_follows_publish, EventClass::invariant, "availsup-drv-07",
     "a doorbell follows the publication of a request"},
    {Rule::doorbell_names_queue, EventClass::invariant, "pcikick-drv-03",
     "a doorbell is a 16-bit write of the queue's number"},
    {Rule::available_index_rises, EventClass::invariant, "avail-drv-01", "what is available only moves on"},
}};

class Checker {
 public:
  explicit Checker(const std::vector<Record>& log) : log_(log) {}

  RuleReport check() {
    for (index_ = 0; index_ < log_.size(); ++index_) {
      const Record& record = log_[index_];
      if (record.tap == Tap::device) {
        continue;
      }
      hold(Rule::time_rises, record.time >= time_);
      time_ = record.time;
      take(record);
    }
    finish();
    for (const auto& violation : violations_) {
      if (violation.has_value()) {
        report_.violations.push_back(*violation);
      }
    }
    return std::move(report_);
  }

 private:
  struct Queue {
    std::map<std::uint32_t, std::size_t> in_flight;  // ordinal -> record
    bool rung = false;                               // since the last publication
    bool published = false;
    InterruptRequest interrupt;
  };
  struct Device {
    std::uint64_t accepted = 0;
    bool in_use = false;
  };

  void take(const Record& record) {
    routes_.see(record);
    switch (record.kind) {
      case Kind::features:
        if (record.flags == 1) {
          devices_[record.unit].accepted = record.value;
        }
        break;
      case Kind::device_status:
        if (record.flags == 0 && record.value == 0) {
          forget(record.unit);
        } else if (record.flags == 0) {
          devices_[record.unit].in_use = true;
        }
        break;
      case Kind::queue_enabled:
        queue(record) = Queue{};
        queue(record).interrupt = InterruptRequest(record, devices_[record.unit].accepted);
        break;
      case Kind::queue_disabled:
        queue(record) = Queue{};
        break;
      case Kind::avail_publish:
        publish(record);
        break;
      case Kind::request:
        queue(record).in_flight[record.ordinal] = index_;
        break;
      case Kind::used_event:
      case Kind::avail_flags:
        queue(record).interrupt.asked(record);
        break;
      case Kind::doorbell:
        ring(record);
        break;
      case Kind::used_seen:
        look(record);
        break;
      case Kind::completion:
        complete(record);
        break;
      case Kind::guard:
        hold(Rule::guards_intact, false);
        break;
      case Kind::interrupt:
        ++report_.ordered;
        raise_line(record);
        break;
      case Kind::register_read:
        read_isr(record);
        break;
      case Kind::wait_timeout:
        timed_out_ = record.offset;
        break;
      case Kind::wait:
        timed_out_.reset();
        break;
      default:
        break;
    }
  }

  void publish(const Record& record) {
    timed_out_.reset();
    queue(record).rung = false;
    queue(record).published = true;
    hold(Rule::available_index_rises, record.length != 0 && record.length <= kMaxInFlight);
  }

  void ring(const Record& record) {
    Queue& queue = this->queue(record);
    hold(Rule::doorbell_follows_publish, queue.published && !queue.rung);
    queue.rung = true;
    if (!accepted(record, VIRTIO_F_NOTIFICATION_DATA) && !accepted(record, VIRTIO_F_NOTIF_CONFIG_DATA)) {
      hold(Rule::doorbell_names_queue, record.width == 2 && record.value == record.queue);
    }
  }

  void look(const Record& record) {
    Queue& queue = this->queue(record);
    hold(Rule::used_index_rises, record.length <= queue.in_flight.size());
    if (record.length == 0) {
      return;
    }
    // The driver slept, was not woken, and then found work: somebody should have said so.
    const bool missed = timed_out_.has_value() && routes_.concerns(*timed_out_, record.unit, record.queue) &&
                        queue.interrupt.due(record);
    hold(Rule::interrupt_follows, !missed, queue.interrupt.by_event() ? "usedsup-dev-05" : "usedsup-dev-03");
    queue.interrupt.saw(record);
    timed_out_.reset();
  }

  void complete(const Record& record) {
    auto& in_flight = queue(record).in_flight;
    const auto request = in_flight.find(record.ordinal);
    hold(Rule::completes_once, request != in_flight.end());
    if (request == in_flight.end()) {
      return;
    }
    if (accepted(record, VIRTIO_F_IN_ORDER)) {
      hold(Rule::in_order, request == in_flight.begin());
    }
    in_flight.erase(request);
    hold(Rule::used_length_bounded, record.length <= record.aux);
  }

  // A driver may see the counter move long after the interrupt, when its cause was read or reset away.
  void raise_line(const Record& record) {
    if (record.offset >= hal::kFirstLineVector) {
      line_raised_ = !cause_gone_;
      cause_gone_ = false;
      silent_.clear();
    }
  }

  // Reading clears it, so only the first read after an interrupt has something to say. On a line that several devices
  // share, one of them has.
  void read_isr(const Record& record) {
    if (record.region != static_cast<std::uint32_t>(Structure::isr) || record.offset != 0) {
      return;
    }
    if (!line_raised_) {
      cause_gone_ = cause_gone_ || record.value != 0;
      return;
    }
    if (record.value == 0) {
      silent_.insert(record.unit);
    }
    if (record.value != 0 || silent_.size() >= devices_in_use()) {
      hold(Rule::isr_names_cause, record.value != 0);
      line_raised_ = false;
      silent_.clear();
    }
  }

  [[nodiscard]] std::size_t devices_in_use() const {
    return static_cast<std::size_t>(
        std::count_if(devices_.begin(), devices_.end(), [](const auto& device) { return device.second.in_use; }));
  }

  void finish() {
    for (const auto& [which, queue] : queues_) {
      for (const auto& [ordinal, index] : queue.in_flight) {
        index_ = index;
        hold(Rule::completes_at_all, false);
      }
    }
  }

  void forget(std::uint8_t unit) {
    cause_gone_ = true;
    line_raised_ = false;
    devices_[unit] = Device{};
    for (auto& [which, queue] : queues_) {
      if (which.first == unit) {
        queue = Queue{};
      }
    }
  }

  [[nodiscard]] Queue& queue(const Record& record) { return queues_[{record.unit, record.queue}]; }
  [[nodiscard]] bool accepted(const Record& record, unsigned bit) {
    return (devices_[record.unit].accepted >> bit & 1) != 0;
  }

  void hold(Rule rule, bool held, const char* clause = nullptr) {
    const RuleSummary& summary = summary_of(rule);
    ++(summary.event_class == EventClass::ordered ? report_.ordered : report_.invariant);
    if (held) {
      return;
    }
    std::optional<Violation>& first = violations_[static_cast<std::size_t>(rule)];
    if (first.has_value()) {
      ++first->count;
    } else {
      first = Violation{rule, index_, 1, clause != nullptr ? clause : summary.clause};
    }
  }

  const std::vector<Record>& log_;
  RuleReport report_;
  std::array<std::optional<Violation>, kRuleCount> violations_;
  std::map<std::pair<std::uint8_t, std::uint16_t>, Queue> queues_;
  std::map<std::uint8_t, Device> devices_;
  std::size_t index_ = 0;
  std::uint64_t time_ = 0;
  InterruptRoutes routes_;
  std::optional<std::uint64_t> timed_out_;  // the vector that the driver waited for in vain, before it looks
  bool line_raised_ = false;
  bool cause_gone_ = false;        // of an interrupt that was not seen yet
  std::set<std::uint8_t> silent_;  // devices whose ISR did not name the cause of it
};

}  // namespace

const char* to_string(EventClass event_class) {
  switch (event_class) {
    case EventClass::exact:
      return "exact";
    case EventClass::ordered:
      return "ordered";
    case EventClass::invariant:
      return "invariant";
  }
  return "unknown";
}

const RuleSummary& summary_of(Rule rule) { return kRules[static_cast<std::size_t>(rule)]; }

const Violation* RuleReport::find(Rule rule) const {
  for (const Violation& violation : violations) {
    if (violation.rule == rule) {
      return &violation;
    }
  }
  return nullptr;
}

RuleReport check_rules(const std::vector<Record>& log) { return Checker(log).check(); }

}  // namespace ringside::trace
