// How a driver builds chains (VIRTIO 1.2, 2.6.4, 2.7.5, 2.8.5, 2.8.14, 2.8.19): what is wrong with one, the tap that
// follows it says; here stands which requirement that breaks. And what a device owes to a chain of that kind.
#include <fmt/core.h>

#include <array>
#include <optional>

#include "testbench/checks/in_flight.h"
#include "testbench/checks/monitors.h"
#include "testbench/checks/per_queue.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/defect.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kChainsEnd{"desc-drv-01", Role::driver};
constexpr Clause kWritableLast{"framing-drv-01", Role::driver};
constexpr Clause kNextInSequence{"desc-drv-02", Role::driver};
constexpr Clause kTableInSequence{"indirect-drv-05", Role::driver};
constexpr Clause kTablesDoNotNest{"indirect-drv-02", Role::driver};
constexpr Clause kIndirectEnds{"indirect-drv-04", Role::driver};
constexpr Clause kPhysicalAddresses{"resfeat-drv-05", Role::driver};
constexpr Clause kNoUnmapInDiscard{"blkop-drv-14", Role::driver};
constexpr Clause kLegacyLayout{"legblk-drv-10", Role::driver};
constexpr Clause kUsedFlagsStartAtZero{"availsup-drv-01", Role::driver};
// Of packed rings
constexpr Clause kPackedWritableLast{"packedsg-drv-03", Role::driver};
constexpr Clause kPackedHeadLast{"packedsg-drv-06", Role::driver};
constexpr Clause kPackedOnlyWrite{"packedind-drv-02", Role::driver};
constexpr Clause kPackedListOfIndirect{"packedind-drv-04", Role::driver};
constexpr Clause kPackedNotAgain{"packeddesc-drv-02", Role::driver};
// The device's
constexpr Clause kUsedFlagsZeroOrOne{"availsup-dev-01", Role::device};
constexpr Clause kUsedFlagsZero{"availsup-dev-03", Role::device};
constexpr Clause kUnknownFlagsRefused{"blkop-dev-05", Role::device};
constexpr Clause kUnmapRefused{"blkop-dev-06", Role::device};
constexpr std::array kClauses = {kChainsEnd,       kWritableLast,         kNextInSequence,     kTableInSequence,
                                 kTablesDoNotNest, kIndirectEnds,         kPhysicalAddresses,  kNoUnmapInDiscard,
                                 kLegacyLayout,    kUsedFlagsStartAtZero, kPackedWritableLast, kPackedHeadLast,
                                 kPackedOnlyWrite, kPackedListOfIndirect, kPackedNotAgain,     kUsedFlagsZeroOrOne,
                                 kUsedFlagsZero,   kUnknownFlagsRefused,  kUnmapRefused};
constexpr std::array kKinds = {Kind::device_status, Kind::queue_enabled, Kind::queue_disabled,
                               Kind::defect,        Kind::request,       Kind::completion};

class Chains final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "chains"; }
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
      case Kind::queue_disabled:
        queues_.erase(record);
        break;
      case Kind::defect:
        defect(record);
        break;
      case Kind::request:
        if (record.flags == kSenseless) {
          senseless(record);
        }
        break;
      case Kind::completion:
        if (any_refusal_) {
          complete(record);
        }
        break;
      default:
        break;
    }
  }

 private:
  struct Queue {
    std::optional<std::uint32_t> told;  // the chain of which something was said last
    InFlight<const Clause*> refusals;   // requests that the device must not support
  };

  void defect(const Record& record) {
    const bool packed = has(facts().device(record.unit).accepted, VIRTIO_F_RING_PACKED);
    const auto what = static_cast<Defect>(record.value);
    queues_[record].told = record.ordinal;
    if (what == Defect::used_flags) {
      const bool by_event = has(facts().device(record.unit).accepted, VIRTIO_F_EVENT_IDX);
      violated(by_event ? kUsedFlagsZero : kUsedFlagsZeroOrOne, describe(record));
    } else if (what == Defect::reserved_range_flags) {  // the driver's to try
      expect_refusal(record, kUnknownFlagsRefused);
    } else if (const Clause* const clause = broken_by(what, packed); clause != nullptr) {
      violated(*clause, describe(record));
    }
    if (what == Defect::unmap_in_discard) {
      expect_refusal(record, kUnmapRefused);
    }
  }

  static const Clause* broken_by(Defect what, bool packed) {
    switch (what) {
      case Defect::readable_after_writable:
        return packed ? &kPackedWritableLast : &kWritableLast;
      case Defect::next_not_sequential:
        return &kNextInSequence;
      case Defect::table_not_sequential:
        return &kTableInSequence;
      case Defect::nested_table:
        return packed ? &kPackedOnlyWrite : &kTablesDoNotNest;
      case Defect::indirect_with_next:
        return &kIndirectEnds;
      case Defect::endless:
      case Defect::more_than_4_gib:
        return &kChainsEnd;
      case Defect::head_before_rest:
        return &kPackedHeadLast;
      case Defect::flags_in_table:
        return &kPackedOnlyWrite;
      case Defect::indirect_in_list:
        return &kPackedListOfIndirect;
      case Defect::outside_memory:
        return &kPhysicalAddresses;
      case Defect::unmap_in_discard:
        return &kNoUnmapInDiscard;
      case Defect::legacy_layout:
        return &kLegacyLayout;
      case Defect::entry_rewritten:
        return &kPackedNotAgain;
      case Defect::used_flags_at_start:
        return &kUsedFlagsStartAtZero;
      default:
        return nullptr;
    }
  }

  // A chain that cannot be followed, unless what is wrong with it has been said.
  void senseless(const Record& record) {
    if (queues_[record].told != record.ordinal) {
      violated(kChainsEnd, describe(record));
    }
  }

  void expect_refusal(const Record& record, const Clause& clause) {
    queues_[record].refusals.add(record.ordinal, &clause);
    any_refusal_ = true;
  }

  void complete(const Record& record) {
    Queue& queue = queues_[record];
    const Clause* const* const clause = queue.refusals.find(record.ordinal);
    if (clause == nullptr) {
      return;
    }
    if (record.value != VIRTIO_BLK_S_UNSUPP) {
      violated(**clause, fmt::format("{}: expected UNSUPP", describe(record)));
    }
    queue.refusals.remove(record.ordinal);
  }

  PerQueue<Queue> queues_;
  bool any_refusal_ = false;
};

}  // namespace

std::unique_ptr<Monitor> make_chains(const Tools& tools) { return std::make_unique<Chains>(tools); }

}  // namespace ringside::checks
