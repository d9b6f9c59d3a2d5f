// What a virtio-blk driver may ask, and what a device may answer (VIRTIO 1.2, 5.2.6). The limits are those that the
// driver has read of the device's configuration; what it has not read is not judged.
#include <fmt/core.h>

#include <array>
#include <map>
#include <optional>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kWithinCapacity{"blkop-drv-02", Role::driver};
constexpr Clause kFlushSector{"blkop-drv-04", Role::driver};
constexpr Clause kFlushData{"blkop-drv-05", Role::driver};
constexpr Clause kWholeSectors{"blkop-drv-06", Role::driver};
constexpr Clause kWholeRanges{"blkop-drv-07", Role::driver};
constexpr Clause kIdLength{"blkop-drv-08", Role::driver};
constexpr Clause kDiscardRanges{"blkop-drv-09", Role::driver};
constexpr Clause kZeroesRanges{"blkop-drv-11", Role::driver};
constexpr Clause kEraseRanges{"blkop-drv-10", Role::driver};
constexpr Clause kLifetimeLength{"5.2.6", Role::driver};
constexpr Clause kReadOnlyRefused{"blkop-dev-03", Role::device};
constexpr Clause kKnownStatus{"5.2.6", Role::device};
// Zones (VIRTIO 1.4, 5.2.6)
constexpr Clause kZoneStart{"blkop-drv-20", Role::driver};
constexpr Clause kAllZones{"blkop-drv-21", Role::driver};
constexpr Clause kAppendAtStart{"blkop-drv-22", Role::driver};
constexpr Clause kAppendWhole{"blkop-drv-23", Role::driver};
constexpr Clause kAppendLimit{"blkop-drv-24", Role::driver};
constexpr Clause kZonesUnsupported{"blkop-dev-18", Role::device};
constexpr std::array kClauses = {kWithinCapacity, kFlushSector,    kFlushData,       kWholeSectors,    kWholeRanges,
                                 kIdLength,       kDiscardRanges,  kZeroesRanges,    kReadOnlyRefused, kKnownStatus,
                                 kEraseRanges,    kLifetimeLength, kZoneStart,       kAllZones,        kAppendAtStart,
                                 kAppendWhole,    kAppendLimit,    kZonesUnsupported};
constexpr std::array kKinds = {Kind::features, Kind::register_read, Kind::request, Kind::completion};

constexpr std::uint64_t kRangeBytes = sizeof(BlockRange);
constexpr std::uint64_t kIdBytes = 20;
constexpr std::uint64_t kLifetimeBytes = 6;  // struct virtio_blk_lifetime: three le16

// struct virtio_blk_config
constexpr std::uint64_t kCapacityLow = 0x00;
constexpr std::uint64_t kCapacityHigh = 0x04;
constexpr std::uint64_t kMaxDiscardSeg = 0x28;
constexpr std::uint64_t kMaxWriteZeroesSeg = 0x34;
constexpr std::uint64_t kMaxSecureEraseSeg = 0x40;
constexpr std::uint64_t kZoneSectors = 0x48;
constexpr std::uint64_t kMaxAppendSectors = 0x54;
constexpr std::uint64_t kWriteGranularity = 0x58;

class BlockRequests final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "block requests"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::features:
        if (record.flags == 0) {
          disks_[record.unit].read_only = has(record.value, VIRTIO_BLK_F_RO);
        }
        break;
      case Kind::register_read:
        if (record.region == static_cast<std::uint32_t>(Structure::device) && record.width == 4) {
          disks_[record.unit].learn(record.offset, record.value);
        }
        break;
      case Kind::request:
        request(record);
        break;
      case Kind::completion:
        complete(record);
        break;
      default:
        break;
    }
  }

 private:
  struct Disk {
    std::map<std::uint64_t, std::uint32_t> config;  // 32-bit words as last read, by offset
    std::optional<std::uint64_t> capacity;          // out of them, in sectors
    bool read_only = false;

    [[nodiscard]] std::optional<std::uint64_t> word(std::uint64_t offset) const {
      const auto found = config.find(offset);
      return found == config.end() ? std::nullopt : std::optional<std::uint64_t>(found->second);
    }
    void learn(std::uint64_t offset, std::uint64_t value) {
      config[offset] = static_cast<std::uint32_t>(value);
      const auto low = word(kCapacityLow);
      const auto high = word(kCapacityHigh);
      if (low && high) {
        capacity = *low | *high << 32;
      }
    }
  };

  void request(const Record& record) {
    const Disk& disk = disks_[record.unit];
    switch (record.flags) {
      case VIRTIO_BLK_T_IN:
      case VIRTIO_BLK_T_OUT:
        expect(record.length % kSectorBytes == 0, kWholeSectors, record, "data is a multiple of 512 bytes");
        expect(is_inside(disk, record.offset, (record.length + kSectorBytes - 1) / kSectorBytes), kWithinCapacity,
               record, "no request reaches beyond capacity");
        break;
      case VIRTIO_BLK_T_FLUSH:
        expect(record.offset == 0, kFlushSector, record, "the sector of a flush is 0");
        expect(record.length == 0, kFlushData, record, "a flush carries no data");
        break;
      case VIRTIO_BLK_T_GET_ID:
        expect(record.length == kIdBytes, kIdLength, record, "an identifier has 20 bytes");
        break;
      case VIRTIO_BLK_T_DISCARD:
        ranges(record, disk, kDiscardRanges, kMaxDiscardSeg);
        break;
      case VIRTIO_BLK_T_WRITE_ZEROES:
        ranges(record, disk, kZeroesRanges, kMaxWriteZeroesSeg);
        break;
      case VIRTIO_BLK_T_SECURE_ERASE:
        ranges(record, disk, kEraseRanges, kMaxSecureEraseSeg);
        break;
      case VIRTIO_BLK_T_GET_LIFETIME:
        expect(record.length == kLifetimeBytes, kLifetimeLength, record, "the lifetime of the medium has 6 bytes");
        break;
      case VIRTIO_BLK_T_ZONE_APPEND:
        append(record, disk);
        break;
      case VIRTIO_BLK_T_ZONE_OPEN:
      case VIRTIO_BLK_T_ZONE_CLOSE:
      case VIRTIO_BLK_T_ZONE_FINISH:
      case VIRTIO_BLK_T_ZONE_RESET:
        expect(starts_zone(record, disk), kZoneStart, record, "the sector is the first of a zone");
        break;
      case VIRTIO_BLK_T_ZONE_RESET_ALL:
        expect(record.offset == 0, kAllZones, record, "the sector is 0 where all zones are meant");
        break;
      default:
        break;  // types that this monitor does not know are the device's to refuse
    }
  }

  static bool starts_zone(const Record& record, const Disk& disk) {
    const auto sectors = disk.word(kZoneSectors);
    return !sectors || *sectors == 0 || record.offset % *sectors == 0;
  }

  void append(const Record& record, const Disk& disk) {
    expect(starts_zone(record, disk), kAppendAtStart, record, "an append names the first sector of a zone");
    const auto granularity = disk.word(kWriteGranularity);
    expect(!granularity || *granularity == 0 || record.length % *granularity == 0, kAppendWhole, record,
           "an append is a multiple of write_granularity");
    const auto limit = disk.word(kMaxAppendSectors);
    expect(!limit || record.length <= *limit * kSectorBytes, kAppendLimit, record,
           "an append is no longer than max_append_sectors");
  }

  static bool is_of_zones(std::uint16_t type) {
    return type >= VIRTIO_BLK_T_ZONE_APPEND && type <= VIRTIO_BLK_T_ZONE_RESET_ALL;
  }

  // The record carries the first range; of further ones only the number is known.
  void ranges(const Record& record, const Disk& disk, const Clause& count, std::uint64_t limit_offset) {
    expect(record.length != 0 && record.length % kRangeBytes == 0, kWholeRanges, record,
           "data is a multiple of 16 bytes");
    if (const auto limit = disk.word(limit_offset); limit.has_value()) {
      if (record.length / kRangeBytes > *limit) {
        violated(count, fmt::format("{}: at most {} ranges", describe(record), *limit));
      }
    }
    if (!is_inside(disk, record.value, record.region)) {
      violated(kWithinCapacity, fmt::format("{}: the range of {} sectors from {} reaches beyond capacity",
                                            describe(record), record.region, record.value));
    }
  }

  void complete(const Record& record) {
    if (record.ordinal == kNoOrdinal || record.flags == kSenseless) {
      return;
    }
    const bool zoned = has(facts().device(record.unit).accepted, VIRTIO_BLK_F_ZONED);
    expect(zoned || record.value <= VIRTIO_BLK_S_UNSUPP, kKnownStatus, record, "a status is 0, 1 or 2");
    expect(zoned || !is_of_zones(record.flags) || record.value == VIRTIO_BLK_S_UNSUPP, kZonesUnsupported, record,
           "without zones a request for them is not supported");
    const bool wrote = record.flags == VIRTIO_BLK_T_OUT && record.value == VIRTIO_BLK_S_OK;
    expect(!(disks_[record.unit].read_only && wrote), kReadOnlyRefused, record, "a read-only disk takes no write");
  }

  // Never the sum of the two: it may wrap.
  static bool is_inside(const Disk& disk, std::uint64_t sector, std::uint64_t sectors) {
    const auto& capacity = disk.capacity;
    return !capacity.has_value() || (sector <= *capacity && sectors <= *capacity - sector);
  }

  template <class Rule>
  void expect(bool held, const Clause& clause, const Record& record, const Rule& rule) {
    if (!held) {
      violated(clause, fmt::format("{}: {}", describe(record), rule));
    }
  }

  std::map<std::uint8_t, Disk> disks_;
};

}  // namespace

std::unique_ptr<Monitor> make_block_requests(const Tools& tools) { return std::make_unique<BlockRequests>(tools); }

}  // namespace ringside::checks
