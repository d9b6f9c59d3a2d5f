// The device's own configuration (VIRTIO 1.2, 2.5, 4.1.4.3.1, 5.2.4, 5.2.5): which fields a driver may look at, how it
// reads what is wider than a register, and what a device may show there.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kBracketed{"devcfg-drv-02", Role::driver};
constexpr Clause kOnlyWhatIsOffered{"devcfg-drv-03", Role::driver};
constexpr Clause kCacheModeAfterFeatures{"blkinit-drv-04", Role::driver};
constexpr Clause kNoDiscardOfHostManaged{"blkinit-drv-06", Role::driver};
constexpr Clause kLegacyReadTwice{"legcfg-drv-01", Role::driver};
constexpr Clause kReadableBefore{"devcfg-dev-01", Role::device};
constexpr Clause kGenerationChanges{"pcicommon-dev-06", Role::device};
constexpr Clause kWriteThroughWithoutFlush{"blkinit-dev-03", Role::device};
constexpr Clause kPaddingZero{"blkinit-dev-04", Role::device};
constexpr Clause kZonedHasZones{"blkinit-dev-05", Role::device};
constexpr Clause kZoneModel{"blkinit-dev-09", Role::device};
constexpr Clause kZoneSize{"blkinit-dev-10", Role::device};
constexpr Clause kAppendFits{"blkinit-dev-15", Role::device};
constexpr Clause kWriteGranularity{"blkinit-dev-17", Role::device};
constexpr Clause kZonePaddingZero{"blkinit-dev-18", Role::device};
constexpr Clause kLegacyAnyWidth{"legpcilayout-dev-02", Role::device};
constexpr std::array kClauses = {kBracketed,
                                 kOnlyWhatIsOffered,
                                 kCacheModeAfterFeatures,
                                 kNoDiscardOfHostManaged,
                                 kLegacyReadTwice,
                                 kReadableBefore,
                                 kGenerationChanges,
                                 kWriteThroughWithoutFlush,
                                 kPaddingZero,
                                 kZonedHasZones,
                                 kZoneModel,
                                 kZoneSize,
                                 kAppendFits,
                                 kWriteGranularity,
                                 kZonePaddingZero,
                                 kLegacyAnyWidth};
constexpr std::array kKinds = {Kind::register_read, Kind::register_write, Kind::device_status,
                               Kind::features,      Kind::queue_enabled,  Kind::wait,
                               Kind::relax,         Kind::interrupt,      Kind::ask};

// struct virtio_blk_config: the fields that are there only with a feature, up to (and without) `end`.
struct Optional {
  std::uint32_t begin, end;
  unsigned feature;
};
constexpr std::array kOptional = {Optional{0x08, 0x0c, 1},
                                  Optional{0x0c, 0x10, 2},
                                  Optional{0x10, 0x14, 4},
                                  Optional{0x14, 0x18, 6},
                                  Optional{0x18, 0x20, 10},
                                  Optional{0x20, 0x21, 11},
                                  Optional{0x22, 0x24, 12},
                                  Optional{0x24, 0x30, 13},
                                  Optional{0x30, 0x39, 14},
                                  Optional{0x3c, 0x48, 16},
                                  Optional{0x48, 0x60, VIRTIO_BLK_F_ZONED}};
constexpr std::uint64_t kCapacityEnd = 8;
constexpr std::uint64_t kSizeMax = 0x08;
constexpr std::uint64_t kSegMax = 0x0c;
constexpr std::uint64_t kWriteback = 0x20;
constexpr std::uint64_t kUnused0 = 0x21;
constexpr std::uint64_t kUnused1 = 0x39;
constexpr std::uint64_t kUnused1End = 0x3c;
constexpr std::uint64_t kZoneSectors = 0x48;
constexpr std::uint64_t kMaxAppendSectors = 0x54;
constexpr std::uint64_t kZoneGranularity = 0x58;
constexpr std::uint64_t kZoneModelAt = 0x5c;
constexpr std::uint64_t kUnused2 = 0x5d;
constexpr std::uint64_t kConfigEnd = 0x60;
constexpr std::uint64_t kHostManaged = 1;
constexpr std::uint64_t kLastZoneModel = 2;
constexpr unsigned kDiscardFeature = 13;

class DeviceConfig final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "device configuration"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    Device& device = devices_[record.unit];
    switch (record.kind) {
      case Kind::register_read:
        if (record.region == static_cast<std::uint32_t>(Structure::device)) {
          read(record, device);
        } else if (is_common(record, VIRTIO_PCI_COMMON_CFGGENERATION) && record.value != kAllOnes8) {
          generation_read(record, device);
        }
        break;
      case Kind::register_write:
        if (record.region == static_cast<std::uint32_t>(Structure::device)) {
          device.fields.erase(record.offset);
          device.mode_chosen = device.mode_chosen || record.offset == kWriteback;
          device.bytes.clear();
        }
        break;
      case Kind::device_status:
        if (record.flags == 0) {
          status(record, device);
        }
        break;
      case Kind::features:
        if (record.flags == 1 && has(record.value, VIRTIO_BLK_F_ZONED) && has(record.value, kDiscardFeature) &&
            device.zone_model == kHostManaged) {
          violated(kNoDiscardOfHostManaged, "DISCARD accepted together with ZONED of a host-managed device");
        }
        break;
      case Kind::queue_enabled:
        judge_bracket(device);
        break;
      default:  // time passes, in which a device may change what it shows
        for (auto& [unit, other] : devices_) {
          other.bytes.clear();
        }
        break;
    }
  }

 private:
  struct Field {
    std::uint64_t value = 0;
    std::uint64_t generation = 0;  // that was read last before it
    bool generation_known = false;
    bool before_features = false;  // read before FEATURES_OK
  };
  // A change of a field, whose generation has to be another one when it is read next.
  struct Change {
    std::uint64_t offset;
    std::uint64_t generation;
  };
  struct Device {
    std::map<std::uint64_t, Field> fields;        // by offset, as last read
    std::map<std::uint64_t, std::uint8_t> bytes;  // by the legacy interface, since time has passed
    std::optional<std::uint64_t> generation;
    std::optional<Change> change;
    bool mode_chosen = false;                // writeback was written
    unsigned halves = 0;                     // of the capacity, read since the last look at the generation
    bool opened = false;                     // the generation was read before them
    bool unclosed = false;                   // both were read, and the generation not since
    std::array<unsigned, 2> legacy_reads{};  // of each half of the capacity
    std::optional<std::uint64_t> zone_model;
  };

  void read(const Record& record, Device& device) {
    if (is_gone(record)) {
      return;
    }
    const DeviceFacts& known = facts().device(record.unit);
    judge_optional(record, known);
    judge_contents(record, device, known);
    if (known.legacy) {
      judge_legacy(record, device);
    } else {
      judge_change(record, device, known);
      bracket(record, device);
    }
  }

  static bool is_gone(const Record& record) {
    return record.width != 0 && record.width <= 4 && record.value == (std::uint64_t{1} << 8 * record.width) - 1;
  }

  // 2.5.1, 5.2.5
  void judge_optional(const Record& record, const DeviceFacts& known) {
    const auto field = std::ranges::find_if(
        kOptional, [&](const Optional& f) { return record.offset >= f.begin && record.offset < f.end; });
    if (field == kOptional.end()) {
      return;
    }
    // By the legacy interface all fields together have to stand in for the generation that it lacks (2.5.3).
    if (!known.legacy && (!known.offer_known || !has(known.offered, field->feature))) {
      violated(kOnlyWhatIsOffered,
               fmt::format("{}, which is there only with feature {}", describe(record), field->feature));
    }
    if (record.offset == kWriteback && !known.legacy && (known.status & VIRTIO_CONFIG_S_FEATURES_OK) == 0) {
      violated(kCacheModeAfterFeatures, fmt::format("{} before FEATURES_OK", describe(record)));
    }
  }

  void judge_contents(const Record& record, Device& device, const DeviceFacts& known) {
    const bool padding = record.offset == kUnused0 || (record.offset >= kUnused1 && record.offset < kUnused1End);
    expect(!padding || record.value == 0, kPaddingZero, record, "padding reads 0");
    const bool running = (known.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0;
    const bool first = !device.fields.contains(record.offset) && !device.mode_chosen;
    if (record.offset == kWriteback && running && first && has(known.accepted, VIRTIO_BLK_F_CONFIG_WCE)) {
      expect(has(known.accepted, VIRTIO_BLK_F_FLUSH) || record.value == 0, kWriteThroughWithoutFlush, record,
             "without FLUSH the cache is write-through");
    }
    if (has(known.offered, VIRTIO_BLK_F_ZONED)) {
      judge_zones(record, device, known);
    }
  }

  void judge_zones(const Record& record, Device& device, const DeviceFacts& known) {
    if (record.offset == kZoneModelAt && record.width == 1) {
      device.zone_model = record.value;
      expect(record.value != 0, kZonedHasZones, record, "a device without zones does not offer ZONED");
      expect(record.value <= kLastZoneModel, kZoneModel, record, "a model is 0, 1 or 2");
    } else if (record.offset >= kUnused2 && record.offset < kConfigEnd) {
      expect(record.value == 0, kZonePaddingZero, record, "padding reads 0");
    } else if (has(known.accepted, VIRTIO_BLK_F_ZONED) && record.width == 4) {
      expect(record.offset != kZoneSectors || record.value != 0, kZoneSize, record, "a zone has sectors");
      expect(record.offset != kZoneGranularity || (record.value != 0 && record.value % kSectorBytes == 0),
             kWriteGranularity, record, "writes are aligned to whole sectors");
      const auto segments = device.fields.find(kSegMax);
      const auto size = device.fields.find(kSizeMax);
      if (record.offset == kMaxAppendSectors && segments != device.fields.end() && size != device.fields.end()) {
        expect(record.value * kSectorBytes <= segments->second.value * size->second.value, kAppendFits, record,
               "an append fits into seg_max segments of size_max");
      }
    }
  }

  // 4.1.4.3.1: a value that has changed since the driver read it has another generation.
  void judge_change(const Record& record, Device& device, const DeviceFacts& known) {
    const bool before_features = (known.status & VIRTIO_CONFIG_S_FEATURES_OK) == 0;
    const auto old = device.fields.find(record.offset);
    const bool changed = old != device.fields.end() && old->second.value != record.value && record.offset != kWriteback;
    if (changed && old->second.before_features && !before_features && record.offset < kCapacityEnd &&
        old->second.generation_known && device.generation == old->second.generation) {
      violated(kReadableBefore, fmt::format("{}, but {:#x} before FEATURES_OK", describe(record), old->second.value));
    } else if (changed && old->second.generation_known && !device.change) {
      device.change = Change{record.offset, old->second.generation};
    }
    device.fields[record.offset] = {record.value, device.generation.value_or(0), device.generation.has_value(),
                                    before_features};
  }

  void generation_read(const Record& record, Device& device) {
    if (device.change && device.change->generation == record.value) {
      violated(kGenerationChanges, fmt::format("{} as before, but the field at {:#x} has changed", describe(record),
                                               device.change->offset));
    }
    device.change.reset();
    device.generation = record.value;
    device.opened = true;
    device.unclosed = false;
    device.halves = 0;
  }

  // 2.5.1: the capacity has two halves, which are of one piece only where the generation stayed.
  void bracket(const Record& record, Device& device) {
    if (record.offset >= kCapacityEnd || record.width > 4) {
      return;
    }
    device.halves |= record.offset < 4 ? 1u : 2u;
    if (device.halves == 3) {
      device.unclosed = true;
    }
  }

  // The driver goes on: what it has read it takes for granted now.
  void judge_bracket(Device& device) {
    if (device.unclosed || (device.halves == 3 && !device.opened)) {
      violated(kBracketed, "the capacity was read in two halves, and the generation not before and after");
    }
    device.unclosed = device.opened = false;
    device.halves = 0;
  }

  // 4.1.4.8: at any width the same. Compared only as long as no time has passed.
  void judge_legacy(const Record& record, Device& device) {
    if (record.offset < kCapacityEnd) {
      ++device.legacy_reads[record.offset < 4 ? 0 : 1];
    }
    bool same = true;
    for (unsigned i = 0; i < record.width && i < 8; ++i) {
      const auto byte = static_cast<std::uint8_t>(record.value >> (8 * i));
      const auto [known, fresh] = device.bytes.try_emplace(record.offset + i, byte);
      same = same && known->second == byte;
    }
    if (!same) {
      violated(kLegacyAnyWidth, fmt::format("{}, but something else at another width", describe(record)));
    }
  }

  void status(const Record& record, Device& device) {
    if (record.value == 0) {
      device = Device{};
      return;
    }
    device.bytes.clear();
    if ((record.value & VIRTIO_CONFIG_S_DRIVER_OK) == 0) {
      return;
    }
    if (facts().device(record.unit).legacy) {
      if (device.legacy_reads[0] == 1 && device.legacy_reads[1] == 1) {
        violated(kLegacyReadTwice, "the capacity was read once in two halves, which need not belong together");
      }
      device.legacy_reads = {};
    } else {
      judge_bracket(device);
    }
  }

  void expect(bool held, const Clause& clause, const Record& record, const char* rule) {
    if (!held) {
      violated(clause, fmt::format("{}: {}", describe(record), rule));
    }
  }

  std::map<std::uint8_t, Device> devices_;
};

}  // namespace

std::unique_ptr<Monitor> make_device_config(const Tools& tools) { return std::make_unique<DeviceConfig>(tools); }

}  // namespace ringside::checks
