// What a driver makes available (VIRTIO 1.2, 2.7.5, 2.7.6, 2.7.13): the index only rises, no entry is overwritten that
// the device still has, no head is in flight twice, every chain can be followed.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "testbench/checks/in_flight.h"
#include "testbench/checks/monitors.h"
#include "testbench/checks/per_queue.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kIndexRises{"avail-drv-01", Role::driver};
constexpr Clause kEntriesUntouched{"cleanup-drv-01", Role::driver};
constexpr Clause kFreeDescriptors{"2.7.13.1", Role::driver};
constexpr Clause kIndirectNegotiated{"indirect-drv-01", Role::driver};
constexpr Clause kNoLongerThanQueue{"indirect-drv-03", Role::driver};
// The same of a packed ring (2.8).
constexpr Clause kPackedFreeId{"2.8.21.1", Role::driver};
constexpr Clause kPackedIndirectNegotiated{"packedind-drv-01", Role::driver};
constexpr Clause kPackedNoLongerThanQueue{"packedsg-drv-02", Role::driver};
constexpr Clause kPackedEntriesUntouched{"packeddesc-drv-01", Role::driver};
constexpr Clause kPackedRoomForAll{"packedsg-drv-05", Role::driver};
constexpr std::array kClauses = {
    kIndexRises,   kEntriesUntouched,         kFreeDescriptors,         kIndirectNegotiated,     kNoLongerThanQueue,
    kPackedFreeId, kPackedIndirectNegotiated, kPackedNoLongerThanQueue, kPackedEntriesUntouched, kPackedRoomForAll};
constexpr std::array kKinds = {Kind::device_status, Kind::queue_enabled, Kind::queue_disabled, Kind::avail_publish,
                               Kind::request,       Kind::used_seen,     Kind::completion};

class AvailableRing final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "available ring"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::device_status:
        if (is_reset(record)) {
          queues_.erase_unit(record.unit);
        }
        break;
      case Kind::queue_enabled:
        queues_[record] = Queue{};
        queues_[record].size = record.value;
        queues_[record].packed = packed(record);
        break;
      case Kind::queue_disabled:
        queues_.erase(record);
        break;
      case Kind::avail_publish:
        publish(record);
        break;
      case Kind::request:
        request(record);
        break;
      case Kind::used_seen:
        if (Queue* const queue = queues_.find(record); queue != nullptr) {
          queue->in_flight -= std::min(queue->in_flight, record.length);
        }
        break;
      case Kind::completion:
        give_back(record);
        break;
      default:
        break;
    }
  }

 private:
  struct Queue {
    std::uint64_t size = 0;
    std::uint64_t in_flight = 0;  // chains
    bool packed = false;
    std::uint64_t entries = 0;  // of a packed ring, that the device has
    InFlight<std::uint32_t> entries_of;
  };

  [[nodiscard]] bool packed(const Record& record) const {
    return has(facts().device(record.unit).accepted, VIRTIO_F_RING_PACKED);
  }

  void publish(const Record& record) {
    Queue& queue = queues_[record];
    if (record.length > queue.size) {
      violated(kIndexRises, fmt::format("{} in a queue of {}", describe(record), queue.size));
      return;
    }
    queue.in_flight += record.length;
    if (queue.in_flight > queue.size) {
      violated(queue.packed ? kPackedEntriesUntouched : kEntriesUntouched,
               fmt::format("{}: {} in flight in a queue of {}", describe(record), queue.in_flight, queue.size));
      queue.in_flight = queue.size;
    }
  }

  void request(const Record& record) {
    Queue& queue = queues_[record];
    const std::uint64_t descriptors = record.aux & 0xffff;
    const bool indirect = (record.aux >> 16 & 1) != 0;
    if (record.width == 1) {
      violated(queue.packed ? kPackedFreeId : kFreeDescriptors,
               fmt::format("{}: its head or id is in flight already", describe(record)));
    }
    if (indirect && !has(facts().device(record.unit).accepted, VIRTIO_F_INDIRECT_DESC)) {
      violated(queue.packed ? kPackedIndirectNegotiated : kIndirectNegotiated,
               fmt::format("{}: indirect descriptors were not negotiated", describe(record)));
    }
    // An indirect table of a packed ring is as long as the device allows, which the driver cannot ask (2.8.19).
    const bool limited = !(queue.packed && indirect) && queue.size != 0;
    if (limited && descriptors > queue.size) {
      violated(queue.packed ? kPackedNoLongerThanQueue : kNoLongerThanQueue,
               fmt::format("{} in a queue of {}", describe(record), queue.size));
    } else if (queue.packed) {
      take_entries(record, queue, indirect ? 1 : static_cast<std::uint32_t>(descriptors));
    }
  }

  // Chains that each fit may together need more than is free (2.8.5.1).
  void take_entries(const Record& record, Queue& queue, std::uint32_t entries) {
    if (queue.in_flight < queue.size && queue.entries + entries > queue.size) {
      violated(kPackedRoomForAll,
               fmt::format("{}: the device has {} of {} entries already", describe(record), queue.entries, queue.size));
    }
    if (queue.entries_of.add(record.ordinal, entries) != nullptr) {
      queue.entries += entries;
    }
  }

  void give_back(const Record& record) {
    Queue* const queue = queues_.find(record);
    const std::uint32_t* const entries =
        queue != nullptr && queue->packed ? queue->entries_of.find(record.ordinal) : nullptr;
    if (entries != nullptr) {
      queue->entries -= *entries;
      queue->entries_of.remove(record.ordinal);
    }
  }

  PerQueue<Queue> queues_;
};

}  // namespace

std::unique_ptr<Monitor> make_available_ring(const Tools& tools) { return std::make_unique<AvailableRing>(tools); }

}  // namespace ringside::checks
