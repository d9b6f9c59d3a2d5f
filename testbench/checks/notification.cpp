// Notifications, both ways (VIRTIO 1.2, 2.7.7, 2.7.10, 2.7.13, 4.1.5.2): a side that asked to be told is told.
//
// Whether a doorbell is due depends on what the driver read of the device's suppression, so that half needs a log with
// accesses. Whether an interrupt was due shows on the driver's side when a wait ends at its deadline and the completion
// lies there.
#include <fmt/core.h>

#include <array>
#include <map>
#include <optional>

#include "testbench/checks/monitors.h"
#include "testbench/checks/per_queue.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/interrupt_due.h"
#include "testbench/trace/interrupt_routes.h"
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
constexpr Clause kKickDataWidth{"pcikick-drv-02", Role::driver};
constexpr Clause kKickDataQueue{"pcikick-drv-04", Role::driver};
constexpr Clause kKickConfigValue{"pcikick-drv-05", Role::driver};
constexpr Clause kKickDataConfigValue{"pcikick-drv-06", Role::driver};
constexpr Clause kKickPosition{"2.9", Role::driver};
constexpr Clause kKickPackedPosition{"packeddesc-drv-03", Role::driver};
constexpr Clause kNoKickOnFlags{"availsup-drv-03", Role::driver};
constexpr Clause kFlagsZeroOrOne{"usedsup-drv-01", Role::driver};
constexpr Clause kFlagsZero{"usedsup-drv-03", Role::driver};
constexpr Clause kPackedFlagsBarrier{"packedflags-drv-01", Role::driver};
constexpr Clause kPackedNotifyBarrier{"packednotify-drv-01", Role::driver};
constexpr Clause kInterruptOnFlags{"usedsup-dev-03", Role::device};
constexpr Clause kInterruptOnEvent{"usedsup-dev-05", Role::device};
constexpr std::array kClauses = {kKickOnFlags,        kKickOnEvent,      kNoNeedlessKick,      kPublishBarrier,
                                 kNotifyBarrier,      kKickWidth,        kKickValue,           kKickDataWidth,
                                 kKickDataQueue,      kKickConfigValue,  kKickDataConfigValue, kKickPosition,
                                 kKickPackedPosition, kInterruptOnFlags, kInterruptOnEvent,    kNoKickOnFlags,
                                 kFlagsZeroOrOne,     kFlagsZero,        kPackedFlagsBarrier,  kPackedNotifyBarrier};
constexpr std::array kKinds = {Kind::device_status, Kind::queue_enabled, Kind::queue_disabled, Kind::avail_publish,
                               Kind::doorbell,      Kind::register_read, Kind::register_write, Kind::used_event,
                               Kind::avail_flags,   Kind::used_seen,     Kind::access,         Kind::fence,
                               Kind::wait,          Kind::relax,         Kind::wait_timeout,   Kind::msix_vector,
                               Kind::acknowledge,   Kind::dma_map,       Kind::dma_unmap,      Kind::log_line,
                               Kind::completion,    Kind::interrupt};

class Notification final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "notification"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    routes_.see(record);
    switch (record.kind) {
      case Kind::device_status:
        if (is_reset(record)) {
          queues_.erase_unit(record.unit);
        }
        break;
      case Kind::queue_enabled:
        enable(record);
        break;
      case Kind::queue_disabled:
        queues_.erase(record);
        break;
      case Kind::avail_publish:
        publish(record);
        break;
      case Kind::doorbell:
        doorbell(record);
        break;
      case Kind::register_read:
        if (is_common(record, VIRTIO_PCI_COMMON_Q_NDATA)) {
          config_data_[record] = record.value;
        }
        break;
      case Kind::avail_flags:
        judge_flags(record);
        [[fallthrough]];
      case Kind::used_event:
        queues_[record].interrupt.asked(record);
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
    // what was completed meanwhile. Before it the driver may look at other queues, and find nothing.
    const bool still = record.kind == Kind::access || (record.kind == Kind::used_seen && record.length == 0);
    if (record.kind == Kind::wait_timeout) {
      timed_out_ = record.offset;
    } else if (!still) {
      timed_out_.reset();
    }
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
    bool declined = false;        // the device has said that it needs none
    // The device's side
    InterruptRequest interrupt;
    RingPositions ring;
  };

  [[nodiscard]] bool event_index(std::uint8_t unit) const {
    return has(facts().device(unit).accepted, VIRTIO_F_EVENT_IDX);
  }

  void enable(const Record& record) {
    Queue queue;
    queue.used_ring = record.aux;
    queue.size = static_cast<std::uint16_t>(record.value);
    queue.interrupt = InterruptRequest(record, facts().device(record.unit).accepted);
    queue.ring = RingPositions(record.value, facts().device(record.unit).accepted);
    queue.published = queue.before = queue.ring.start();
    queues_[record] = queue;
  }

  // --- The driver tells the device

  void publish(const Record& record) {
    Queue& queue = queues_[record];
    // The store of avail.idx itself stands between the fence and this record; what is published by a descriptor's flags
    // is recorded before them.
    const std::uint64_t own_stores = queue.ring.packed() ? 0 : 1;
    if (accesses_ && stores_ > own_stores) {
      violated(queue.ring.packed() ? kPackedFlagsBarrier : kPublishBarrier,
               fmt::format("{} without a barrier after the entries were stored", describe(record)));
    }
    queue.published = static_cast<std::uint16_t>(record.value);
    queue.open = true;
    queue.fenced = queue.declined = false;
  }

  void doorbell(const Record& record) {
    Queue& queue = queues_[record];
    judge_value(record, queue);
    const bool unwanted = event_index(record.unit) ? !queue.open : queue.declined;
    // From outside, a doorbell may arrive after the device has found by itself what it announces.
    if (unwanted && !queue.due && view() == View::beside) {
      violated(event_index(record.unit) ? kNoNeedlessKick : kNoKickOnFlags,
               fmt::format("{}, which the device has not asked for", describe(record)));
    }
    queue.open = queue.due = queue.declined = false;
    queue.before = queue.published;
  }

  // Of a split ring; the flags of a packed one are the event suppression area's (2.7.7.1).
  void judge_flags(const Record& record) {
    const bool by_event = event_index(record.unit);
    const bool packed = has(facts().device(record.unit).accepted, VIRTIO_F_RING_PACKED);
    if (!packed && record.value > (by_event ? 0 : 1)) {
      violated(by_event ? kFlagsZero : kFlagsZeroOrOne, describe(record));
    }
  }

  // 4.1.5.2: which queue, by its number or by what the device chose for it; with NOTIFICATION_DATA also where the ring
  // stands: what comes next (2.9).
  void judge_value(const Record& record, const Queue& queue) {
    const bool carries_data = has(facts().device(record.unit).accepted, VIRTIO_F_NOTIFICATION_DATA);
    const bool config_data = has(facts().device(record.unit).accepted, VIRTIO_F_NOTIF_CONFIG_DATA);
    if (record.width != (carries_data ? 4 : 2)) {
      violated(carries_data ? kKickDataWidth : kKickWidth,
               fmt::format("{}: expected {} bits", describe(record), carries_data ? 32 : 16));
      return;
    }
    const std::optional<std::uint64_t>& chosen = config_data_[record];
    if (config_data && !chosen) {
      return;  // what the driver has not read in this log is not known
    }
    const std::uint64_t name = config_data ? *chosen : record.queue;
    if ((record.value & 0xffff) != name) {
      const Clause& with_config = carries_data ? kKickDataConfigValue : kKickConfigValue;
      const Clause& with_number = carries_data ? kKickDataQueue : kKickValue;
      violated(config_data ? with_config : with_number,
               fmt::format("{}: expected {:#x} for the queue", describe(record), name));
    }
    if (carries_data && record.value >> 16 != queue.published) {
      violated(queue.ring.packed() ? kKickPackedPosition : kKickPosition,
               fmt::format("{}: expected position {:#x}", describe(record), queue.published));
    }
  }

  void access(const Record& record) {
    accesses_ = true;
    if (record.flags == 1) {
      ++stores_;
      return;
    }
    const std::uint64_t at = packed_address(record.region, record.offset);
    for (auto& [key, queue] : queues_) {
      if (queue.open) {
        queue.ring.packed() ? packed_suppression(queue, at, record) : split_suppression(key.first, queue, at, record);
      }
    }
  }

  void split_suppression(std::uint8_t unit, Queue& queue, std::uint64_t at, const Record& record) {
    const bool by_event = event_index(unit);
    const auto value = static_cast<std::uint16_t>(record.value);
    if (record.width == 2 && at == queue.used_ring + (by_event ? kRingEntries + 8u * queue.size : kRingFlags)) {
      suppression_read(queue, by_event ? queue.ring.passes(value, queue.before, queue.published)
                                       : (value & VIRTQ_USED_F_NO_NOTIFY) == 0);
    }
  }

  // The device's event suppression area, read as a whole (2.8.10): flags that say DESC point at the offset beside them.
  void packed_suppression(Queue& queue, std::uint64_t at, const Record& record) {
    if (record.width != kEventAreaBytes || at != queue.used_ring) {
      return;
    }
    const auto flags = static_cast<std::uint16_t>(record.value >> 16 & 3);
    const auto event = static_cast<std::uint16_t>(record.value);
    suppression_read(queue, flags == RING_EVENT_FLAGS_DESC ? queue.ring.passes(event, queue.before, queue.published)
                                                           : flags == RING_EVENT_FLAGS_ENABLE);
  }

  void suppression_read(Queue& queue, bool wanted) {
    if (!queue.fenced) {
      violated(queue.ring.packed() ? kPackedNotifyBarrier : kNotifyBarrier,
               "the device's notification suppression read without a barrier after avail.idx");
    }
    queue.due = queue.due || wanted;
    queue.declined = !wanted;
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
    Queue& queue = queues_[record];
    const bool awaited = timed_out_.has_value() && routes_.concerns(*timed_out_, record.unit, record.queue);
    if (awaited && queue.interrupt.due(record)) {
      violated(queue.interrupt.by_event() ? kInterruptOnEvent : kInterruptOnFlags,
               fmt::format("{} at the deadline of a wait: no interrupt announced it", describe(record)));
    }
    queue.interrupt.saw(record);
  }

  PerQueue<Queue> queues_;
  bool accesses_ = false;     // the log has them
  std::uint64_t stores_ = 0;  // to shared memory since the last publication fence
  InterruptRoutes routes_;
  PerQueue<std::optional<std::uint64_t>> config_data_;  // queue_notif_config_data
  std::optional<std::uint64_t> timed_out_;              // the vector that the driver has just waited for in vain
};

}  // namespace

std::unique_ptr<Monitor> make_notification(const Tools& tools) { return std::make_unique<Notification>(tools); }

}  // namespace ringside::checks
