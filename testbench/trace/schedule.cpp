#include "testbench/trace/schedule.h"

#include <set>
#include <utility>

#include "testbench/trace/interrupt_due.h"
#include "testbench/trace/interrupt_routes.h"

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
    end_wake();
    return std::move(schedule_);
  }

 private:
  struct Queue {
    InterruptRequest request;
    bool live = false;
  };
  // What the driver did with an interrupt that ended its wait, until it waits again.
  struct Wake {
    bool open = false;
    std::uint64_t vector = 0;
    bool explained = false;          // by a completion that was to raise one
    std::set<std::uint32_t> looked;  // queues at which something was found
    std::set<std::uint32_t> empty;   // and then nothing
    QueueSchedule* found = nullptr;  // else the queue on which something was found first
    std::uint64_t visible = 0;
  };

  void take(const Record& record) {
    routes_.see(record);
    const std::uint32_t key = std::uint32_t{record.unit} << 16 | record.queue;
    switch (record.kind) {
      case Kind::features:
        if (record.flags == 1) {
          accepted_[record.unit] = record.value;
        }
        break;
      case Kind::queue_enabled:
        end_wake();
        schedule_.queues[key].emplace_back();
        queues_[key] = Queue{InterruptRequest(record, accepted_[record.unit]), true};
        break;
      case Kind::used_event:
      case Kind::avail_flags:
        queues_[key].request.asked(record);
        break;
      case Kind::wait:
        end_wake();
        wake_.open = true;
        wake_.vector = record.offset;
        ++waits_;
        break;
      case Kind::wait_timeout:
      case Kind::relax:
        end_wake();
        break;
      case Kind::completion:
        if (queues_[key].live && record.ordinal != kNoOrdinal) {
          schedule_.queues[key].back().completion_order.push_back(record.ordinal);
        }
        break;
      case Kind::used_seen:
        if (queues_[key].live) {
          look(record, key);
        }
        break;
      default:
        break;
    }
  }

  void look(const Record& record, std::uint32_t key) {
    Queue& queue = queues_[key];
    QueueSchedule& life = schedule_.queues[key].back();
    add_look(life, record);
    if (record.length == 0) {
      if (wake_.looked.contains(key)) {
        wake_.empty.insert(key);
      }
      return;
    }
    // What a second look at a queue finds came after the interrupt; but of a packed ring each look takes no more than
    // one descriptor.
    const bool first = wake_.looked.insert(key).second;
    if (wake_.open && (first || (queue.request.packed() && !wake_.empty.contains(key)))) {
      wake_.explained =
          wake_.explained || (routes_.concerns(wake_.vector, record.unit, record.queue) && queue.request.due(record));
      if (wake_.found == nullptr) {
        wake_.found = &life;
        wake_.visible = record.aux;
      }
    }
    queue.request.saw(record);
  }

  void end_wake() {
    if (wake_.open && !wake_.explained && wake_.found != nullptr) {
      wake_.found->unprompted.push_back(wake_.visible);
    }
    wake_ = {};
  }

  void add_look(QueueSchedule& life, const Record& record) {
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
    life.places.push_back(places_++);
    life.waits.push_back(waits_);
  }

  [[nodiscard]] static bool last_was_idle(const QueueSchedule& life) {
    const std::size_t count = life.looks.size();
    return count != 0 && life.looks[count - 1] == (count == 1 ? 0 : life.looks[count - 2]);
  }

  Schedule schedule_;
  std::map<std::uint32_t, Queue> queues_;
  std::map<std::uint8_t, std::uint64_t> accepted_;
  InterruptRoutes routes_;
  Wake wake_;
  std::uint64_t places_ = 0;
  std::uint64_t waits_ = 0;
};

}  // namespace

Schedule schedule_of(const std::vector<Record>& log) { return Observation().take(log); }

}  // namespace ringside::trace
