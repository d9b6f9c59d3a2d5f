// Every requirement that a monitor watches is broken once, and the monitor says so: that one, and by whom.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "driver/hal/memory.h"
#include "testbench/checks/coverage.h"
#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/tests/monitor_log.h"
#include "testbench/tests/violation_case.h"

namespace ringside::checks {
namespace {

using namespace trace;

static_assert(kFenceAvailPublish == static_cast<std::uint64_t>(hal::Fence::avail_publish));
static_assert(kFenceAvailNotify == static_cast<std::uint64_t>(hal::Fence::avail_notify));

void fences_and_publishes(HandLog& log, bool publish_fence, bool notify_fence) {
  log.bring_up();
  log.add(Kind::access, 0, 1).width = 2;  // the ring entry
  if (publish_fence) {
    log.add(Kind::fence, kFenceAvailPublish);
  }
  log.add(Kind::access, 1, 1).width = 2;  // the index
  log.publish();
  if (notify_fence) {
    log.add(Kind::fence, kFenceAvailNotify);
  }
}

// The driver reads what the device says of notifications: avail_event, or the flags without EVENT_IDX.
void read_suppression(HandLog& log, std::uint64_t offset, std::uint64_t value) {
  Record& load = log.add(Kind::access, value, 0);
  load.region = kRegionDma + 1;
  load.offset = (HandLog::kUsed & 0xffff) + offset;
  load.width = 2;
}

constexpr std::uint64_t kAvailEvent = 4 + 8 * HandLog::kSize;
constexpr std::uint64_t kPacked = HandLog::kFeatures | std::uint64_t{1} << VIRTIO_F_RING_PACKED;
constexpr std::uint64_t kData = HandLog::kFeatures | std::uint64_t{1} << VIRTIO_F_NOTIFICATION_DATA;
constexpr std::uint64_t kConfigData = HandLog::kFeatures | std::uint64_t{1} << VIRTIO_F_NOTIF_CONFIG_DATA;
constexpr std::uint64_t kQueueNotifConfigData = 0x38;
constexpr std::uint64_t kWithoutEventIndex = HandLog::kFeatures & ~(std::uint64_t{1} << 29);

const Violated kCases[] = {
    // --- Status protocol
    {"DriverBeforeAcknowledge", "driver init-drv-01",
     [](HandLog& log) {
       log.reset();
       log.status(2);
     }},
    {"NoResetAtTheBeginning", "driver init-drv-01", [](HandLog& log) { log.status(1); }},
    {"DriverOkWithoutReadingFeaturesOkBack", "driver init-drv-01",
     [](HandLog& log) {
       log.reset();
       log.status(1);
       log.status(3);
       log.status(0xb);
       log.status(0xf);
     }},
    {"DriverOkAlthoughFeaturesWereRefused", "driver init-drv-06",
     [](HandLog& log) {
       log.reset();
       log.status(1);
       log.status(3);
       log.status(0xb);
       log.status_reads(3);
       log.status(0xf);
     }},
    {"QueueBeforeFeaturesOk", "driver init-drv-01",
     [](HandLog& log) {
       log.reset();
       log.set_up_queue();
     }},
    {"QueueAfterDriverOk", "driver init-drv-01",
     [](HandLog& log) {
       log.reset();
       log.negotiate();
       log.go();
       log.set_up_queue();
     }},
    {"StatusBitTakenBack", "driver status-drv-02",
     [](HandLog& log) {
       log.bring_up();
       log.status(0xb);
     }},
    {"GoesOnAfterFailed", "driver status-drv-03",
     [](HandLog& log) {
       log.reset();
       log.status(1);
       log.status(0x81);
       log.status(0x83);
     }},
    {"DoorbellBeforeDriverOk", "driver init-drv-07",
     [](HandLog& log) {
       log.reset();
       log.negotiate();
       log.set_up_queue();
       log.publish();
       log.ring();
     }},
    {"DoesNotWaitForTheReset", "driver pcicommon-drv-05",
     [](HandLog& log) {
       log.status(0);
       log.status(1);
     }},
    {"ResetNeverReadsZero", "device reset-dev-01",
     [](HandLog& log) {
       log.status(0);
       log.status_reads(0xff);
     }},
    {"CompletionBeforeDriverOk", "device status-dev-01",
     [](HandLog& log) {
       log.reset();
       log.negotiate();
       log.set_up_queue();
       log.publish();
       log.request(VIRTIO_BLK_T_IN, 0, 512);
       log.look();
       log.completion(0, VIRTIO_BLK_T_IN);
     }},
    // --- Features
    {"AcceptsWhatIsNotOffered", "driver features-drv-01",
     [](HandLog& log) {
       log.reset();
       log.status(1);
       log.status(3);
       log.add(Kind::features, HandLog::kFeatures, 0);
       log.add(Kind::features, HandLog::kFeatures | 4, 1);
       log.status(0xb);
       log.status_reads(3);
       log.status(0x8b);
     }},
    {"DoesNotAcceptVersion1", "driver resfeat-drv-01",
     [](HandLog& log) {
       log.reset();
       log.negotiate(HandLog::kFeatures, 0);
     }},
    {"AcceptsAfterFeaturesOk", "driver init-drv-04",
     [](HandLog& log) {
       log.bring_up();
       log.write_common(0x0c, 4, 0);
     }},
    {"DoesNotOfferVersion1", "device resfeat-dev-01",
     [](HandLog& log) {
       log.reset();
       log.negotiate(HandLog::kFeatures & ~(std::uint64_t{1} << 32), HandLog::kFeatures & ~(std::uint64_t{1} << 32));
     }},
    {"OffersConfigWceWithoutFlush", "device blkinit-dev-02",
     [](HandLog& log) {
       log.reset();
       const std::uint64_t offered = HandLog::kFeatures & ~(std::uint64_t{1} << VIRTIO_BLK_F_FLUSH);
       log.negotiate(offered, offered);
     }},
    // --- Queue set-up
    {"RingAddressMissing", "driver pcicommon-drv-04",
     [](HandLog& log) {
       log.reset();
       log.negotiate();
       log.allocate_rings();
       log.write_common(0x20, 8, HandLog::kDescriptors);
       log.write_common(0x28, 8, HandLog::kAvail);
       log.enable();
     }},
    {"FieldWrittenWhileEnabled", "driver pcicommon-drv-04",
     [](HandLog& log) {
       log.bring_up();
       log.write_common(0x18, 2, 8);
     }},
    {"ReenabledWithoutAddresses", "driver qreenable-drv-01",
     [](HandLog& log) {
       log.bring_up();
       log.add(Kind::queue_disabled);
       log.read_common(0x3a, 2, 0);
       log.write_common(0x20, 8, HandLog::kDescriptors);
       log.write_common(0x28, 8, HandLog::kAvail);
       log.enable();
     }},
    {"ReenabledBeforeTheQueueResetIsDone", "driver pcicommon-drv-07",
     [](HandLog& log) {
       log.bring_up();
       log.add(Kind::queue_disabled);
       log.read_common(0x3a, 2, 1);
       log.addresses();
       log.enable();
     }},
    {"QueueSizeNoPowerOfTwo", "driver pcicommon-drv-03",
     [](HandLog& log) {
       log.reset();
       log.negotiate();
       log.write_common(0x18, 2, 24);
     }},
    {"QueueDisabledByZero", "driver pcicommon-drv-06",
     [](HandLog& log) {
       log.bring_up();
       log.write_common(0x1c, 2, 0);
     }},
    {"RingsMisaligned", "driver splitvq-drv-01",
     [](HandLog& log) {
       log.reset();
       log.negotiate();
       log.allocate_rings(8);
       log.addresses();
       log.enable();
     }},
    {"VectorNotReadBack", "driver pcimsix-drv-05",
     [](HandLog& log) {
       log.reset();
       log.negotiate();
       log.write_common(0x1a, 2, 1);
       log.set_up_queue();
     }},
    {"QueueSizeOfferedNoPowerOfTwo", "device pcicommon-dev-15",
     [](HandLog& log) {
       log.reset();
       log.read_common(0x18, 2, 100);
     }},
    {"VectorReadsBackAnother", "device pcimsix-dev-06",
     [](HandLog& log) {
       log.reset();
       log.write_common(0x1a, 2, 1);
       log.read_common(0x1a, 2, 0);
     }},
    {"QueueEnabledAfterReset", "device pcicommon-dev-08",
     [](HandLog& log) {
       log.bring_up();
       log.reset();
       log.read_common(0x1c, 2, 1);
     }},
    // --- Available ring
    {"AvailableIndexGoesBack", "driver avail-drv-01",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.publish(0xffff);
     }},
    {"MoreInFlightThanTheRingHolds", "driver cleanup-drv-01",
     [](HandLog& log) {
       log.bring_up();
       log.publish(10);
       log.publish(10);
     }},
    {"HeadInFlightTwice", "driver 2.7.13.1",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0).width = 1;
     }},
    {"ChainCannotBeFollowed", "driver desc-drv-01",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(kSenseless, 0, 0);
     }},
    {"IndirectNotNegotiated", "driver indirect-drv-01",
     [](HandLog& log) {
       log.bring_up(HandLog::kFeatures & ~(std::uint64_t{1} << 28));
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
     }},
    {"ChainLongerThanTheQueue", "driver indirect-drv-03",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0).aux = 17;
     }},
    // --- Used ring
    {"IdNotInFlight", "device 2.7.8",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
       log.look();
       log.completion(kNoOrdinal, 0);
     }},
    {"SameRequestUsedTwice", "device 2.7.8",
     [](HandLog& log) {
       log.bring_up();
       log.publish(2);
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
       log.look(2);
       log.completion(0, VIRTIO_BLK_T_FLUSH);
       log.completion(0, VIRTIO_BLK_T_FLUSH);
     }},
    {"UsedIndexJumps", "device 2.7.8",
     [](HandLog& log) {
       log.bring_up();
       log.look(100);
     }},
    {"UsedLengthTooLong", "device used-dev-02",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_IN, 0, 512);
       log.look();
       log.completion(0, VIRTIO_BLK_T_IN).length = 514;
     }},
    {"OutOfOrderAlthoughInOrder", "device resfeat-dev-05",
     [](HandLog& log) {
       const std::uint64_t features = HandLog::kFeatures | std::uint64_t{1} << VIRTIO_F_IN_ORDER;
       log.reset();
       log.negotiate(features, features);
       log.set_up_queue();
       log.go();
       log.publish(2);
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
       log.look();
       log.completion(1, VIRTIO_BLK_T_FLUSH);
     }},
    // --- Notification
    {"DoorbellTooWide", "driver pcikick-drv-01",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.add(Kind::doorbell).width = 4;
     }},
    {"DoorbellWithAnotherValue", "driver pcikick-drv-03",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.add(Kind::doorbell, 1).width = 2;
     }},
    {"DoorbellForNothing", "driver availsup-drv-07",
     [](HandLog& log) {
       log.bring_up();
       log.ring();
     }},
    {"NoBarrierBeforeTheIndex", "driver updidx-drv-01",
     [](HandLog& log) {
       fences_and_publishes(log, false, true);
       log.ring();
     }},
    {"NoBarrierAfterTheIndex", "driver notify-drv-01",
     [](HandLog& log) {
       fences_and_publishes(log, true, false);
       read_suppression(log, kAvailEvent, 0);
       log.ring();
     }},
    {"DoorbellThatWasAskedForIsMissing", "driver availsup-drv-06",
     [](HandLog& log) {
       fences_and_publishes(log, true, true);
       read_suppression(log, kAvailEvent, 0);
       log.add(Kind::wait);
     }},
    {"SuppressionNeverRead", "driver availsup-drv-06",
     [](HandLog& log) {
       fences_and_publishes(log, true, true);
       log.add(Kind::wait);
     }},
    {"DoorbellThatNobodyAskedFor", "driver availsup-drv-07",
     [](HandLog& log) {
       fences_and_publishes(log, true, true);
       read_suppression(log, kAvailEvent, 5);
       log.ring();
     }},
    {"DoorbellMissingWithoutEventIndex", "driver availsup-drv-04",
     [](HandLog& log) {
       log.bring_up(kWithoutEventIndex);
       log.add(Kind::fence, kFenceAvailPublish);
       log.publish();
       log.add(Kind::fence, kFenceAvailNotify);
       read_suppression(log, 0, 0);
       log.add(Kind::relax);
     }},
    {"InterruptLost", "device usedsup-dev-05",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
       log.ring();
       log.add(Kind::used_event, 0);
       log.add(Kind::wait);
       log.add(Kind::wait_timeout);
       log.look();
       log.completion(0, VIRTIO_BLK_T_FLUSH);
     }},
    {"InterruptLostWithoutEventIndex", "device usedsup-dev-03",
     [](HandLog& log) {
       log.bring_up(kWithoutEventIndex);
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
       log.ring();
       log.add(Kind::avail_flags, 0);
       log.add(Kind::wait_timeout);
       log.look();
       log.completion(0, VIRTIO_BLK_T_FLUSH);
     }},
    // --- Config access
    {"WrongWidth", "driver pcilayout-drv-01",
     [](HandLog& log) {
       log.reset();
       log.read_common(0x12, 4, 0);
     }},
    {"WrongWidthOfDeviceConfig", "driver pcilayout-drv-01",
     [](HandLog& log) {
       log.reset();
       log.read_config(0, 2, 0);
     }},
    {"ReadOnlyFieldWritten", "driver pcicommon-drv-01",
     [](HandLog& log) {
       log.reset();
       log.write_common(0x1e, 2, 0);
     }},
    {"CapacityWritten", "driver 5.2.4",
     [](HandLog& log) {
       log.bring_up();
       log.access(Kind::register_write, Structure::device, 0, 4, 0);
     }},
    {"ConfigWrittenWhileNegotiating", "driver init-drv-03",
     [](HandLog& log) {
       log.reset();
       log.access(Kind::register_write, Structure::device, 0x20, 1, 0);
     }},
    // --- Block requests
    {"ReadBeyondCapacity", "driver blkop-drv-02",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_IN, 999, 1024);
     }},
    {"SectorThatWraps", "driver blkop-drv-02",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_OUT, ~std::uint64_t{0}, 1024);
     }},
    {"RangeBeyondCapacity", "driver blkop-drv-02",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.range(VIRTIO_BLK_T_DISCARD, 996, 8);
     }},
    {"FlushOfASector", "driver blkop-drv-04",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 1, 0);
     }},
    {"FlushWithData", "driver blkop-drv-05",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 0, 512);
     }},
    {"HalfASector", "driver blkop-drv-06",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_IN, 0, 256);
     }},
    {"HalfARange", "driver blkop-drv-07",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.range(VIRTIO_BLK_T_DISCARD, 0, 8).length = 24;
     }},
    {"IdentifierTooLong", "driver blkop-drv-08",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_GET_ID, 0, 512);
     }},
    {"TooManyDiscardRanges", "driver blkop-drv-09",
     [](HandLog& log) {
       log.bring_up_with(HandLog::kFeatures | 1u << 13);
       log.read_config(0x28, 4, 1);
       log.publish();
       log.range(VIRTIO_BLK_T_DISCARD, 0, 8).length = 32;
     }},
    {"TooManyZeroesRanges", "driver blkop-drv-11",
     [](HandLog& log) {
       log.bring_up_with(HandLog::kFeatures | 1u << 14);
       log.read_config(0x34, 4, 1);
       log.publish();
       log.range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8).length = 32;
     }},
    {"ReadOnlyDiskTakesAWrite", "device blkop-dev-03",
     [](HandLog& log) {
       log.reset();
       log.negotiate(HandLog::kFeatures | 1u << VIRTIO_BLK_F_RO, HandLog::kFeatures | 1u << VIRTIO_BLK_F_RO);
       log.set_up_queue();
       log.go();
       log.perform(VIRTIO_BLK_T_OUT, 0, 512, 1);
     }},
    {"UnknownStatus", "device 5.2.6",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
       log.look();
       log.completion(0, VIRTIO_BLK_T_FLUSH, 0, 3);
     }},
    // --- Packed rings
    {"PackedQueueOfNoSize", "driver pcicommon-drv-02",
     [](HandLog& log) {
       log.reset();
       log.negotiate(kPacked, kPacked);
       log.write_common(0x18, 2, 0);
     }},
    {"PackedEventAreaMisaligned", "driver packedvq-drv-01",
     [](HandLog& log) {
       log.reset();
       log.negotiate(kPacked, kPacked);
       log.allocate_rings();
       log.addresses();
       log.enable().length += 2;
     }},
    {"PackedIdInFlight", "driver 2.8.21.1",
     [](HandLog& log) {
       log.bring_up_with(kPacked);
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0).width = 1;
     }},
    {"PackedIndirectNotNegotiated", "driver packedind-drv-01",
     [](HandLog& log) {
       log.bring_up_with(kPacked & ~(std::uint64_t{1} << VIRTIO_F_INDIRECT_DESC));
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
     }},
    {"PackedSenselessList", "driver packedind-drv-04",
     [](HandLog& log) {
       log.bring_up_with(kPacked);
       log.publish();
       log.defect(Defect::indirect_in_list, 0);
       log.request(kSenseless, 0, 0);
     }},
    {"PackedListLongerThanQueue", "driver packedsg-drv-02",
     [](HandLog& log) {
       log.bring_up_with(kPacked);
       log.publish();
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0).aux = HandLog::kSize + 1;
     }},
    {"PackedRingOverrun", "driver packeddesc-drv-01",
     [](HandLog& log) {
       log.bring_up_with(kPacked);
       log.publish(10);
       log.publish(10);
     }},
    {"PackedUsedTwice", "device packeddesc-dev-03",
     [](HandLog& log) {
       log.bring_up_with(kPacked);
       log.completion(7, VIRTIO_BLK_T_FLUSH);
     }},

    // --- The legacy interface
    {"LegacyQueueStartsNoPage", "driver legvq-drv-03",
     [](HandLog& log) {
       Record& queue = log.bring_up_legacy();
       queue.offset += 16;
       log.status(7);
     }},
    {"LegacyQueueOutgrowsItsMemory", "driver legvq-drv-02",
     [](HandLog& log) {
       log.bring_up_legacy().aux = HandLog::kDescriptors + 8192;
       log.status(7);
     }},

    // --- Doorbells that say more
    {"DataInANarrowDoorbell", "driver pcikick-drv-02",
     [](HandLog& log) {
       log.bring_up_with(kData);
       log.publish();
       log.ring();
     }},
    {"DataForAnotherQueue", "driver pcikick-drv-04",
     [](HandLog& log) {
       log.bring_up_with(kData);
       log.publish();
       log.ring_with(3, 1);
     }},
    {"NumberInPlaceOfConfigData", "driver pcikick-drv-05",
     [](HandLog& log) {
       log.bring_up_with(kConfigData);
       log.read_common(kQueueNotifConfigData, 2, 7);
       log.publish();
       log.ring();
     }},
    {"NumberInPlaceOfConfigDataWithData", "driver pcikick-drv-06",
     [](HandLog& log) {
       log.bring_up_with(kConfigData | kData);
       log.read_common(kQueueNotifConfigData, 2, 7);
       log.publish();
       log.ring_with(0, 1);
     }},
    {"DataWithAnOldIndex", "driver 2.9",
     [](HandLog& log) {
       log.bring_up_with(kData);
       log.publish();
       log.ring_with(0, 0);
     }},
    {"DataWithAnotherWrapCounter", "driver packeddesc-drv-03",
     [](HandLog& log) {
       log.bring_up_with(kData | kPacked);
       log.add(Kind::avail_publish, 0x8002).length = 1;
       log.ring_with(0, 2);
     }},

    // --- Newer requests
    {"TooManyErasedRanges", "driver blkop-drv-10",
     [](HandLog& log) {
       log.bring_up_with(HandLog::kFeatures | 1u << 16);
       log.read_config(0x40, 4, 1);
       log.publish();
       log.range(VIRTIO_BLK_T_SECURE_ERASE, 0, 8).length = 32;
     }},
    {"LifetimeOfTheWrongLength", "driver 5.2.6",
     [](HandLog& log) {
       log.bring_up();
       log.publish();
       log.request(VIRTIO_BLK_T_GET_LIFETIME, 0, 4);
     }},
    {"GuardOverwritten", "device desc-dev-01",
     [](HandLog& log) {
       log.bring_up();
       log.add(Kind::guard);
     }},
};

std::vector<Violated> all_violations() {
  std::vector<Violated> all(std::begin(kCases), std::end(kCases));
  for (const auto& list :
       {chain_violations(), device_side_violations(), feature_violations(), pci_violations(), register_violations()}) {
    all.insert(all.end(), list.begin(), list.end());
  }
  return all;
}

class MonitorCase : public testing::TestWithParam<Violated> {};

TEST_P(MonitorCase, SaysWhatIsBrokenAndByWhom) {
  HandLog log;
  GetParam().play(log);
  std::vector<std::string> expected{GetParam().broken};
  if (GetParam().also != nullptr) {
    expected.insert(expected.begin(), GetParam().also);
  }
  EXPECT_EQ(log.broken(), expected);
}

INSTANTIATE_TEST_SUITE_P(Each, MonitorCase, testing::ValuesIn(all_violations()),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(Monitors, NothingIsWrongWithACorrectRun) {
  HandLog log;
  log.bring_up();
  for (std::uint32_t i = 0; i < 40; ++i) {
    log.perform(static_cast<std::uint16_t>(i % 2 == 0 ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN), i / 2, 512, i / 2);
  }
  log.add(Kind::queue_disabled);
  log.read_common(0x3a, 2, 0);
  log.addresses();
  log.enable();
  log.available = log.used = 0;
  log.next_request = 0;
  log.perform(VIRTIO_BLK_T_FLUSH, 0, 0, 0);
  log.reset();
  EXPECT_EQ(log.broken(), std::vector<std::string>{});
}

// It did not reset, so the bus was taken from it: then it reaches no memory that is given back. With the bus it does.
TEST(Monitors, RingsMayBeFreedOnceTheDeviceIsOffTheBus) {
  constexpr unsigned kCommand = 0x04;
  for (const unsigned master : {0u, 4u}) {
    HandLog log;
    log.discover();
    log.bring_up();
    log.config_access(Kind::config_write, kCommand, 2, 3 | master);
    log.add(Kind::dma_free).region = kRegionDma + 1;
    const std::vector<std::string> broken = log.broken();
    EXPECT_EQ(std::count(broken.begin(), broken.end(), "driver cleanup-drv-02"), master == 0 ? 0 : 1);
  }
}

TEST(Monitors, ALegacyDriverNeedsNoFeaturesOk) {
  HandLog log;
  log.bring_up_legacy();
  log.status(7);
  log.perform(VIRTIO_BLK_T_OUT, 1, 512, 1);
  log.add(Kind::queue_disabled, 0, 1);
  log.reset();
  EXPECT_EQ(log.broken(), std::vector<std::string>{});
}

TEST(Monitors, ADriverThatSleptOnOneVectorMissedNothingOfAQueueOnAnother) {
  for (const bool own_vector : {true, false}) {
    HandLog log;
    log.reset();
    log.negotiate();
    log.write_common(0x1a, 2, 1);
    log.read_common(0x1a, 2, 1);
    Record& entry = log.add(Kind::msix_vector, own_vector ? 5 : 4);
    entry.offset = 1;
    log.set_up_queue();
    log.go();
    log.add(Kind::used_event, 0);
    log.publish();
    const std::uint32_t ordinal = log.request(VIRTIO_BLK_T_FLUSH, 0, 0).ordinal;
    log.ring();
    log.add(Kind::wait).offset = 5;
    log.add(Kind::wait_timeout).offset = 5;
    log.look();
    log.completion(ordinal, VIRTIO_BLK_T_FLUSH);
    EXPECT_EQ(log.broken().size(), own_vector ? 1u : 0u);
  }
}

TEST(Monitors, IndicesMayWrap) {
  HandLog log;
  log.bring_up();
  for (std::uint32_t i = 0; i < 70'000; ++i) {
    log.add(Kind::used_event, log.used);
    log.perform(VIRTIO_BLK_T_FLUSH, 0, 0, 0);
  }
  EXPECT_EQ(log.broken(), std::vector<std::string>{});
}

// So nothing counts as watched that no test here violates, and nothing that is violated goes uncounted.
TEST(Monitors, WhatTheyWatchIsWhatIsBrokenHere) {
  std::set<std::string> broken;
  for (const Violated& violated : all_violations()) {
    broken.insert(violated.broken);
  }
  std::set<std::string> watched;
  for (const CheckedClause& clause : watched_clauses()) {
    watched.insert(std::string(to_string(clause.clause.role)) + " " + clause.clause.id);
  }
  EXPECT_EQ(watched, broken);
}

TEST(Monitors, AFloodOfOneViolationIsCountedAndNotKept) {
  HandLog log;
  for (int i = 0; i < 1000; ++i) {
    log.add(Kind::guard);
  }
  const std::vector<Violation> violations = run_monitors(log.records);
  ASSERT_EQ(violations.size(), Findings::kKeptPerClause);
  EXPECT_EQ(violations.back().count, 1000 - Findings::kKeptPerClause + 1);
}

TEST(Monitors, DeviceSideRecordsAreNotTheDrivers) {
  HandLog log;
  log.bring_up();
  log.add(Kind::guard).tap = Tap::device;
  EXPECT_EQ(log.broken(), std::vector<std::string>{});
}

TEST(Monitors, HostileRecordsDoNotHurt) {
  HandLog log;
  std::uint64_t state = 1;
  const auto random = [&] { return state = state * 6364136223846793005u + 1442695040888963407u; };
  for (int i = 0; i < 40'000; ++i) {
    Record& record = log.add(static_cast<Kind>(random() >> 57), random() >> (random() >> 58));
    record.tap = record.kind >= Kind::dev_config ? Tap::device : Tap::driver;
    record.flags = static_cast<std::uint16_t>(random() >> 60);
    record.queue = static_cast<std::uint16_t>(random() >> 63);
    record.region = static_cast<std::uint32_t>(random() >> 40);
    record.ordinal = static_cast<std::uint32_t>(random() >> 60);
    record.offset = random() >> (random() >> 58);
    record.length = random() >> (random() >> 58);
    record.aux = random() >> (random() >> 58);
    record.width = static_cast<std::uint8_t>(random() >> 60);
  }
  EXPECT_FALSE(run_monitors(log.records).empty());
}

}  // namespace
}  // namespace ringside::checks
