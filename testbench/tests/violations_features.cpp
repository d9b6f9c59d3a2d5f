#include "testbench/checks/virtio_numbers.h"
#include "testbench/tests/violation_case.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr std::uint64_t bit(unsigned number) { return std::uint64_t{1} << number; }
constexpr std::uint64_t kFeatures = HandLog::kFeatures;

// The driver accepts, and the device says what it thinks of that.
void accept(HandLog& log, std::uint64_t offered, std::uint64_t accepted, std::uint64_t answer = 0xb) {
  log.reset();
  log.status(1);
  log.status(3);
  log.add(Kind::features, offered, 0);
  log.add(Kind::features, accepted, 1);
  log.status(0xb);
  log.status_reads(answer);
  if (answer != 0xb) {
    log.status(0x8b);
  }
}

void legacy(HandLog& log, std::uint64_t offered, std::uint64_t accepted) {
  log.reset();
  log.status(1);
  log.status(3);
  log.negotiate_legacy(offered, accepted);
}

const Violated kCases[] = {
    {"AcceptsWhatMeansNothing", "driver features-drv-05",
     [](HandLog& log) { accept(log, kFeatures, kFeatures | bit(20), 3); }},
    {"DeclinesAccessPlatform", "driver resfeat-drv-03",
     [](HandLog& log) { accept(log, kFeatures | bit(VIRTIO_F_ACCESS_PLATFORM), kFeatures); }},
    {"DeclinesThePackedRing", "driver resfeat-drv-06",
     [](HandLog& log) { accept(log, kFeatures | bit(VIRTIO_F_RING_PACKED), kFeatures); }},
    {"DeclinesOrderPlatform", "driver resfeat-drv-07",
     [](HandLog& log) { accept(log, kFeatures | bit(VIRTIO_F_ORDER_PLATFORM), kFeatures); }},
    {"DeclinesNotifConfigData", "driver resfeat-drv-13",
     [](HandLog& log) { accept(log, kFeatures | bit(VIRTIO_F_NOTIF_CONFIG_DATA), kFeatures); }},
    {"DeclinesReadOnly", "driver blkop-drv-03",
     [](HandLog& log) { accept(log, kFeatures | bit(VIRTIO_BLK_F_RO), kFeatures); }},
    {"OffersWhatMeansNothing", "device features-dev-04",
     [](HandLog& log) { accept(log, kFeatures | bit(20), kFeatures); }},
    {"RefusesASubset", "device features-dev-02", [](HandLog& log) { accept(log, kFeatures, kFeatures & ~bit(29), 3); }},
    {"RefusesWhatWasFineBefore", "device features-dev-05",
     [](HandLog& log) {
       accept(log, kFeatures, kFeatures);
       accept(log, kFeatures, kFeatures, 3);
     }},
    {"DoesNotOfferFlush", "device blkinit-dev-01",
     [](HandLog& log) {
       const std::uint64_t offered = kFeatures & ~bit(VIRTIO_BLK_F_FLUSH) & ~bit(VIRTIO_BLK_F_CONFIG_WCE);
       accept(log, offered, offered);
     }},
    {"VirtualFunctionsWithoutExpress", "device resfeat-dev-10",
     [](HandLog& log) {
       log.discover();
       accept(log, kFeatures | bit(VIRTIO_F_SR_IOV), kFeatures);
     }},
    {"LegacyWithoutAnyLayout", "device legresfeat-dev-03",
     [](HandLog& log) {
       const std::uint64_t offered = HandLog::kLegacyFeatures & ~bit(VIRTIO_F_ANY_LAYOUT);
       log.make_transitional();
       log.discover();
       legacy(log, offered, offered);
     }},
    {"LegacyDeclinesAnyLayout", "driver legresfeat-drv-01",
     [](HandLog& log) { legacy(log, HandLog::kLegacyFeatures, HandLog::kLegacyFeatures & ~bit(VIRTIO_F_ANY_LAYOUT)); }},
    {"LegacyAcceptsBit30", "driver legresfeat-drv-02",
     [](HandLog& log) {
       const std::uint64_t offered = HandLog::kLegacyFeatures | bit(kBadFeature);
       legacy(log, offered, offered);
     }},
    {"LegacyZones", "device blkinit-dev-06",
     [](HandLog& log) { legacy(log, HandLog::kLegacyFeatures | bit(VIRTIO_BLK_F_ZONED), HandLog::kLegacyFeatures); }},
    {"TakesWhatItDoesNotOffer", "device features-dev-03",
     [](HandLog& log) { accept(log, kFeatures, kFeatures | bit(2)); }, "driver features-drv-01"},
    {"VirtualFunctionsAccepted", "driver resfeat-drv-10",
     [](HandLog& log) {
       log.discover();
       accept(log, kFeatures | bit(VIRTIO_F_SR_IOV), kFeatures | bit(VIRTIO_F_SR_IOV));
     },
     "device resfeat-dev-10"},
};

}  // namespace

std::span<const Violated> feature_violations() { return kCases; }

}  // namespace ringside::checks
