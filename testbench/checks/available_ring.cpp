// What a driver makes available (VIRTIO 1.2, 2.7.5, 2.7.6, 2.7.13): the index only rises, no entry is overwritten that
// the device still has, no head is in flight twice, every chain can be followed.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kIndexRises{"avail-drv-01", Role::driver};
constexpr Clause kEntriesUntouched{"cleanup-drv-01", Role::driver};
constexpr Clause kFreeDescriptors{"2.7.13.1", Role::driver};
constexpr Clause kChainsEnd{"desc-drv-01", Role::driver};
constexpr Clause kIndirectNegotiated{"indirect-drv-01", Role::driver};
constexpr Clause kNoLongerThanQueue{"indirect-drv-03", Role::driver};
// The same of a packed ring (2.8).
constexpr Clause kPackedFreeId{"2.8.21.1", Role::driver};
constexpr Clause kPackedIndirectNegotiated{"packedind-drv-01", Role::driver};
constexpr Clause kPackedListOfIndirect{"packedind-drv-04", Role::driver};
constexpr Clause kPackedNoLongerThanQueue{"packedsg-drv-02", Role::driver};
constexpr Clause kPackedEntriesUntouched{"packeddesc-drv-01", Role::driver};
constexpr std::array kClauses = {
    kIndexRises,           kEntriesUntouched,        kFreeDescriptors,       kChainsEnd,
    kIndirectNegotiated,   kNoLongerThanQueue,       kPackedFreeId,          kPackedIndirectNegotiated,
    kPackedListOfIndirect, kPackedNoLongerThanQueue, kPackedEntriesUntouched};

class AvailableRing final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "available ring"; }
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
        queues_[key_of(record)] = Queue{record.value};
        break;
      case Kind::queue_disabled:
        queues_.erase(key_of(record));
        break;
      case Kind::avail_publish:
        publish(record);
        break;
      case Kind::request:
        request(record);
        break;
      case Kind::used_seen:
        if (const auto queue = queues_.find(key_of(record)); queue != queues_.end()) {
          queue->second.in_flight -= std::min(queue->second.in_flight, record.length);
        }
        break;
      default:
        break;
    }
  }

 private:
  struct Queue {
    std::uint64_t size = 0;
    std::uint64_t in_flight = 0;
  };

  [[nodiscard]] bool packed(const Record& record) { return has(accepted_[record.unit], VIRTIO_F_RING_PACKED); }

  void publish(const Record& record) {
    Queue& queue = queues_[key_of(record)];
    if (record.length > queue.size) {
      violated(kIndexRises, fmt::format("{} in a queue of {}", describe(record), queue.size));
      return;
    }
    queue.in_flight += record.length;
    if (queue.in_flight > queue.size) {
      violated(packed(record) ? kPackedEntriesUntouched : kEntriesUntouched,
               fmt::format("{}: {} in flight in a queue of {}", describe(record), queue.in_flight, queue.size));
      queue.in_flight = queue.size;
    }
  }

  void request(const Record& record) {
    const auto queue = queues_.find(key_of(record));
    const std::uint64_t descriptors = record.aux & 0xffff;
    const bool indirect = (record.aux >> 16 & 1) != 0;
    if (record.flags == kSenseless) {
      violated(packed(record) ? kPackedListOfIndirect : kChainsEnd, describe(record));
    }
    if (record.width == 1) {
      violated(packed(record) ? kPackedFreeId : kFreeDescriptors,
               fmt::format("{}: its head or id is in flight already", describe(record)));
    }
    if (indirect && !has(accepted_[record.unit], VIRTIO_F_INDIRECT_DESC)) {
      violated(packed(record) ? kPackedIndirectNegotiated : kIndirectNegotiated,
               fmt::format("{}: indirect descriptors were not negotiated", describe(record)));
    }
    // An indirect table of a packed ring is as long as the device allows, which the driver cannot ask (2.8.19).
    const bool limited = !(packed(record) && indirect);
    if (limited && queue != queues_.end() && descriptors > queue->second.size) {
      violated(packed(record) ? kPackedNoLongerThanQueue : kNoLongerThanQueue,
               fmt::format("{} in a queue of {}", describe(record), queue->second.size));
    }
  }

  std::map<std::uint8_t, std::uint64_t> accepted_;
  std::map<QueueKey, Queue> queues_;
};

}  // namespace

std::unique_ptr<Monitor> make_available_ring(Findings& findings) { return std::make_unique<AvailableRing>(findings); }

}  // namespace ringside::checks
