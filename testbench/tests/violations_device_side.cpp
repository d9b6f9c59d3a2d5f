#include "testbench/checks/virtio_numbers.h"
#include "testbench/tests/violation_case.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr std::uint64_t kPacked = HandLog::kFeatures | std::uint64_t{1} << VIRTIO_F_RING_PACKED;
constexpr std::uint64_t kWithoutEventIndex = HandLog::kFeatures & ~(std::uint64_t{1} << VIRTIO_F_EVENT_IDX);
constexpr std::uint64_t kQueueEntry = 1;
constexpr std::uint64_t kConfigEntry = 0;

// Up and running, with a vector for the queue and one for the configuration, as the device sees it.
void bring_up_with_vectors(HandLog& log, std::uint64_t accepted = HandLog::kFeatures) {
  log.discover();
  log.enable_msix();
  log.bring_up(accepted);
  log.device_written(0x10, kConfigEntry);
  log.device_written(0x16, 0);
  log.device_written(0x1a, kQueueEntry);
}

const Violated kCases[] = {
    {"UsesAfterAReset", "device reset-dev-02",
     [](HandLog& log) {
       log.bring_up();
       log.reset();
       log.device(Kind::dev_status, 0);
       Record& shown = log.device(Kind::dev_register, 0);
       shown.region = static_cast<std::uint32_t>(Structure::common);
       shown.offset = VIRTIO_PCI_COMMON_STATUS;
       log.device(Kind::dev_used, 1);
     }},
    {"FetchesFromAQueueThatWasReset", "device qreset-dev-01",
     [](HandLog& log) {
       log.bring_up();
       log.device_written(0x16, 0);
       log.add(Kind::queue_disabled);
       log.device_written(0x3a, 1);
       log.device(Kind::dev_fetch);
     }},
    {"NeedsResetAndSaysNothing", "device status-dev-03",
     [](HandLog& log) {
       log.bring_up();
       log.device(Kind::dev_status, 0xf);
       log.device(Kind::dev_status, 0x4f);
     }},
    {"WritesADescriptor", "device desc-dev-04",
     [](HandLog& log) {
       log.bring_up();
       log.device_written(0x18, HandLog::kSize);
       log.device_written(0x20, 0x1000);
       log.device_written(0x24, 0);
       log.device_written(0x1c, 1);
       Record& write = log.device(Kind::dev_dma_write);
       write.offset = 0x1008;
       write.length = 4;
     }},
    {"FetchesOutOfOrder", "device packedvq-dev-01",
     [](HandLog& log) {
       log.bring_up_with(kPacked);
       log.device(Kind::dev_fetch).ordinal = 1;
     }},
    {"InterruptAlthoughFlagsSayNo", "device usedsup-dev-02",
     [](HandLog& log) {
       bring_up_with_vectors(log, kWithoutEventIndex);
       log.add(Kind::avail_flags, 1);
       log.device(Kind::dev_used, 1);
       log.device_interrupts(kQueueEntry);
     }},
    {"InterruptBeforeTheEvent", "device usedsup-dev-06",
     [](HandLog& log) {
       bring_up_with_vectors(log);
       log.add(Kind::used_event, 5);
       log.device(Kind::dev_used, 1);
       log.device_interrupts(kQueueEntry);
     }},
    {"InterruptOfAQueueWithoutVector", "device pciusednotif-dev-01",
     [](HandLog& log) {
       bring_up_with_vectors(log);
       log.device(Kind::dev_used, 1);
       log.device_interrupts(2);
     }},
    {"InterruptOfAChangeWithoutVector", "device pcicfgnotif-dev-01",
     [](HandLog& log) {
       bring_up_with_vectors(log);
       log.device_interrupts(2);
     }},
};

}  // namespace

std::span<const Violated> device_side_violations() { return kCases; }

}  // namespace ringside::checks
