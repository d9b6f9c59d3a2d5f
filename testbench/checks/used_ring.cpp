// What a device gives back (VIRTIO 1.2, 2.7.8, 6): each chain once, no more than is in flight, a length within what it
// may write, and with IN_ORDER in the order of publication.
#include <fmt/format.h>

#include <array>
#include <map>
#include <set>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kOnceEach{"2.7.8", Role::device};
constexpr Clause kLengthWritten{"used-dev-02", Role::device};
constexpr Clause kInOrder{"resfeat-dev-05", Role::device};
constexpr Clause kPackedOnceEach{"packeddesc-dev-03", Role::device};
constexpr std::array kClauses = {kOnceEach, kLengthWritten, kInOrder, kPackedOnceEach};

class UsedRing final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "used ring"; }
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
          erase_unit(in_flight_, record.unit);
        }
        break;
      case Kind::queue_enabled:
      case Kind::queue_disabled:
        in_flight_.erase(key_of(record));
        break;
      case Kind::request:
        publish(record);
        break;
      case Kind::used_seen:
        if (record.length > in_flight_[key_of(record)].size()) {
          violated(once_each(record),
                   fmt::format("{}, but only {} in flight", describe(record), in_flight_[key_of(record)].size()));
        }
        break;
      case Kind::completion:
        complete(record);
        break;
      default:
        break;
    }
  }

 private:
  [[nodiscard]] const Clause& once_each(const Record& record) {
    return has(accepted_[record.unit], VIRTIO_F_RING_PACKED) ? kPackedOnceEach : kOnceEach;
  }

  // A driver that publishes more than any queue holds does not make this monitor grow.
  void publish(const Record& record) {
    if (in_flight_[key_of(record)].size() < kMaxQueueSize) {
      in_flight_[key_of(record)].insert(record.ordinal);
    }
  }

  void complete(const Record& record) {
    std::set<std::uint32_t>& flying = in_flight_[key_of(record)];
    const auto found = flying.find(record.ordinal);
    if (record.ordinal == kNoOrdinal || found == flying.end()) {
      violated(once_each(record), describe(record));
      return;
    }
    if (has(accepted_[record.unit], VIRTIO_F_IN_ORDER) && found != flying.begin()) {
      violated(kInOrder, fmt::format("{}, before request {}", describe(record), *flying.begin()));
    }
    if (record.length > record.aux) {
      violated(kLengthWritten, describe(record));
    }
    flying.erase(found);
  }

  std::map<std::uint8_t, std::uint64_t> accepted_;
  std::map<QueueKey, std::set<std::uint32_t>> in_flight_;  // ordinals
};

}  // namespace

std::unique_ptr<Monitor> make_used_ring(Findings& findings) { return std::make_unique<UsedRing>(findings); }

}  // namespace ringside::checks
