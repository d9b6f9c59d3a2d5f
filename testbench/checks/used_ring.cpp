// What a device gives back (VIRTIO 1.2, 2.7.8, 2.6.1, 6): each chain once, no more than is in flight, a length within
// what it may write, and with IN_ORDER in the order of publication.
#include <fmt/core.h>

#include <array>

#include "testbench/checks/in_flight.h"
#include "testbench/checks/monitors.h"
#include "testbench/checks/per_queue.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kOnceEach{"2.7.8", Role::device};
constexpr Clause kLengthWritten{"used-dev-02", Role::device};
constexpr Clause kInOrder{"resfeat-dev-05", Role::device};
constexpr Clause kPackedOnceEach{"packeddesc-dev-03", Role::device};
constexpr Clause kIndicesStartOver{"qreset-dev-02", Role::device};
constexpr std::array kClauses = {kOnceEach, kLengthWritten, kInOrder, kPackedOnceEach, kIndicesStartOver};
constexpr std::array kKinds = {Kind::device_status, Kind::queue_enabled, Kind::queue_disabled,
                               Kind::request,       Kind::used_seen,     Kind::completion};

class UsedRing final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "used ring"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::device_status:
        if (is_reset(record)) {
          queues_.erase_unit(record.unit);
        }
        break;
      case Kind::queue_enabled: {
        const Queue* const before = queues_.find(record);
        const bool again = before != nullptr && before->was_reset;
        queues_[record] = Queue{};
        queues_[record].was_reset = again;
        break;
      }
      case Kind::queue_disabled:
        queues_[record] = Queue{};
        queues_[record].was_reset = true;
        break;
      case Kind::request:
        queues_[record].flying.add(record.ordinal, {});
        break;
      case Kind::used_seen:
        look(record);
        break;
      case Kind::completion:
        complete(record);
        break;
      default:
        break;
    }
  }

 private:
  struct Nothing {};
  struct Queue {
    InFlight<Nothing> flying;
    std::uint32_t next_in_order = 0;
    bool was_reset = false;  // on its own, and nothing was found since
  };

  [[nodiscard]] const Clause& once_each(const Record& record) const {
    return has(facts().device(record.unit).accepted, VIRTIO_F_RING_PACKED) ? kPackedOnceEach : kOnceEach;
  }

  void look(const Record& record) {
    Queue& queue = queues_[record];
    if (record.length > queue.flying.size()) {
      violated(queue.was_reset ? kIndicesStartOver : once_each(record),
               fmt::format("{}, but only {} in flight", describe(record), queue.flying.size()));
    }
    queue.was_reset = queue.was_reset && record.length == 0;
  }

  void complete(const Record& record) {
    Queue& queue = queues_[record];
    if (record.ordinal == kNoOrdinal || !queue.flying.remove(record.ordinal)) {
      violated(once_each(record), describe(record));
      return;
    }
    if (has(facts().device(record.unit).accepted, VIRTIO_F_IN_ORDER) && record.ordinal != queue.next_in_order) {
      violated(kInOrder, fmt::format("{}, before request {}", describe(record), queue.next_in_order));
    }
    queue.next_in_order = record.ordinal + 1;
    if (record.length > record.aux) {
      violated(kLengthWritten, describe(record));
    }
  }

  PerQueue<Queue> queues_;
};

}  // namespace

std::unique_ptr<Monitor> make_used_ring(const Tools& tools) { return std::make_unique<UsedRing>(tools); }

}  // namespace ringside::checks
