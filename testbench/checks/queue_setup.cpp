// Setting a queue up (VIRTIO 1.2, 4.1.4.3.2, 4.1.5.1.2, 2.7): every field first, queue_enable last.
#include <fmt/format.h>

#include <array>
#include <map>

#include "testbench/checks/monitors.h"
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
constexpr Clause kVectorReadBack{"pcimsix-drv-05", Role::driver};
constexpr Clause kSizeOffered{"pcicommon-dev-15", Role::device};
constexpr Clause kVectorKept{"pcimsix-dev-06", Role::device};
constexpr Clause kDisabledAfterReset{"pcicommon-dev-08", Role::device};
constexpr std::array kClauses = {kVectorKept,    kDisabledAfterReset, kFieldsFirst, kFieldsAgain,     kPowerOfTwo,
                                 kNeverDisabled, kResetFinished,      kAligned,     kVectorReadBack,  kSizeOffered,
                                 kNeverZero,     kPackedAligned,      kLegacyPage,  kLegacyContiguous};

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

 protected:
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
        }
        break;
      case Kind::features:
        if (record.flags == 1) {
          accepted_[record.unit] = record.value;
        }
        break;
      case Kind::queue_enabled:
        record.flags == 1 ? enable_legacy(record) : enable(record);
        break;
      case Kind::queue_disabled:
        queues_[key_of(record)] = Queue{};
        queues_[key_of(record)].resetting = queues_[key_of(record)].was_reset = record.flags == 0;
        break;
      case Kind::device_status:
        if (is_reset(record)) {
          erase_unit(queues_, record.unit);
          accepted_.erase(record.unit);
        }
        break;
      case Kind::dma_alloc:
        allocations_[record.region - kRegionDma] = {record.aux, record.length};
        break;
      case Kind::dma_free:
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
    bool vector_unread = false;
    std::uint64_t vector = VIRTIO_MSI_NO_VECTOR;  // as written
  };

  struct Allocation {
    std::uint64_t alignment = 0;
    std::uint64_t bytes = 0;
  };

  [[nodiscard]] bool packed(const Record& record) { return has(accepted_[record.unit], VIRTIO_F_RING_PACKED); }
  // The size of a packed queue is any but 0, that of a split one a power of two.
  [[nodiscard]] bool is_size(const Record& record) {
    return packed(record) ? record.value != 0 : is_power_of_two(record.value);
  }
  [[nodiscard]] const Clause& size_clause(const Record& record) { return packed(record) ? kNeverZero : kPowerOfTwo; }

  static bool is_field(const Record& record) {
    return record.offset >= VIRTIO_PCI_COMMON_Q_SIZE && record.offset < VIRTIO_PCI_COMMON_Q_NDATA &&
           record.offset != VIRTIO_PCI_COMMON_Q_ENABLE && record.offset != VIRTIO_PCI_COMMON_Q_NOFF;
  }

  void write(const Record& record) {
    Queue& queue = queues_[key_of(record)];
    if (is_field(record) && queue.enabled) {
      violated(kFieldsFirst, fmt::format("{} while the queue is enabled", describe(record)));
    }
    for (std::size_t ring = 0; ring < kRings.size(); ++ring) {
      queue.ring_written[ring] = queue.ring_written[ring] || (record.offset & ~std::uint64_t{7}) == kRings[ring];
    }
    if (record.offset == VIRTIO_PCI_COMMON_Q_SIZE && !is_size(record)) {
      violated(size_clause(record), fmt::format("queue_size {} written, which is no size of a queue", record.value));
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_MSIX) {
      queue.vector_unread = record.value != VIRTIO_MSI_NO_VECTOR;
      queue.vector = record.value;
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_ENABLE && record.value == 0) {
      violated(kNeverDisabled, "0 written to queue_enable");
    }
  }

  void read(const Record& record) {
    if (record.offset < VIRTIO_PCI_COMMON_Q_SIZE) {
      return;
    }
    Queue& queue = queues_[key_of(record)];
    if (record.offset == VIRTIO_PCI_COMMON_Q_SIZE && record.value != 0 && !is_size(record)) {
      violated(kSizeOffered, fmt::format("queue_size reads {}, which is no power of two", record.value));
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_MSIX) {
      // NO_VECTOR says that the mapping was refused, which is the device's right (pcimsix-dev-09).
      if (record.value != queue.vector && record.value != VIRTIO_MSI_NO_VECTOR) {
        violated(kVectorKept, fmt::format("{}, but {:#x} was written", describe(record), queue.vector));
      }
      queue.vector_unread = false;
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_ENABLE && record.value != 0 && !queue.enabled && !queue.resetting) {
      violated(kDisabledAfterReset, fmt::format("{} before the queue was enabled", describe(record)));
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_RESET && record.value == 0) {
      queue.resetting = false;
    }
  }

  void enable(const Record& record) {
    Queue& queue = queues_[key_of(record)];
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
      violated(kResetFinished, fmt::format("queue {} enabled before queue_reset read 0", record.queue));
    }
    if (queue.vector_unread) {
      violated(kVectorReadBack, fmt::format("queue {} enabled without reading its vector back", record.queue));
    }
    queue.enabled = true;
    queue.resetting = false;
  }

  // The three parts lie behind one another in one piece of memory that starts a page (2.7.2).
  void enable_legacy(const Record& record) {
    queues_[key_of(record)].enabled = true;
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

  std::map<QueueKey, Queue> queues_;
  std::map<std::uint8_t, std::uint64_t> accepted_;   // features, by device
  std::map<std::uint64_t, Allocation> allocations_;  // of DMA memory, the live ones
};

}  // namespace

std::unique_ptr<Monitor> make_queue_setup(Findings& findings) { return std::make_unique<QueueSetup>(findings); }

}  // namespace ringside::checks
