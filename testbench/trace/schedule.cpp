#include "testbench/trace/schedule.h"

#include <utility>

#include "testbench/trace/interrupt_due.h"

namespace ringside::trace {
namespace {

class Observation {
 public:
  Schedule take(const std::vector<Record>& log) {
    for (const Record& record : log) {
      if (record.tap == Tap::driver) {
        take(record);
      }
    }
    return std::move(schedule_);
  }

 private:
  struct Queue {
    InterruptRequest request;
    bool live = false;
  };

  void take(const Record& record) {
    const std::uint32_t key = std::uint32_t{record.unit} << 16 | record.queue;
    switch (record.kind) {
      case Kind::features:
        if (record.flags == 1) {
          accepted_[record.unit] = record.value;
        }
        break;
      case Kind::queue_enabled:
        schedule_.queues[key].emplace_back();
        queues_[key] = Queue{{}, true};
        break;
      case Kind::used_event:
        queues_[key].request.used_event = static_cast<std::uint16_t>(record.value);
        break;
      case Kind::avail_flags:
        queues_[key].request.avail_flags = record.value;
        break;
      case Kind::wait:
        woken_ = true;
        break;
      case Kind::wait_timeout:
        woken_ = false;
        break;
      case Kind::completion:
        if (queues_[key].live && record.ordinal != kNoOrdinal) {
          schedule_.queues[key].back().completion_order.push_back(record.ordinal);
        }
        break;
      case Kind::used_seen:
        if (queues_[key].live) {
          look(record, queues_[key], schedule_.queues[key].back());
        }
        break;
      default:
        break;
    }
  }

  void look(const Record& record, Queue& queue, QueueSchedule& life) {
    add_look(life, record);
    const bool event_index = (accepted_[record.unit] >> VIRTIO_F_EVENT_IDX & 1) != 0;
    const auto index = static_cast<std::uint16_t>(record.value);
    if (record.length != 0) {
      if (woken_ && !queue.request.due(index, event_index)) {
        life.unprompted.push_back(record.aux);
      }
      queue.request.used_index = index;
    }
    woken_ = false;
  }

  static void add_look(QueueSchedule& life, const Record& record) {
    const std::uint64_t before = life.looks.empty() ? 0 : life.looks.back();
    const bool nothing_new = record.aux == before;
    if (nothing_new && last_was_idle(life)) {
      return;
    }
    if (!nothing_new && last_was_idle(life) && record.ordinal > 1) {
      life.repeats.back() = record.ordinal;  // only now is it known
    }
    life.looks.push_back(record.aux);
    life.repeats.push_back(1);
  }

  [[nodiscard]] static bool last_was_idle(const QueueSchedule& life) {
    const std::size_t count = life.looks.size();
    return count != 0 && life.looks[count - 1] == (count == 1 ? 0 : life.looks[count - 2]);
  }

  Schedule schedule_;
  std::map<std::uint32_t, Queue> queues_;
  std::map<std::uint8_t, std::uint64_t> accepted_;
  bool woken_ = false;  // the last wait ended by an interrupt, and no look has followed yet
};

}  // namespace

Schedule schedule_of(const std::vector<Record>& log) { return Observation().take(log); }

}  // namespace ringside::trace
