// Feature negotiation (VIRTIO 1.2, 2.2, 6): what may be offered, what may and should be accepted, and when.
#include <fmt/core.h>

#include <array>
#include <map>
#include <optional>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kOnlyOffered{"features-drv-01", Role::driver};
constexpr Clause kOnlyDefined{"features-drv-05", Role::driver};
constexpr Clause kVersion1Accepted{"resfeat-drv-01", Role::driver};
constexpr Clause kAccessPlatformAccepted{"resfeat-drv-03", Role::driver};
constexpr Clause kPackedAccepted{"resfeat-drv-06", Role::driver};
constexpr Clause kOrderPlatformAccepted{"resfeat-drv-07", Role::driver};
constexpr Clause kNotifConfigDataAccepted{"resfeat-drv-13", Role::driver};
constexpr Clause kReadOnlyAccepted{"blkop-drv-03", Role::driver};
constexpr Clause kNoVirtualFunctions{"resfeat-drv-10", Role::driver};
constexpr Clause kNoneAfterFeaturesOk{"init-drv-04", Role::driver};
constexpr Clause kVersion1Offered{"resfeat-dev-01", Role::device};
constexpr Clause kDefinedOffered{"features-dev-04", Role::device};
constexpr Clause kSubsetAccepted{"features-dev-02", Role::device};
constexpr Clause kNonsenseRefused{"features-dev-03", Role::device};
constexpr Clause kAcceptedAgain{"features-dev-05", Role::device};
constexpr Clause kVirtualFunctionsOffered{"resfeat-dev-10", Role::device};
constexpr Clause kFlushOffered{"blkinit-dev-01", Role::device};
constexpr Clause kFlushWithConfigWce{"blkinit-dev-02", Role::device};
// The legacy interface
constexpr Clause kLegacyAnyLayoutAccepted{"legresfeat-drv-01", Role::driver};
constexpr Clause kLegacyBit30{"legresfeat-drv-02", Role::driver};
constexpr Clause kLegacyAnyLayoutOffered{"legresfeat-dev-03", Role::device};
constexpr Clause kLegacyNoZones{"blkinit-dev-06", Role::device};
constexpr std::array kClauses = {kOnlyOffered,
                                 kOnlyDefined,
                                 kVersion1Accepted,
                                 kAccessPlatformAccepted,
                                 kPackedAccepted,
                                 kOrderPlatformAccepted,
                                 kNotifConfigDataAccepted,
                                 kReadOnlyAccepted,
                                 kNoVirtualFunctions,
                                 kNoneAfterFeaturesOk,
                                 kVersion1Offered,
                                 kDefinedOffered,
                                 kSubsetAccepted,
                                 kNonsenseRefused,
                                 kAcceptedAgain,
                                 kVirtualFunctionsOffered,
                                 kFlushOffered,
                                 kFlushWithConfigWce,
                                 kLegacyAnyLayoutAccepted,
                                 kLegacyBit30,
                                 kLegacyAnyLayoutOffered,
                                 kLegacyNoZones};
constexpr std::array kKinds = {Kind::features, Kind::device_status, Kind::register_write};

[[nodiscard]] constexpr std::uint64_t bit(unsigned number) { return std::uint64_t{1} << number; }

// Bits that mean something: of a block device (5.2.3), of any device (6), and those of the legacy interface only.
constexpr std::uint64_t kBlockBits = bit(1) | bit(2) | bit(4) | bit(5) | bit(6) | bit(9) | bit(10) | bit(11) | bit(12) |
                                     bit(13) | bit(14) | bit(15) | bit(16) | bit(17);
constexpr std::uint64_t kCommonBits = bit(28) | bit(29) | bit(32) | bit(33) | bit(34) | bit(35) | bit(36) | bit(37) |
                                      bit(38) | bit(39) | bit(40) | bit(41) | bit(42);
constexpr std::uint64_t kLegacyBits =
    bit(0) | bit(7) | bit(VIRTIO_F_NOTIFY_ON_EMPTY) | bit(VIRTIO_F_ANY_LAYOUT) | bit(kBadFeature);

// What a driver has to, or had better, accept where it is offered.
struct Wanted {
  unsigned bit;
  const Clause& clause;
  const char* name;
};
constexpr std::array kWanted = {
    Wanted{VIRTIO_F_VERSION_1, kVersion1Accepted, "VIRTIO_F_VERSION_1"},
    Wanted{VIRTIO_F_ACCESS_PLATFORM, kAccessPlatformAccepted, "VIRTIO_F_ACCESS_PLATFORM"},
    Wanted{VIRTIO_F_RING_PACKED, kPackedAccepted, "VIRTIO_F_RING_PACKED"},
    Wanted{VIRTIO_F_ORDER_PLATFORM, kOrderPlatformAccepted, "VIRTIO_F_ORDER_PLATFORM"},
    Wanted{VIRTIO_F_NOTIF_CONFIG_DATA, kNotifConfigDataAccepted, "VIRTIO_F_NOTIF_CONFIG_DATA"},
    Wanted{VIRTIO_BLK_F_RO, kReadOnlyAccepted, "VIRTIO_BLK_F_RO"}};
// Without these a device may refuse to work at all (6.2).
constexpr std::uint64_t kDeviceMayInsist =
    bit(VIRTIO_F_VERSION_1) | bit(VIRTIO_F_ACCESS_PLATFORM) | bit(VIRTIO_F_ORDER_PLATFORM);

class Features final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "features"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    if (record.kind == Kind::features) {
      const bool legacy = facts().device(record.unit).legacy;
      if (record.flags == 0) {
        legacy ? legacy_offer(record) : offered(record);
      } else if (facts().device(record.unit).offer_known) {  // else what it offers is not in this log
        accepted(record, facts().device(record.unit).offered, legacy);
      }
    } else if (record.kind == Kind::device_status) {
      record.flags == 0 ? status_written(record) : status_read(record);
    } else if (is_common(record, VIRTIO_PCI_COMMON_GF) && devices_[record.unit].settled) {
      violated(kNoneAfterFeaturesOk, "driver_feature written after FEATURES_OK");
    }
  }

 private:
  struct Device {
    bool settled = false;         // FEATURES_OK is set
    bool unanswered = false;      // and was not read back yet
    std::uint64_t confirmed = 0;  // the last set that the device took
    bool any_confirmed = false;
  };

  void offered(const Record& record) {
    const std::uint64_t offer = record.value;
    if (!has(offer, VIRTIO_F_VERSION_1)) {
      violated(kVersion1Offered, "VIRTIO_F_VERSION_1 is not offered");
    }
    if (const std::uint64_t unknown = offer & ~(kBlockBits | kCommonBits | kLegacyBits); unknown != 0) {
      violated(kDefinedOffered, fmt::format("features {:#x} are offered, which mean nothing", unknown));
    }
    if (has(offer, VIRTIO_F_SR_IOV) && lacks_express(record.unit)) {
      violated(kVirtualFunctionsOffered, "VIRTIO_F_SR_IOV is offered by a function that is not PCI Express");
    }
    block_offer(offer);
  }

  void legacy_offer(const Record& record) {
    const std::uint64_t offer = record.value;
    if (!has(offer, VIRTIO_F_ANY_LAYOUT) && is_transitional(record.unit)) {
      violated(kLegacyAnyLayoutOffered, "VIRTIO_F_ANY_LAYOUT is not offered");
    }
    if (has(offer, VIRTIO_BLK_F_ZONED)) {
      violated(kLegacyNoZones, "VIRTIO_BLK_F_ZONED is offered by the legacy interface");
    }
    block_offer(offer);
  }

  void block_offer(std::uint64_t offer) {
    if (!has(offer, VIRTIO_BLK_F_FLUSH)) {
      const bool cache_mode = has(offer, VIRTIO_BLK_F_CONFIG_WCE);
      violated(cache_mode ? kFlushWithConfigWce : kFlushOffered,
               cache_mode ? "VIRTIO_BLK_F_CONFIG_WCE is offered without VIRTIO_BLK_F_FLUSH"
                          : "VIRTIO_BLK_F_FLUSH is not offered");
    }
  }

  void accepted(const Record& record, std::uint64_t offer, bool legacy) {
    const std::uint64_t defined = kBlockBits | kCommonBits | (legacy ? kLegacyBits : 0);
    const std::uint64_t undefined = record.value & ~defined;
    if (undefined != 0) {
      violated(kOnlyDefined, fmt::format("features {:#x} accepted, which mean nothing", undefined));
    }
    if (const std::uint64_t extra = record.value & ~offer & ~undefined; extra != 0) {
      violated(kOnlyOffered, fmt::format("features {:#x} accepted, which are not offered", extra));
    }
    for (const Wanted& wanted : kWanted) {
      if (has(offer, wanted.bit) && !has(record.value, wanted.bit)) {
        violated(wanted.clause, fmt::format("{} is offered and not accepted", wanted.name));
      }
    }
    if (has(record.value, VIRTIO_F_SR_IOV) && has(offer, VIRTIO_F_SR_IOV) && lacks_express(record.unit)) {
      violated(kNoVirtualFunctions, "VIRTIO_F_SR_IOV accepted of a function that is not PCI Express");
    }
    if (legacy && has(offer, VIRTIO_F_ANY_LAYOUT) && !has(record.value, VIRTIO_F_ANY_LAYOUT)) {
      violated(kLegacyAnyLayoutAccepted, "VIRTIO_F_ANY_LAYOUT is offered and not accepted");
    }
    if (legacy && has(record.value, kBadFeature)) {
      violated(kLegacyBit30, "bit 30 accepted");
    }
  }

  // One that has the modern interface too.
  [[nodiscard]] bool is_transitional(std::uint8_t unit) const {
    const Function* const function = facts().function_of(unit);
    return function != nullptr && function->capability(PCI_CAP_ID_VNDR) != 0;
  }

  // No SR-IOV without PCI Express. Known once the driver has read the whole list of capabilities.
  [[nodiscard]] bool lacks_express(std::uint8_t unit) const {
    const Function* const function = facts().function_of(unit);
    return function != nullptr && function->all_capabilities_known() && function->capability(PCI_CAP_ID_EXP) == 0;
  }

  void status_written(const Record& record) {
    Device& device = devices_[record.unit];
    const bool settled = (record.value & VIRTIO_CONFIG_S_FEATURES_OK) != 0;
    device.unanswered = settled && !device.settled;
    device.settled = settled;
  }

  // 2.2.2: what a device thinks of the features it says by FEATURES_OK.
  void status_read(const Record& record) {
    Device& device = devices_[record.unit];
    const DeviceFacts& known = facts().device(record.unit);
    if (!device.unanswered || !known.offer_known || known.legacy || record.value == kAllOnes8) {
      return;
    }
    device.unanswered = false;
    const bool took = (record.value & VIRTIO_CONFIG_S_FEATURES_OK) != 0;
    const bool legal =
        (known.accepted & ~known.offered) == 0 && (known.offered & kDeviceMayInsist & ~known.accepted) == 0;
    if (took && (known.accepted & ~known.offered) != 0) {
      violated(kNonsenseRefused, fmt::format("FEATURES_OK stays set with features {:#x}, which are not offered",
                                             known.accepted & ~known.offered));
    } else if (!took && device.any_confirmed && device.confirmed == known.accepted) {
      violated(kAcceptedAgain, fmt::format("features {:#x} refused, which were fine before", known.accepted));
    } else if (!took && legal) {
      violated(kSubsetAccepted, fmt::format("features {:#x} refused of {:#x}", known.accepted, known.offered));
    }
    if (took) {
      device.confirmed = known.accepted;
      device.any_confirmed = true;
    }
  }

  std::map<std::uint8_t, Device> devices_;
};

}  // namespace

std::unique_ptr<Monitor> make_features(const Tools& tools) { return std::make_unique<Features>(tools); }

}  // namespace ringside::checks
