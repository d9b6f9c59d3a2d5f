// Notifications, both ways (VIRTIO 1.2, 2.7.7, 2.7.10, 2.7.13, 4.1.5.2): a side that asked to be told is told.
//
// Whether a doorbell is due depends on what the driver read of the device's suppression, so that half needs a log with
// accesses. Whether an interrupt was due shows on the driver's side when a wait ends at its deadline and the completion
// lies there.
#include <fmt/format.h>

#include <array>
#include <map>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kKickOnFlags{"availsup-drv-04", Role::driver};
constexpr Clause kKickOnEvent{"availsup-drv-06", Role::driver};
constexpr Clause kNoNeedlessKick{"availsup-drv-07", Role::driver};
constexpr Clause kPublishBarrier{"updidx-drv-01", Role::driver};
constexpr Clause kNotifyBarrier{"notify-drv-01", Role::driver};
constexpr Clause kKickWidth{"pcikick-drv-01", Role::driver};
constexpr Clause kKickValue{"pcikick-drv-03", Role::driver};
constexpr Clause kInterruptOnFlags{"usedsup-dev-03", Role::device};
constexpr Clause kInterruptOnEvent{"usedsup-dev-05", Role::device};
constexpr std::array kClauses = {kKickOnFlags, kKickOnEvent, kNoNeedlessKick,   kPublishBarrier,  kNotifyBarrier,
                                 kKickWidth,   kKickValue,   kInterruptOnFlags, kInterruptOnEvent};

// Whether a move of an index from `before` to `now` passes `event` (2.7.10.1), in 16 bits that wrap.
[[nodiscard]] constexpr bool passes(std::uint16_t event, std::uint16_t before, std::uint16_t now) {
  return static_cast<std::uint16_t>(now - event - 1u) < static_cast<std::uint16_t>(now - before);
}

class Notification final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "notification"; }
  std::span<const Clause> clauses() const override { return kClauses; }

 protected:
  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::features:
        if (record.flags == 1) {
          accepted_[record.unit] = record.value;
        }
        break;
      case Kind::device_status:
        if (is_reset(record)) {
          erase_unit(queues_, record.unit);
        }
        break;
      case Kind::queue_enabled:
        enable(record);
        break;
      case Kind::queue_disabled:
        queues_.erase(key_of(record));
        break;
      case Kind::avail_publish:
        publish(record);
        break;
      case Kind::doorbell:
        doorbell(record);
        break;
      case Kind::used_event:
        queues_[key_of(record)].used_event = static_cast<std::uint16_t>(record.value);
        break;
      case Kind::avail_flags:
        queues_[key_of(record)].interrupts_off = (record.value & VIRTQ_AVAIL_F_NO_INTERRUPT) != 0;
        break;
      case Kind::used_seen:
        used(record);
        break;
      case Kind::access:
        access(record);
        break;
      case Kind::fence:
        fence(record);
        break;
      case Kind::wait:
      case Kind::relax:
        judge_missing_doorbells();
        break;
      default:
        break;
    }
    // The look that follows a wait directly is the one that tells whether an interrupt was lost: later ones may find
    // what was completed meanwhile.
    timed_out_ = record.kind == Kind::wait_timeout || (timed_out_ && record.kind == Kind::access);
  }

 private:
  struct Queue {
    std::uint64_t used_ring = 0;  // packed address
    std::uint16_t size = 0;
    // The driver's side
    std::uint16_t published = 0;  // avail.idx
    std::uint16_t before = 0;     // and what it was when the device was last considered for a doorbell
    bool open = false;            // something was published since
    bool fenced = false;          // with the fence that must follow
    bool due = false;             // a doorbell must come
    // The device's side
    std::uint16_t used = 0;
    std::uint16_t used_event = 0;
    bool interrupts_off = false;
  };

  [[nodiscard]] bool event_index(std::uint8_t unit) { return has(accepted_[unit], VIRTIO_F_EVENT_IDX); }

  void enable(const Record& record) {
    Queue queue;
    queue.used_ring = record.aux;
    queue.size = static_cast<std::uint16_t>(record.value);
    queues_[key_of(record)] = queue;
  }

  // --- The driver tells the device

  void publish(const Record& record) {
    Queue& queue = queues_[key_of(record)];
    // The store of avail.idx itself stands between the fence and this record.
    if (accesses_ && stores_ > 1) {
      violated(kPublishBarrier, fmt::format("{} without a barrier after the entries were stored", describe(record)));
    }
    queue.published = static_cast<std::uint16_t>(record.value);
    queue.open = true;
    queue.fenced = false;
  }

  void doorbell(const Record& record) {
    const std::uint64_t accepted = accepted_[record.unit];
    const bool carries_data = has(accepted, VIRTIO_F_NOTIFICATION_DATA);
    if (!carries_data && record.width != 2) {
      violated(kKickWidth, fmt::format("{}: expected 16 bits", describe(record)));
    }
    if (!carries_data && !has(accepted, VIRTIO_F_NOTIF_CONFIG_DATA) && record.value != record.queue) {
      violated(kKickValue, fmt::format("{}: expected the queue's number", describe(record)));
    }
    Queue& queue = queues_[key_of(record)];
    if (event_index(record.unit) && !queue.due && !queue.open) {
      violated(kNoNeedlessKick, fmt::format("{}, which the device has not asked for", describe(record)));
    }
    queue.open = queue.due = false;
    queue.before = queue.published;
  }

  void access(const Record& record) {
    accesses_ = true;
    if (record.flags == 1) {
      ++stores_;
      return;
    }
    const std::uint64_t at = packed_address(record.region, record.offset);
    for (auto& [key, queue] : queues_) {
      if (!queue.open || record.width != 2) {
        continue;
      }
      const bool by_event = event_index(key.first);
      const std::uint64_t suppression = queue.used_ring + (by_event ? kRingEntries + 8u * queue.size : kRingFlags);
      if (at == suppression) {
        suppression_read(queue, by_event, static_cast<std::uint16_t>(record.value));
      }
    }
  }

  void suppression_read(Queue& queue, bool by_event, std::uint16_t value) {
    if (!queue.fenced) {
      violated(kNotifyBarrier, "the device's notification suppression read without a barrier after avail.idx");
    }
    const bool wanted = by_event ? passes(value, queue.before, queue.published) : (value & VIRTQ_USED_F_NO_NOTIFY) == 0;
    queue.due = queue.due || wanted;
    queue.before = queue.published;
    queue.open = false;
  }

  void fence(const Record& record) {
    accesses_ = true;
    if (record.value == kFenceAvailPublish) {
      stores_ = 0;
    } else if (record.value == kFenceAvailNotify) {
      for (auto& [key, queue] : queues_) {
        queue.fenced = true;
      }
    }
  }

  // The driver goes to sleep: whatever it owes the device is owed now.
  void judge_missing_doorbells() {
    for (auto& [key, queue] : queues_) {
      const bool unread = accesses_ && queue.open;
      if (queue.due || unread) {
        violated(event_index(key.first) ? kKickOnEvent : kKickOnFlags,
                 fmt::format("the driver waits, and queue {} was published up to {} without the doorbell that {}",
                             key.second, queue.published,
                             unread ? "it has not even found needless" : "the device asked for"));
        queue.due = queue.open = false;
      }
    }
  }

  // --- The device tells the driver

  void used(const Record& record) {
    Queue& queue = queues_[key_of(record)];
    const auto now = static_cast<std::uint16_t>(record.value);
    const bool by_event = event_index(record.unit);
    const bool wanted = by_event ? passes(queue.used_event, queue.used, now) : !queue.interrupts_off;
    if (timed_out_ && record.length != 0 && wanted) {
      violated(by_event ? kInterruptOnEvent : kInterruptOnFlags,
               fmt::format("{} at the deadline of a wait: no interrupt announced it", describe(record)));
    }
    queue.used = now;
  }

  std::map<std::uint8_t, std::uint64_t> accepted_;
  std::map<QueueKey, Queue> queues_;
  bool accesses_ = false;     // the log has them
  std::uint64_t stores_ = 0;  // to shared memory since the last publication fence
  bool timed_out_ = false;
};

}  // namespace

std::unique_ptr<Monitor> make_notification(Findings& findings) { return std::make_unique<Notification>(findings); }

}  // namespace ringside::checks
