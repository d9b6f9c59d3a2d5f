#include "testbench/checks/virtio_numbers.h"
#include "testbench/tests/violation_case.h"
#include "testbench/trace/defect.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr std::uint64_t kPacked = HandLog::kFeatures | std::uint64_t{1} << VIRTIO_F_RING_PACKED;
constexpr std::uint64_t kWithoutEventIndex = HandLog::kFeatures & ~(std::uint64_t{1} << VIRTIO_F_EVENT_IDX);

// A request of which the tap says something.
template <Defect what>
void split(HandLog& log) {
  log.bring_up();
  log.publish();
  log.defect(what, 0);
  log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
}

template <Defect what>
void packed(HandLog& log) {
  log.bring_up_with(kPacked);
  log.publish();
  log.defect(what, 0);
  log.request(VIRTIO_BLK_T_FLUSH, 0, 0);
}

// A discard with these flags, which the device answers with `status`.
void discard(HandLog& log, Defect what, std::uint64_t status) {
  log.bring_up_with(HandLog::kFeatures | 1u << 13);
  log.publish();
  log.defect(what, 0);
  log.range(VIRTIO_BLK_T_DISCARD, 0, 8);
  log.ring();
  log.look();
  log.completion(0, VIRTIO_BLK_T_DISCARD, 0, status);
}

void write_and_read(HandLog& log, std::uint16_t type, std::uint64_t written, std::uint64_t read) {
  log.bring_up();
  type == VIRTIO_BLK_T_OUT ? static_cast<void>(log.perform(type, 8, 512, written)) : log.perform_range(type, 8, 1);
  log.perform(VIRTIO_BLK_T_IN, 8, 512, read);
}

const Violated kCases[] = {
    {"ReadableAfterWritable", "driver framing-drv-01", split<Defect::readable_after_writable>},
    {"NextNotInSequence", "driver desc-drv-02", split<Defect::next_not_sequential>},
    {"TableNotInSequence", "driver indirect-drv-05", split<Defect::table_not_sequential>},
    {"TableInATable", "driver indirect-drv-02", split<Defect::nested_table>},
    {"IndirectWithNext", "driver indirect-drv-04", split<Defect::indirect_with_next>},
    {"ChainWithoutEnd", "driver desc-drv-01", split<Defect::endless>},
    {"ChainTooLong", "driver desc-drv-01", split<Defect::more_than_4_gib>},
    {"AddressThatIsNoMemory", "driver resfeat-drv-05", split<Defect::outside_memory>},
    {"LegacyLayout", "driver legblk-drv-10", split<Defect::legacy_layout>},
    {"UsedFlagsNotCleared", "driver availsup-drv-01", split<Defect::used_flags_at_start>},
    {"PackedReadableAfterWritable", "driver packedsg-drv-03", packed<Defect::readable_after_writable>},
    {"PackedHeadBeforeTheRest", "driver packedsg-drv-06", packed<Defect::head_before_rest>},
    {"PackedFlagsInATable", "driver packedind-drv-02", packed<Defect::flags_in_table>},
    {"PackedEntryRewritten", "driver packeddesc-drv-02", packed<Defect::entry_rewritten>},
    {"UnmapInADiscard", "driver blkop-drv-14",
     [](HandLog& log) { discard(log, Defect::unmap_in_discard, VIRTIO_BLK_S_UNSUPP); }},
    {"UnknownFlagsServed", "device blkop-dev-05",
     [](HandLog& log) { discard(log, Defect::reserved_range_flags, VIRTIO_BLK_S_OK); }},
    {"UnmapServed", "device blkop-dev-06",
     [](HandLog& log) { discard(log, Defect::unmap_in_discard, VIRTIO_BLK_S_OK); }, "driver blkop-drv-14"},
    {"PackedNoRoomForAll", "driver packedsg-drv-05",
     [](HandLog& log) {
       log.bring_up_with(kPacked);
       log.publish(2);
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0).aux = 10;
       log.request(VIRTIO_BLK_T_FLUSH, 0, 0).aux = 10;
     }},
    // --- Suppression
    {"UsedFlagsOfNoMeaning", "device availsup-dev-01",
     [](HandLog& log) {
       log.bring_up(kWithoutEventIndex);
       log.defect(Defect::used_flags);
     }},
    {"UsedFlagsBesideTheEventIndex", "device availsup-dev-03",
     [](HandLog& log) {
       log.bring_up();
       log.defect(Defect::used_flags);
     }},
    {"AvailFlagsOfNoMeaning", "driver usedsup-drv-01",
     [](HandLog& log) {
       log.bring_up(kWithoutEventIndex);
       log.add(Kind::avail_flags, 2);
     }},
    {"AvailFlagsBesideTheEventIndex", "driver usedsup-drv-03",
     [](HandLog& log) {
       log.bring_up();
       log.add(Kind::avail_flags, 1);
     }},
    {"DoorbellAlthoughFlagsSayNo", "driver availsup-drv-03",
     [](HandLog& log) {
       log.bring_up(kWithoutEventIndex);
       log.add(Kind::fence, kFenceAvailPublish);
       log.publish();
       log.add(Kind::fence, kFenceAvailNotify);
       Record& load = log.add(Kind::access, VIRTQ_USED_F_NO_NOTIFY);
       load.region = kRegionDma + 1;
       load.offset = HandLog::kUsed & 0xffff;
       load.width = 2;
       log.ring();
     }},
    {"PackedNoBarrierBeforeTheFlags", "driver packedflags-drv-01",
     [](HandLog& log) {
       log.bring_up_with(kPacked);
       log.add(Kind::access, 0, 1).width = 2;
       log.add(Kind::avail_publish, 0x8001).length = 1;
       log.ring();
     }},
    {"PackedNoBarrierAfterTheFlags", "driver packednotify-drv-01",
     [](HandLog& log) {
       log.bring_up_with(kPacked);
       log.add(Kind::fence, kFenceAvailPublish);
       log.add(Kind::avail_publish, 0x8001).length = 1;
       Record& load = log.add(Kind::access);
       load.region = kRegionDma + 1;
       load.offset = HandLog::kUsed & 0xffff;
       load.width = 4;
       log.ring();
     }},
    // --- What a device does with requests
    {"DiskLosesAWrite", "device 5.2.6.2", [](HandLog& log) { write_and_read(log, VIRTIO_BLK_T_OUT, 1, 2); }},
    {"ZeroesAreNone", "device blkop-dev-09",
     [](HandLog& log) { write_and_read(log, VIRTIO_BLK_T_WRITE_ZEROES, 0, 2); }},
    {"ReadOnlyDiskChanges", "device blkop-dev-04",
     [](HandLog& log) {
       log.bring_up_with(HandLog::kFeatures | 1u << VIRTIO_BLK_F_RO);
       log.perform(VIRTIO_BLK_T_IN, 8, 512, 1);
       log.publish();
       const std::uint32_t write = log.request(VIRTIO_BLK_T_OUT, 8, 512, 2).ordinal;
       log.ring();
       log.look();
       log.completion(write, VIRTIO_BLK_T_OUT, 0, 1);
       log.perform(VIRTIO_BLK_T_IN, 8, 512, 2);
     }},
    {"ZoneCommandServedWithoutZones", "device blkop-dev-18",
     [](HandLog& log) {
       log.bring_up();
       log.perform(VIRTIO_BLK_T_ZONE_RESET_ALL, 0, 0, 0);
     }},
    {"ZoneResetAllOfASector", "driver blkop-drv-21",
     [](HandLog& log) {
       log.bring_up_with(HandLog::kFeatures | 1u << VIRTIO_BLK_F_ZONED);
       log.perform(VIRTIO_BLK_T_ZONE_RESET_ALL, 8, 0, 0);
     }},
    {"ZoneCommandInsideAZone", "driver blkop-drv-20",
     [](HandLog& log) {
       log.bring_up_with(HandLog::kFeatures | 1u << VIRTIO_BLK_F_ZONED);
       log.read_config(0x48, 4, 64);
       log.perform(VIRTIO_BLK_T_ZONE_OPEN, 8, 0, 0);
     }},
    {"AppendInsideAZone", "driver blkop-drv-22",
     [](HandLog& log) {
       log.bring_up_with(HandLog::kFeatures | 1u << VIRTIO_BLK_F_ZONED);
       log.read_config(0x48, 4, 64);
       log.perform(VIRTIO_BLK_T_ZONE_APPEND, 8, 512, 0);
     }},
    {"AppendOfHalfABlock", "driver blkop-drv-23",
     [](HandLog& log) {
       log.bring_up_with(HandLog::kFeatures | 1u << VIRTIO_BLK_F_ZONED);
       log.read_config(0x58, 4, 4096);
       log.perform(VIRTIO_BLK_T_ZONE_APPEND, 64, 512, 0);
     }},
    {"AppendBeyondTheLimit", "driver blkop-drv-24",
     [](HandLog& log) {
       log.bring_up_with(HandLog::kFeatures | 1u << VIRTIO_BLK_F_ZONED);
       log.read_config(0x54, 4, 4);
       log.perform(VIRTIO_BLK_T_ZONE_APPEND, 64, 4096, 0);
     }},
};

}  // namespace

std::span<const Violated> chain_violations() { return kCases; }

}  // namespace ringside::checks
