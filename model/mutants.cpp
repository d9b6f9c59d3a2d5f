#include "model/mutants.h"

#include <algorithm>
#include <array>

namespace ringside::model {
namespace {

constexpr std::array kMutants{
    MutantInfo{Mutant::feature_bit_missing, "feature-bit-missing", "VIRTIO_BLK_F_TOPOLOGY is not offered"},
    MutantInfo{Mutant::write_mask_wrong, "write-mask-wrong", "one bit of the cache line size cannot be written"},
    MutantInfo{Mutant::config_read_off_by_one, "config-read-off-by-one",
               "byte reads of the device configuration return the byte after"},
    MutantInfo{Mutant::capacity_off_by_one, "capacity-off-by-one", "the capacity is one sector too large"},
    MutantInfo{Mutant::used_length_too_long, "used-length-too-long", "the used length exceeds the buffer by one"},
    MutantInfo{Mutant::used_before_status, "used-before-status",
               "the status byte arrives after the used index, with the next request's"},
    MutantInfo{Mutant::interrupt_missing, "interrupt-missing", "every eighth interrupt is not sent"},
    MutantInfo{Mutant::wrong_sector, "wrong-sector", "reads of odd sectors return the sector before"},
    MutantInfo{Mutant::stray_write, "stray-write", "a read writes one byte beyond its buffer"},
    MutantInfo{Mutant::payload_corrupted, "payload-corrupted", "one bit of the data of every eighth read is inverted"},
    MutantInfo{Mutant::write_lost, "write-lost", "every fourth write is not stored"},
    MutantInfo{Mutant::discard_too_far, "discard-too-far", "a discard takes the sector after its last one with it"},
    MutantInfo{Mutant::write_zeroes_ignored, "write-zeroes-ignored", "WRITE_ZEROES leaves the sectors as they are"},
    MutantInfo{Mutant::id_wrong, "id-wrong", "GET_ID returns another serial number"},
    MutantInfo{Mutant::queue_reset_keeps_index, "queue-reset-keeps-index",
               "a reset queue goes on at its old ring indices"},
    MutantInfo{Mutant::reset_keeps_status, "reset-keeps-status", "a device reset leaves ACKNOWLEDGE in the status"},
    MutantInfo{Mutant::used_id_swapped, "used-id-swapped", "the used element names the head beside the right one"},
    MutantInfo{Mutant::flush_fails, "flush-fails", "FLUSH answers VIRTIO_BLK_S_IOERR"},
    MutantInfo{Mutant::vector_readback_wrong, "vector-readback-wrong",
               "queue_msix_vector reads back as VIRTIO_MSI_NO_VECTOR"},
    MutantInfo{Mutant::write_cache_stuck, "write-cache-stuck", "a write to the writeback field is ignored"},
    MutantInfo{Mutant::status_byte_missing, "status-byte-missing",
               "the status byte of a failed request stays unwritten"},
    MutantInfo{Mutant::capability_hidden, "capability-hidden", "the ISR structure's capability has another id"},
    MutantInfo{Mutant::subsystem_wrong, "subsystem-wrong",
               "a transitional device has the subsystem id of a modern one"},
    MutantInfo{Mutant::interrupt_pin_wrong, "interrupt-pin-wrong", "the function is on pin INTB"},
    MutantInfo{Mutant::bar_too_large, "bar-too-large", "BAR 4 decodes twice the addresses"},
    MutantInfo{Mutant::notify_multiplier_doubled, "notify-multiplier-doubled",
               "the capability tells twice the notify_off_multiplier"},
    MutantInfo{Mutant::isr_not_cleared, "isr-not-cleared", "reading the ISR does not clear it"},
    MutantInfo{Mutant::generation_stuck, "generation-stuck", "config_generation never changes"},
    MutantInfo{Mutant::config_interrupt_missing, "config-interrupt-missing",
               "a change of the configuration raises no interrupt"},
    MutantInfo{Mutant::vector_of_queue_0, "vector-of-queue-0", "every queue raises the vector of queue 0"},
    MutantInfo{Mutant::intx_never_lowered, "intx-never-lowered", "the INTx line stays up"},
    MutantInfo{Mutant::queue_count_wrong, "queue-count-wrong", "num_queues is one too high"},
    MutantInfo{Mutant::notify_offset_stuck, "notify-offset-stuck", "queue_notify_off is 0 for every queue"},
    MutantInfo{Mutant::queue_enable_reads_zero, "queue-enable-reads-zero", "queue_enable reads back as 0"},
    MutantInfo{Mutant::queue_size_ignored, "queue-size-ignored", "a write to queue_size is ignored"},
    MutantInfo{Mutant::packed_wrap_lost, "packed-wrap-lost", "the device's wrap counter stays 1"},
    MutantInfo{Mutant::packed_list_counts_one, "packed-list-counts-one",
               "a used list of descriptors moves the ring on by one"},
    MutantInfo{Mutant::indirect_table_one_short, "indirect-table-one-short",
               "the last entry of an indirect table is taken to lie outside it"},
    MutantInfo{Mutant::avail_event_stuck, "avail-event-stuck", "avail_event stays where it was"},
    MutantInfo{Mutant::used_event_one_late, "used-event-one-late",
               "the interrupt comes one used element after used_event"},
    MutantInfo{Mutant::driver_ok_hidden, "driver-ok-hidden", "DRIVER_OK does not read back"},
    MutantInfo{Mutant::feature_select_ignored, "feature-select-ignored",
               "device_feature shows the lower word whatever is selected"},
    MutantInfo{Mutant::in_order_broken, "in-order-broken", "requests complete when they are done, with IN_ORDER too"},
    MutantInfo{Mutant::last_queue_deaf, "last-queue-deaf", "the last of several queues hears no doorbell"},
    MutantInfo{Mutant::unknown_type_accepted, "unknown-type-accepted",
               "a request of unknown type answers VIRTIO_BLK_S_OK"},
    MutantInfo{Mutant::range_flag_accepted, "range-flag-accepted", "unknown flags of a range are accepted"},
    MutantInfo{Mutant::last_segment_lost, "last-segment-lost",
               "of a write in more than two segments the last one is not stored"},
    MutantInfo{Mutant::resize_not_shown, "resize-not-shown", "the capacity stays what it was when the disk is resized"},
    MutantInfo{Mutant::read_only_ignored, "read-only-ignored", "a read-only disk stores what is written"},
    MutantInfo{Mutant::msix_mask_ignored, "msix-mask-ignored", "a masked MSI-X entry sends its message"},
    MutantInfo{Mutant::msix_pending_lost, "msix-pending-lost", "the interrupt of a masked MSI-X entry is forgotten"},
    MutantInfo{Mutant::reset_keeps_queues, "reset-keeps-queues", "a device reset leaves the queues enabled"},
    MutantInfo{Mutant::queue_reset_ignored, "queue-reset-ignored", "a write to queue_reset does nothing"},
    MutantInfo{Mutant::flr_ignored, "flr-ignored", "a function-level reset does nothing"},
    MutantInfo{Mutant::read_twice_as_long, "read-twice-as-long", "a read takes twice its time on the medium"},
    MutantInfo{Mutant::flush_early, "flush-early", "a flush takes no time on the medium"},
    MutantInfo{Mutant::link_for_nothing, "link-for-nothing", "data takes no time on the link"},
    MutantInfo{Mutant::in_flight_kept, "in-flight-kept",
               "a GET_ID that is done still counts as in flight, which no driver sees before the ring is full"},
};

}  // namespace

std::span<const MutantInfo> all_mutants() { return kMutants; }

std::optional<Mutant> mutant_by_name(std::string_view name) {
  const auto* const found = std::ranges::find(kMutants, name, &MutantInfo::name);
  return found == kMutants.end() ? std::nullopt : std::optional(found->mutant);
}

}  // namespace ringside::model
