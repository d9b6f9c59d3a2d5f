#include "testbench/checks/virtio_numbers.h"
#include "testbench/tests/violation_case.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr std::uint64_t bit(unsigned number) { return std::uint64_t{1} << number; }
constexpr std::uint64_t kZoned = HandLog::kFeatures | bit(VIRTIO_BLK_F_ZONED);

void isr_reads(HandLog& log, std::uint64_t value) { log.access(Kind::register_read, Structure::isr, 0, 1, value); }

// A capacity that changes; what the driver reads of the generation before and after it.
void capacity_changes(HandLog& log, std::uint64_t generation) {
  log.bring_up();
  log.read_config(0, 4, HandLog::kCapacity + 1);
  log.read_config(4, 4, 0);
  log.read_common(0x15, 1, generation);
}

const Violated kCases[] = {
    // --- Status
    {"TwoStepsAtOnce", "driver status-drv-01",
     [](HandLog& log) {
       log.reset();
       log.status(3);
     }},
    {"GivesUpWithoutAWord", "driver init-drv-05",
     [](HandLog& log) {
       log.reset();
       log.status(1);
       log.status(3);
       log.status(0xb);
       log.status_reads(3);
     }},
    {"GoesOnBeforeTheResetIsDone", "driver reset-drv-01",
     [](HandLog& log) {
       log.status(0);
       log.status_reads(0xf);
       log.status(1);
     }},
    {"StatusComesBackAfterTheReset", "device pcicommon-dev-07",
     [](HandLog& log) {
       log.reset();
       log.status_reads(1);
     }},
    {"LegacyFeaturesOk", "driver leginit-drv-01",
     [](HandLog& log) {
       log.bring_up_legacy();
       log.status(0xb);
     }},
    {"SuspendsWhatCannotBe", "driver suspend-drv-01",
     [](HandLog& log) {
       log.bring_up();
       log.status(0x1f);
     }},
    {"SuspendedTooEarly", "device suspend-dev-01",
     [](HandLog& log) {
       log.reset();
       log.status(1);
       log.status_reads(0x11);
     }},
    // --- Feature windows
    {"OfferChanges", "device pcicommon-dev-03",
     [](HandLog& log) {
       log.reset();
       log.write_common(0, 4, 1);
       log.read_common(4, 4, 1);
       log.read_common(4, 4, 3);
     }},
    {"AcceptedBitsAreLost", "device pcicommon-dev-04",
     [](HandLog& log) {
       log.reset();
       log.read_common(4, 4, 0x30);
       log.write_common(0xc, 4, 0x30);
       log.read_common(0xc, 4, 0x10);
     }},
    // --- Vectors
    {"VectorOutsideOfTheTable", "driver pcimsix-drv-04",
     [](HandLog& log) {
       log.discover();
       log.reset();
       log.write_common(0x10, 2, HandLog::kVectors);
     }},
    {"ConfigVectorNotReadBack", "driver pcimsix-drv-05",
     [](HandLog& log) {
       log.reset();
       log.negotiate();
       log.write_common(0x10, 2, 1);
       log.set_up_queue();
       log.go();
     }},
    {"OneVector", "device pcimsix-dev-01",
     [](HandLog& log) {
       log.set(HandLog::kMsixCap + 2, 0);
       log.discover();
       log.reset();
       log.write_common(0x10, 2, 0);
     }},
    {"VectorStaysMapped", "device pcimsix-dev-05",
     [](HandLog& log) {
       log.reset();
       log.write_common(0x10, 2, VIRTIO_MSI_NO_VECTOR);
       log.read_common(0x10, 2, 1);
     }},
    {"VectorSurvivesTheReset", "device pcimsix-dev-07",
     [](HandLog& log) {
       log.reset();
       log.read_common(0x10, 2, 1);
     }},
    {"VectorRefused", "device pcimsix-dev-08",
     [](HandLog& log) {
       log.discover();
       log.reset();
       log.write_common(0x1a, 2, 1);
       log.read_common(0x1a, 2, VIRTIO_MSI_NO_VECTOR);
     }},
    {"VectorThatNoTableHas", "device pcimsix-dev-09",
     [](HandLog& log) {
       log.discover();
       log.reset();
       log.write_common(0x1a, 2, 1);
       log.read_common(0x1a, 2, 9);
     }},
    // --- Queues
    {"QueueResetNotAwaited", "driver qreset-drv-01",
     [](HandLog& log) {
       log.bring_up();
       log.add(Kind::queue_disabled);
       log.addresses();
       log.enable();
     }},
    {"RingsFreedWhileLive", "driver cleanup-drv-02",
     [](HandLog& log) {
       log.bring_up();
       log.add(Kind::dma_free).region = kRegionDma + 1;
     }},
    {"LegacySizeNotRead", "driver legvq-drv-01",
     [](HandLog& log) { log.bring_up_legacy().value = HandLog::kSize / 2; }},
    {"HalfOfAnAddressIsLost", "device pcilayout-dev-01",
     [](HandLog& log) {
       log.reset();
       log.addresses();
       log.read_common(0x24, 4, 7);
     }},
    {"ReenabledWithTheOldSize", "device qreenable-dev-01",
     [](HandLog& log) {
       log.bring_up();
       log.add(Kind::queue_disabled);
       log.read_common(0x3a, 2, 0);
       log.write_common(0x18, 2, 8);
       log.addresses();
       log.enable(8);
       log.read_common(0x18, 2, 16);
     }},
    {"QueueThatIsNotThere", "device pcicommon-dev-14",
     [](HandLog& log) {
       log.reset();
       log.read_common(0x12, 2, 1);
       log.read_common(0x18, 2, 128);
       log.records.back().queue = 1;
     }},
    {"QueueResetAfterReset", "device pcicommon-dev-09",
     [](HandLog& log) {
       log.reset();
       log.read_common(0x3a, 2, 1);
     }},
    {"QueueResetOfAnEnabledQueue", "device pcicommon-dev-10",
     [](HandLog& log) {
       log.bring_up();
       log.read_common(0x3a, 2, 1);
     }},
    {"EnabledAfterTheQueueReset", "device pcicommon-dev-13",
     [](HandLog& log) {
       log.bring_up();
       log.add(Kind::queue_disabled);
       log.read_common(0x3a, 2, 0);
       log.read_common(0x1c, 2, 1);
     }},
    {"IndicesGoOnAfterTheQueueReset", "device qreset-dev-02",
     [](HandLog& log) {
       log.bring_up();
       log.add(Kind::queue_disabled);
       log.read_common(0x3a, 2, 0);
       log.addresses();
       log.enable();
       log.look(5);
     }},
    // --- The device's configuration
    {"CapacityInTwoPieces", "driver devcfg-drv-02",
     [](HandLog& log) {
       log.reset();
       log.status(1);
       log.status(3);
       log.status(0xb);
       log.status_reads(0xb);
       log.read_config(0, 4, 1);
       log.read_config(4, 4, 0);
       log.set_up_queue();
     }},
    {"FieldThatIsNotThere", "driver devcfg-drv-03",
     [](HandLog& log) {
       log.bring_up();
       log.read_config(0x14, 4, 512);
     }},
    {"CacheModeTooEarly", "driver blkinit-drv-04",
     [](HandLog& log) {
       log.reset();
       log.add(Kind::features, HandLog::kFeatures, 0);
       log.read_config(0x20, 1, 1);
     }},
    {"DiscardOfAHostManagedDevice", "driver blkinit-drv-06",
     [](HandLog& log) {
       const std::uint64_t offered = kZoned | bit(13);
       log.reset();
       log.add(Kind::features, offered, 0);
       log.read_config(0x5c, 1, 1);
       log.add(Kind::features, offered, 1);
     }},
    {"LegacyCapacityReadOnce", "driver legcfg-drv-01",
     [](HandLog& log) {
       log.bring_up_legacy();
       log.read_config(0, 4, 1);
       log.read_config(4, 4, 0);
       log.status(7);
     }},
    {"CapacityOnlyAfterFeatures", "device devcfg-dev-01",
     [](HandLog& log) {
       log.reset();
       log.status(1);
       log.read_common(0x15, 1, 0);
       log.read_config(0, 4, 0);
       log.status(3);
       log.status(0xb);
       log.status_reads(0xb);
       log.read_config(0, 4, HandLog::kCapacity);
     }},
    {"GenerationStays", "device pcicommon-dev-06", [](HandLog& log) { capacity_changes(log, 0); }},
    {"CapacityNotReadAgain", "driver blkop-drv-01",
     [](HandLog& log) {
       log.bring_up();
       isr_reads(log, 2);
       log.reset();
     }},
    {"CapacityNotReadAgainAfterTheInterrupt", "driver blkop-drv-01",
     [](HandLog& log) {
       log.add(Kind::msix_vector, 7).offset = 1;
       log.reset();
       log.write_common(VIRTIO_PCI_COMMON_MSIX, 2, 1);
       log.read_common(VIRTIO_PCI_COMMON_MSIX, 2, 1);
       log.negotiate();
       log.set_up_queue();
       log.go();
       log.add(Kind::interrupt, 1).offset = 7;
     }},
    {"WriteBackWithoutFlush", "device blkinit-dev-03",
     [](HandLog& log) {
       log.bring_up(HandLog::kFeatures & ~bit(VIRTIO_BLK_F_FLUSH));
       log.read_config(0x20, 1, 1);
     }},
    {"PaddingNotZero", "device blkinit-dev-04",
     [](HandLog& log) {
       log.bring_up();
       log.read_config(0x21, 1, 1);
     }},
    {"ZonedWithoutZones", "device blkinit-dev-05",
     [](HandLog& log) {
       log.bring_up_with(kZoned);
       log.read_config(0x5c, 1, 0);
     }},
    {"ZoneModelUnknown", "device blkinit-dev-09",
     [](HandLog& log) {
       log.bring_up_with(kZoned);
       log.read_config(0x5c, 1, 3);
     }},
    {"ZonesOfNoSize", "device blkinit-dev-10",
     [](HandLog& log) {
       log.bring_up_with(kZoned);
       log.read_config(0x48, 4, 0);
     }},
    {"AppendTooLong", "device blkinit-dev-15",
     [](HandLog& log) {
       log.bring_up_with(kZoned | bit(1) | bit(2));
       log.read_config(0x08, 4, 4096);
       log.read_config(0x0c, 4, 2);
       log.read_config(0x54, 4, 17);
     }},
    {"WriteGranularityOfHalfASector", "device blkinit-dev-17",
     [](HandLog& log) {
       log.bring_up_with(kZoned);
       log.read_config(0x58, 4, 256);
     }},
    {"ZonePaddingNotZero", "device blkinit-dev-18",
     [](HandLog& log) {
       log.bring_up_with(kZoned);
       log.read_config(0x5d, 1, 1);
     }},
    {"LegacyBytesDiffer", "device legpcilayout-dev-02",
     [](HandLog& log) {
       log.bring_up_legacy();
       log.read_config(0, 4, 0x1234);
       log.read_config(1, 1, 0x13);
     }},
    // --- ISR
    {"IsrReadAfterAMessage", "driver pciisr-drv-01",
     [](HandLog& log) {
       log.discover();
       log.enable_msix();
       log.bring_up();
       log.add(Kind::interrupt, 1).offset = 0;
       isr_reads(log, 0);
     }},
    {"IsrEmptyThoughTheStatusSaysNot", "device pciisr-dev-04",
     [](HandLog& log) {
       log.discover();
       log.bring_up();
       log.config_access(Kind::config_read, 4, 4, 0x0018'0107);
       isr_reads(log, 0);
     }},
    {"IsrNotCleared", "device pciisr-dev-05",
     [](HandLog& log) {
       log.bring_up();
       log.perform(VIRTIO_BLK_T_FLUSH, 0, 0, 0);
       isr_reads(log, 1);
       isr_reads(log, 1);
     }},
};

}  // namespace

std::span<const Violated> register_violations() { return kCases; }

}  // namespace ringside::checks
