// Setting a queue up (VIRTIO 1.2, 4.1.4.3.2, 4.1.5.1.2, 2.7): every field first, queue_enable last.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "testbench/checks/monitors.h"
#include "testbench/checks/per_queue.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kFieldsFirst{"pcicommon-drv-04", Role::driver};
constexpr Clause kFieldsAgain{"qreenable-drv-01", Role::driver};
constexpr Clause kPowerOfTwo{"pcicommon-drv-03", Role::driver};
constexpr Clause kNeverDisabled{"pcicommon-drv-06", Role::driver};
constexpr Clause kResetFinished{"pcicommon-drv-07", Role::driver};
constexpr Clause kNeverZero{"pcicommon-drv-02", Role::driver};
constexpr Clause kAligned{"splitvq-drv-01", Role::driver};
constexpr Clause kPackedAligned{"packedvq-drv-01", Role::driver};
constexpr Clause kLegacyPage{"legvq-drv-03", Role::driver};
constexpr Clause kLegacyContiguous{"legvq-drv-02", Role::driver};
constexpr Clause kSizeOffered{"pcicommon-dev-15", Role::device};
constexpr Clause kResetAwaited{"qreset-drv-01", Role::driver};
constexpr Clause kNotFreedWhileLive{"cleanup-drv-02", Role::driver};
constexpr Clause kLegacySizeRead{"legvq-drv-01", Role::driver};
constexpr Clause kHalvesWork{"pcilayout-dev-01", Role::device};
constexpr Clause kNewSizeKept{"qreenable-dev-01", Role::device};
constexpr Clause kNoSuchQueue{"pcicommon-dev-14", Role::device};
constexpr Clause kNoResetAfterReset{"pcicommon-dev-09", Role::device};
constexpr Clause kNoResetOnceEnabled{"pcicommon-dev-10", Role::device};
constexpr Clause kDisabledAfterQueueReset{"pcicommon-dev-13", Role::device};
constexpr Clause kDisabledAfterReset{"pcicommon-dev-08", Role::device};
constexpr std::array kClauses = {
    kFieldsFirst,       kFieldsAgain,  kPowerOfTwo,        kNeverDisabled,      kResetFinished,
    kNeverZero,         kAligned,      kPackedAligned,     kLegacyPage,         kLegacyContiguous,
    kSizeOffered,       kResetAwaited, kNotFreedWhileLive, kLegacySizeRead,     kHalvesWork,
    kNewSizeKept,       kNoSuchQueue,  kNoResetAfterReset, kNoResetOnceEnabled, kDisabledAfterQueueReset,
    kDisabledAfterReset};
constexpr std::array kKinds = {Kind::config_write,   Kind::register_write, Kind::register_read, Kind::queue_enabled,
                               Kind::queue_disabled, Kind::device_status,  Kind::dma_alloc,     Kind::dma_free};

constexpr std::array kRings = {VIRTIO_PCI_COMMON_Q_DESCLO, VIRTIO_PCI_COMMON_Q_AVAILLO, VIRTIO_PCI_COMMON_Q_USEDLO};
constexpr std::array kRingNames = {"descriptor table", "available ring", "used ring"};
constexpr std::array kPackedRingNames = {"descriptor ring", "driver's event area", "device's event area"};
constexpr std::array<std::uint64_t, 3> kRingAlignments = {16, 2, 4};
constexpr std::array<std::uint64_t, 3> kPackedAlignments = {16, 4, 4};  // 2.8.10.1

constexpr std::uint64_t kOffsetMask = 0xff'ffff'ffff;  // of a packed address

[[nodiscard]] constexpr bool is_power_of_two(std::uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

class QueueSetup final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "queue set-up"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::register_write:
        if (record.region == static_cast<std::uint32_t>(Structure::common)) {
          write(record);
        }
        break;
      case Kind::register_read:
        if (record.region == static_cast<std::uint32_t>(Structure::common)) {
          read(record);
        } else if (record.region == static_cast<std::uint32_t>(Structure::legacy) &&
                   record.offset == VIRTIO_PCI_QUEUE_NUM) {
          queues_[record].legacy_size = record.value;
        }
        break;
      case Kind::queue_enabled:
        record.flags == 1 ? enable_legacy(record) : enable(record);
        break;
      case Kind::queue_disabled:
        disable(record);
        break;
      case Kind::device_status:
        if (is_reset(record) || (record.flags == 1 && record.value == kAllOnes8)) {  // or it is gone
          queues_.erase_unit(record.unit);
        }
        break;
      case Kind::config_write:
        if (facts().is_function_reset(record)) {
          queues_.erase_unit(record.unit);
        }
        break;
      case Kind::dma_alloc:
        allocations_[record.region - kRegionDma] = {record.aux, record.length};
        break;
      case Kind::dma_free:
        freed(record);
        allocations_.erase(record.region - kRegionDma);
        break;
      default:
        break;
    }
  }

 private:
  struct Queue {
    bool enabled = false;
    bool resetting = false;  // queue_reset was written and has not been read 0
    bool was_reset = false;
    std::array<bool, 3> ring_written{};
    bool reset_read = false;                    // queue_reset was read since
    bool was_enabled = false;                   // since the device was reset
    std::array<std::uint64_t, 3> ring{};        // as written, where ring_written
    std::array<std::uint64_t, 3> live_rings{};  // those of a queue that is enabled
    std::optional<std::uint64_t> size;          // as written
    std::optional<std::uint64_t> legacy_size;   // as read
  };

  struct Allocation {
    std::uint64_t alignment = 0;
    std::uint64_t bytes = 0;
  };

  [[nodiscard]] bool packed(const Record& record) {
    return has(facts().device(record.unit).accepted, VIRTIO_F_RING_PACKED);
  }
  // The size of a packed queue is any but 0, that of a split one a power of two.
  [[nodiscard]] bool is_size(const Record& record) {
    return packed(record) ? record.value != 0 : is_power_of_two(record.value);
  }
  [[nodiscard]] const Clause& size_clause(const Record& record) { return packed(record) ? kNeverZero : kPowerOfTwo; }

  static bool is_field(const Record& record) {
    return record.offset >= VIRTIO_PCI_COMMON_Q_SIZE && record.offset < VIRTIO_PCI_COMMON_Q_NDATA &&
           record.offset != VIRTIO_PCI_COMMON_Q_ENABLE && record.offset != VIRTIO_PCI_COMMON_Q_NOFF;
  }

  void disable(const Record& record) {
    Queue& queue = queues_[record];
    const auto legacy_size = queue.legacy_size;
    const bool was_enabled = queue.was_enabled;
    queue = Queue{};
    queue.resetting = queue.was_reset = record.flags == 0;
    queue.legacy_size = legacy_size;
    queue.was_enabled = was_enabled;
  }

  // The memory of a queue that the device still uses. One that did not reset and then lost the bus uses none.
  void freed(const Record& record) {
    const std::uint64_t number = record.region - kRegionDma;
    for (const auto& [key, queue] : queues_) {
      const DeviceFacts& device = facts().device(key.first);
      const bool live = queue.enabled && !device.gone && !device.off_the_bus &&
                        std::ranges::any_of(queue.live_rings, [&](std::uint64_t ring) { return ring >> 40 == number; });
      if (live) {
        violated(kNotFreedWhileLive,
                 fmt::format("memory {} freed, in which rings of queue {} lie", number, key.second));
      }
    }
  }

  void write(const Record& record) {
    Queue& queue = queues_[record];
    if (is_field(record) && queue.enabled) {
      violated(kFieldsFirst, fmt::format("{} while the queue is enabled", describe(record)));
    }
    if (const auto ring = ring_at(record.offset); ring.has_value()) {
      queue.ring_written[*ring] = true;
      queue.ring[*ring] = record.value;
    }
    if (record.offset == VIRTIO_PCI_COMMON_Q_SIZE) {
      queue.size = record.value;
      if (!is_size(record)) {
        violated(size_clause(record), fmt::format("queue_size {} written, which is no size of a queue", record.value));
      }
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_ENABLE && record.value == 0) {
      violated(kNeverDisabled, "0 written to queue_enable");
    }
  }

  static std::optional<std::size_t> ring_at(std::uint64_t offset) {
    const auto ring = std::ranges::find(kRings, offset & ~std::uint64_t{7});
    return ring == kRings.end() ? std::nullopt : std::optional(static_cast<std::size_t>(ring - kRings.begin()));
  }

  void read(const Record& record) {
    if (record.offset == VIRTIO_PCI_COMMON_NUMQ) {
      queue_count_[record.unit] = record.value;
    }
    if (record.offset < VIRTIO_PCI_COMMON_Q_SIZE || is_gone(record)) {
      return;
    }
    Queue& queue = queues_[record];
    if (record.offset == VIRTIO_PCI_COMMON_Q_SIZE) {
      read_size(record, queue);
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_ENABLE) {
      read_enable(record, queue);
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_RESET) {
      read_reset(record, queue);
    } else if (const auto ring = ring_at(record.offset);
               ring && queue.ring_written[*ring] && record.width == 4 && record.value != queue.ring[*ring]) {
      violated(kHalvesWork,
               fmt::format("{}, but {} was written", describe(record), packed_address_name(queue.ring[*ring])));
    }
  }

  static bool is_gone(const Record& record) {
    return record.width != 0 && record.width < 8 && record.value == (std::uint64_t{1} << 8 * record.width) - 1;
  }

  void read_size(const Record& record, const Queue& queue) {
    const auto count = queue_count_.find(record.unit);
    if (count != queue_count_.end() && record.queue >= count->second && record.value != 0) {
      violated(kNoSuchQueue, fmt::format("{}, but there are {} queues", describe(record), count->second));
    } else if (record.value != 0 && !is_size(record)) {
      violated(kSizeOffered, fmt::format("queue_size reads {}, which is no power of two", record.value));
    } else if (queue.was_reset && queue.enabled && queue.size && *queue.size != record.value) {
      violated(kNewSizeKept, fmt::format("{}, but the queue was enabled again with {}", describe(record), *queue.size));
    }
  }

  void read_enable(const Record& record, const Queue& queue) {
    if (record.value != 0 && !queue.enabled && !queue.resetting) {
      violated(queue.was_reset ? kDisabledAfterQueueReset : kDisabledAfterReset,
               fmt::format("{} before the queue was enabled", describe(record)));
    }
  }

  void read_reset(const Record& record, Queue& queue) {
    if (record.value == 0) {
      queue.resetting = false;
    } else if (!queue.resetting) {
      violated(queue.was_enabled ? kNoResetOnceEnabled : kNoResetAfterReset,
               fmt::format("{}, and nobody resets the queue", describe(record)));
    }
    queue.reset_read = true;
  }

  void enable(const Record& record) {
    Queue& queue = queues_[record];
    const std::array addresses = {record.offset, record.length, record.aux};
    const auto& names = packed(record) ? kPackedRingNames : kRingNames;
    const auto& alignments = packed(record) ? kPackedAlignments : kRingAlignments;
    for (std::size_t ring = 0; ring < kRings.size(); ++ring) {
      if (!queue.ring_written[ring]) {
        violated(
            queue.was_reset ? kFieldsAgain : kFieldsFirst,
            fmt::format("queue {} enabled, and the address of its {} was never written", record.queue, names[ring]));
      } else if (!is_aligned(addresses[ring], alignments[ring])) {
        violated(packed(record) ? kPackedAligned : kAligned,
                 fmt::format("the {} of queue {} lies at {}, not aligned to {}", names[ring], record.queue,
                             packed_address_name(addresses[ring]), alignments[ring]));
      }
    }
    if (!is_size(record)) {
      violated(size_clause(record), fmt::format("queue {} enabled with {} entries", record.queue, record.value));
    }
    if (queue.resetting) {
      violated(queue.reset_read ? kResetFinished : kResetAwaited,
               fmt::format("queue {} enabled before queue_reset read 0", record.queue));
    }
    queue.enabled = queue.was_enabled = true;
    queue.live_rings = addresses;
    queue.resetting = false;
  }

  // The three parts lie behind one another in one piece of memory that starts a page (2.7.2).
  void enable_legacy(const Record& record) {
    Queue& queue = queues_[record];
    queue.enabled = true;
    queue.live_rings = {record.offset, record.length, record.aux};
    if (!queue.legacy_size || *queue.legacy_size != record.value) {
      violated(kLegacySizeRead,
               fmt::format("queue {} has {} entries, and the driver has not read that", record.queue, record.value));
    }
    if (!is_aligned(record.offset, VIRTIO_PCI_VRING_ALIGN)) {
      violated(kLegacyPage, fmt::format("queue {} lies at {}, which starts no page", record.queue,
                                        packed_address_name(record.offset)));
    }
    const auto allocation = allocations_.find(record.offset >> 40);
    const std::uint64_t end = (record.aux & kOffsetMask) + used_bytes(static_cast<std::uint32_t>(record.value));
    const bool one_piece =
        (record.aux >> 40) == (record.offset >> 40) && (record.length >> 40) == (record.offset >> 40);
    if (allocation != allocations_.end() && (!one_piece || end > allocation->second.bytes)) {
      violated(kLegacyContiguous,
               fmt::format("queue {} of {} entries does not fit into the {} bytes at {}", record.queue, record.value,
                           allocation->second.bytes, packed_address_name(record.offset)));
    }
  }

  // An address is a number of an allocation and an offset in it: where both are aligned, so is their sum.
  [[nodiscard]] bool is_aligned(std::uint64_t packed, std::uint64_t alignment) const {
    const auto allocation = allocations_.find(packed >> 40);
    const bool base = allocation == allocations_.end() || allocation->second.alignment % alignment == 0;
    return base && packed % alignment == 0;
  }

  PerQueue<Queue> queues_;
  std::map<std::uint8_t, std::uint64_t> queue_count_;  // num_queues, as read
  std::map<std::uint64_t, Allocation> allocations_;    // of DMA memory, the live ones
};

}  // namespace

std::unique_ptr<Monitor> make_queue_setup(const Tools& tools) { return std::make_unique<QueueSetup>(tools); }

}  // namespace ringside::checks
