// Interrupts that a device had better not send (VIRTIO 1.2, 2.7.7.2, 4.1.5.3, 4.1.5.4): for a queue whose driver has
// asked for none, and for an event that has no vector. From the device's side; what the driver has asked for, from its
// own.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/interrupt_due.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kNoneOnFlags{"usedsup-dev-02", Role::device};
constexpr Clause kNoneOnEvent{"usedsup-dev-06", Role::device};
constexpr Clause kNoneWithoutQueueVector{"pciusednotif-dev-01", Role::device};
constexpr Clause kNoneWithoutConfigVector{"pcicfgnotif-dev-01", Role::device};
constexpr std::array kClauses = {kNoneOnFlags, kNoneOnEvent, kNoneWithoutQueueVector, kNoneWithoutConfigVector};
constexpr std::array kKinds = {Kind::device_status, Kind::queue_enabled, Kind::queue_disabled, Kind::used_event,
                               Kind::avail_flags,   Kind::dev_register,  Kind::dev_used,       Kind::dev_interrupt};


class InterruptsSent final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "interrupts sent"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }
  // From outside, what the driver has asked for is known when the device has looked: after it has used the buffer.
  bool judges(View view) const override { return view == View::beside; }

  void take(const Record& record) override {
    Device& device = devices_[record.unit];
    switch (record.kind) {
      case Kind::device_status:
        if (is_reset(record)) {
          device = Device{};
        }
        break;
      case Kind::queue_enabled:
        device.queues[record.queue].live = true;
        device.queues[record.queue].asked = InterruptRequest(record, facts().device(record.unit).accepted);
        break;
      case Kind::queue_disabled:
        device.queues.erase(record.queue);
        break;
      case Kind::used_event:
      case Kind::avail_flags:
        device.queues[record.queue].asked.asked(record);
        break;
      case Kind::dev_register:
        if (record.flags == 1 && record.region == static_cast<std::uint32_t>(Structure::common)) {
          write(record, device);
        }
        break;
      case Kind::dev_used:
        // Of a packed ring the record does not say how far the device has got.
        if (!has(facts().device(record.unit).accepted, VIRTIO_F_RING_PACKED)) {
          used(record, device.queues[record.queue]);
        }
        break;
      case Kind::dev_interrupt:
        if (record.value == 1 && record.offset != kIntxEntry) {
          judge(record, device);
        }
        break;
      default:
        break;
    }
  }

 private:
  struct Queue {
    bool live = false;
    std::uint64_t vector = VIRTIO_MSI_NO_VECTOR;
    InterruptRequest asked;
    bool used = false;    // something, since the last interrupt
    bool wanted = false;  // and the driver had asked to be told
  };
  struct Device {
    std::uint16_t selected = 0;
    std::uint64_t config_vector = VIRTIO_MSI_NO_VECTOR;
    std::map<std::uint16_t, Queue> queues;
  };

  static void write(const Record& record, Device& device) {
    if (record.offset == VIRTIO_PCI_COMMON_Q_SELECT) {
      device.selected = static_cast<std::uint16_t>(record.value);
    } else if (record.offset == VIRTIO_PCI_COMMON_MSIX) {
      device.config_vector = record.value;
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_MSIX) {
      device.queues[device.selected].vector = record.value;
    }
  }

  static void used(const Record& record, Queue& queue) {
    Record seen = record;
    seen.length = 1;
    queue.used = true;
    queue.wanted = queue.wanted || queue.asked.due(seen);
    queue.asked.saw(seen);
  }

  void judge(const Record& record, Device& device) {
    bool any_mapped = record.offset == device.config_vector;
    bool any_used = false;
    bool excused = any_mapped;  // a configuration change may be the reason
    const Queue* unwanted = nullptr;
    for (auto& [number, queue] : device.queues) {
      any_used = any_used || (queue.live && queue.used);
      if (queue.vector == record.offset) {
        any_mapped = true;
        excused = excused || !queue.used || queue.wanted || !queue.live;
        unwanted = &queue;
        queue.used = queue.wanted = false;
      }
    }
    const DeviceFacts& known = facts().device(record.unit);
    if (!any_mapped && known.msix_enabled && !known.legacy) {
      violated(any_used ? kNoneWithoutQueueVector : kNoneWithoutConfigVector,
               fmt::format("{}, to which nothing is mapped", describe(record)));
    } else if (!excused && unwanted != nullptr) {
      violated(unwanted->asked.by_event() ? kNoneOnEvent : kNoneOnFlags,
               fmt::format("{}, and the driver has asked for none", describe(record)));
    }
  }

  std::map<std::uint8_t, Device> devices_;
};

}  // namespace

std::unique_ptr<Monitor> make_interrupts_sent(const Tools& tools) { return std::make_unique<InterruptsSent>(tools); }

}  // namespace ringside::checks
