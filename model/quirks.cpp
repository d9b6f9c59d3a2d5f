#include "model/quirks.h"

#include <charconv>

namespace ringside::model {
namespace {

constexpr QemuVersion kOldestSeen{7, 2};
constexpr QemuVersion kStillThere{99, 0};

constexpr std::array kQuirks{
    QuirkInfo{Quirk::used_length_is_capacity, "used-length-is-capacity", "2.7.8.2", kOldestSeen, kStillThere,
              "the used length is all that the device may write, whatever it wrote"},
    QuirkInfo{Quirk::request_type_bits_ignored, "request-type-bits-ignored", "5.2.6", kOldestSeen, kStillThere,
              "request types that differ from a known one in bit 0 or bit 31 are taken for it"},
    QuirkInfo{Quirk::unoffered_features_accepted, "unoffered-features-accepted", "2.2.2", kOldestSeen, kStillThere,
              "FEATURES_OK stays set though the driver accepted features that were not offered"},
    QuirkInfo{Quirk::version_1_not_required, "version-1-not-required", "6.1", kOldestSeen, kStillThere,
              "FEATURES_OK stays set without VIRTIO_F_VERSION_1"},
    QuirkInfo{Quirk::queue_select_limited, "queue-select-limited", "4.1.4.3", kOldestSeen, kStillThere,
              "a queue_select of 1024 or more is ignored, so that the queue before stays selected"},
    QuirkInfo{Quirk::queue_size_unchecked, "queue-size-unchecked", "4.1.4.3.2", kOldestSeen, kStillThere,
              "queue_size takes any value from 1 to 1024"},
    QuirkInfo{Quirk::queue_size_shows_limit,
              "queue-size-shows-limit",
              "4.1.4.3",
              {10, 0},
              kStillThere,
              "after a reset queue_size reads 1024, whatever size the queue was configured to have"},
    QuirkInfo{Quirk::queue_enable_zero_breaks, "queue-enable-zero-breaks", "4.1.4.3.2", kOldestSeen, kStillThere,
              "writing anything but 1 to queue_enable puts the device into DEVICE_NEEDS_RESET"},
    QuirkInfo{Quirk::kick_before_driver_ok, "kick-before-driver-ok", "3.1.1", kOldestSeen, kStillThere,
              "a notification before DRIVER_OK is served"},
    QuirkInfo{Quirk::isr_with_msix, "isr-with-msix", "4.1.4.5.1", kOldestSeen, kStillThere,
              "the queue bit of the ISR status is set though MSI-X is on"},
    QuirkInfo{Quirk::config_interrupt_sets_queue_isr, "config-interrupt-sets-queue-isr", "4.1.4.5.1", kOldestSeen,
              kStillThere, "a configuration change sets the queue bit of the ISR status as well"},
    QuirkInfo{Quirk::config_interrupt_bumps_generation, "config-interrupt-bumps-generation", "4.1.4.3.1", kOldestSeen,
              kStillThere, "config_generation rises with DEVICE_NEEDS_RESET, though no field changed"},
    QuirkInfo{Quirk::config_window_bar_ignored, "config-window-bar-ignored", "4.1.4.9", kOldestSeen, kStillThere,
              "the window of VIRTIO_PCI_CAP_PCI_CFG opens on BAR 4, whatever its bar field says"},
    QuirkInfo{Quirk::write_cache_unnegotiated, "write-cache-unnegotiated", "5.2.5", kOldestSeen, kStillThere,
              "writeback can be written without VIRTIO_BLK_F_CONFIG_WCE"},
    QuirkInfo{Quirk::bus_master_off_clears_driver_ok, "bus-master-off-clears-driver-ok", "2.1.2", kOldestSeen,
              kStillThere, "clearing bus mastering clears DRIVER_OK"},
    QuirkInfo{Quirk::needs_reset_cleared_by_write, "needs-reset-cleared-by-write", "2.1.2", kOldestSeen, kStillThere,
              "a status write without DEVICE_NEEDS_RESET clears it, and the device stays broken"},
    QuirkInfo{Quirk::indirect_with_next_accepted, "indirect-with-next-accepted", "2.7.5.3.1", kOldestSeen, kStillThere,
              "VIRTQ_DESC_F_NEXT beside VIRTQ_DESC_F_INDIRECT is ignored"},
    QuirkInfo{Quirk::range_checked_before_flags, "range-checked-before-flags", "5.2.6.2", kOldestSeen, kStillThere,
              "a discard or write zeroes with unknown flags and a bad range ends with IOERR instead of UNSUPP"},
    QuirkInfo{Quirk::scsi_command_fails, "scsi-command-fails", "5.2.6", kOldestSeen, kStillThere,
              "a SCSI command of few segments ends with IOERR instead of UNSUPP"},
    QuirkInfo{Quirk::id_not_padded, "id-not-padded", "5.2.6", kOldestSeen, kStillThere,
              "GET_ID writes the serial number and one NUL, and leaves the rest of the 20 bytes as it was"},
    QuirkInfo{Quirk::used_descriptor_without_write, "used-descriptor-without-write", "2.8.4", kOldestSeen, kStillThere,
              "in a packed ring the WRITE flag of a used descriptor is clear though the device has written"},
    QuirkInfo{Quirk::unoffered_types_served, "unoffered-types-served", "5.2.6.2", kOldestSeen, kStillThere,
              "discards and write zeroes are served though the feature was not offered"},
    QuirkInfo{Quirk::blocks_must_be_aligned, "blocks-must-be-aligned", "5.2.5", kOldestSeen, kStillThere,
              "a request that does not cover whole blocks of blk_size ends with IOERR"},
    QuirkInfo{Quirk::write_back_without_flush, "write-back-without-flush", "5.2.5.2", kOldestSeen, kStillThere,
              "writeback stays 1 when the driver accepts CONFIG_WCE and not FLUSH"},
    QuirkInfo{Quirk::early_resize_keeps_generation, "early-resize-keeps-generation", "4.1.4.3.1", kOldestSeen,
              kStillThere, "config_generation stays when the capacity changes before DRIVER_OK"},
    QuirkInfo{Quirk::queue_release_resets_device, "queue-release-resets-device", "4.1.5.1.3.1", kOldestSeen,
              kStillThere, "a legacy driver that writes 0 to the queue address resets the whole device"},
    QuirkInfo{Quirk::indirect_in_head_only, "indirect-in-head-only", "2.7.5.3.2", kOldestSeen, kStillThere,
              "VIRTQ_DESC_F_INDIRECT counts in the first descriptor of a chain; any other that has it is a buffer"},
    QuirkInfo{Quirk::indirect_unnegotiated, "indirect-unnegotiated", "2.7.5.3.1", kOldestSeen, kStillThere,
              "indirect tables are served without VIRTIO_F_INDIRECT_DESC"},
    QuirkInfo{Quirk::available_index_unchecked, "available-index-unchecked", "2.7.6", kOldestSeen, kStillThere,
              "an available index that is further ahead than the ring has entries is followed, lap after lap"},
    QuirkInfo{Quirk::legacy_breaks_silently, "legacy-breaks-silently", "2.1.2", kOldestSeen, kStillThere,
              "without VIRTIO_F_VERSION_1 a device that gives up shows no DEVICE_NEEDS_RESET and tells nobody"},
    QuirkInfo{Quirk::late_features_shown, "late-features-shown", "3.1.1", kOldestSeen, kStillThere,
              "what is written to driver_feature after FEATURES_OK reads back, though it is not accepted"},
    QuirkInfo{Quirk::reset_keeps_feature_registers, "reset-keeps-feature-registers", "2.4", kOldestSeen, kStillThere,
              "driver_feature and both select registers outlive a reset, so that half of the features can be accepted "
              "unwritten"},
    QuirkInfo{Quirk::config_write_restores_cache, "config-write-restores-cache", "5.2.5", kOldestSeen, kStillThere,
              "a write to any field of the device configuration sets writeback to what was last read or written there"},
    QuirkInfo{Quirk::config_window_offset_rounded, "config-window-offset-rounded", "4.1.4.9", kOldestSeen, kStillThere,
              "the window of VIRTIO_PCI_CAP_PCI_CFG rounds its offset down to a multiple of its length"},
    QuirkInfo{Quirk::refused_status_dropped, "refused-status-dropped", "2.2.2", kOldestSeen, kStillThere,
              "when FEATURES_OK is refused, no other bit of that write to the status is taken either"},
    QuirkInfo{Quirk::reserved_event_flags_name_descriptor, "reserved-event-flags-name-descriptor", "2.8.14",
              kOldestSeen, kStillThere,
              "event flags of 3, and of 2 without VIRTIO_F_EVENT_IDX, ask for an event at a descriptor"},
    QuirkInfo{Quirk::queue_size_changes_ring, "queue-size-changes-ring", "4.1.4.3.2", kOldestSeen, kStillThere,
              "a queue_size that is written after queue_enable changes the ring that is in use"},
    QuirkInfo{Quirk::queue_at_zero_is_none, "queue-at-zero-is-none", "4.1.4.3", kOldestSeen, kStillThere,
              "a queue whose descriptor area lies at address 0 is never served"},
    QuirkInfo{Quirk::scsi_header_written, "scsi-header-written", "5.2.6", kOldestSeen, kStillThere,
              "a SCSI command that is not served has 255 written to the segment before the one of its status"},
    QuirkInfo{Quirk::absent_queue_has_registers, "absent-queue-has-registers", "4.1.4.3", kOldestSeen, kStillThere,
              "queue_enable, the vector and the addresses of a queue that does not exist can be written and read back"},
    QuirkInfo{Quirk::queue_reset_unnegotiated, "queue-reset-unnegotiated", "2.6.1", kOldestSeen, kStillThere,
              "queue_reset resets a queue without VIRTIO_F_RING_RESET"},
    QuirkInfo{Quirk::first_used_always_notifies, "first-used-always-notifies", "2.7.7.2", kOldestSeen, kStillThere,
              "the first used buffer after a reset is notified of, whatever used_event says"},
    QuirkInfo{Quirk::absent_memory_bounces, "absent-memory-bounces", "PCI 3.0, 3.3.3.1", kOldestSeen, kStillThere,
              "where there is no memory, rings and one page of one descriptor at a time read as zeroes and take any "
              "write, in place of a master abort"},
    QuirkInfo{Quirk::absent_memory_shares_page,
              "absent-memory-shares-page",
              "PCI 3.0, 3.3.3.1",
              {10, 0},
              kStillThere,
              "of absent-memory-bounces, several descriptors of a chain may share the page"},
    QuirkInfo{Quirk::packed_id_of_first, "packed-id-of-first", "2.8.6", kOldestSeen, kOldestSeen,
              "a list in a packed ring is given back by the id of its first descriptor instead of its last one's"},
    QuirkInfo{Quirk::legacy_status_enables_bus_master, "legacy-status-enables-bus-master", "3.1.1", kOldestSeen,
              kStillThere, "bus mastering goes on when a legacy driver writes ACKNOWLEDGE and DRIVER to the status"},
    QuirkInfo{Quirk::function_reset_keeps_registers, "function-reset-keeps-registers", "PCIe 6.6.2", kOldestSeen,
              kStillThere,
              "a function-level reset leaves device control 2, ATS and the window of PCI_CFG as they were"},
    QuirkInfo{Quirk::power_state_ignored, "power-state-ignored", "PCI Power Management 1.2, 5.4.1", kOldestSeen,
              kStillThere, "a function in D3hot goes on as in D0, and coming back resets nothing"},
    QuirkInfo{Quirk::unclaimed_memory_reads_zero, "unclaimed-memory-reads-zero", "PCI 3.0, 6.1", kOldestSeen,
              kStillThere, "a read of memory space that no function claims gives zeroes instead of all-ones"},
    QuirkInfo{Quirk::bridge_master_ignored, "bridge-master-ignored", "PCI-to-PCI Bridge 1.2, 3.2.5.1", kOldestSeen,
              kStillThere, "a bridge forwards DMA though it is no bus master"},
    QuirkInfo{Quirk::occupied_slot_indicator_off,
              "occupied-slot-indicator-off",
              "PCIe 6.7.1.1",
              {10, 0},
              kStillThere,
              "the power indicator of a root port's slot is off at power-on, though the slot has power"},
};
static_assert(kQuirks.size() == kQuirkCount);

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::span<const QuirkInfo> all_quirks() { return kQuirks; }

QuirkSet QuirkSet::of(QemuVersion version) {
  QuirkSet set;
  for (const QuirkInfo& info : kQuirks) {
    if (info.first <= version && version <= info.last) {
      set.add(info.quirk);
    }
  }
  return set;
}

std::optional<QuirkSet> QuirkSet::parse(std::string_view text) {
  constexpr std::string_view kPrefix = "qemu-";
  if (text == "none") {
    return QuirkSet{};
  }
  const std::size_t dot = text.find('.');
  if (!text.starts_with(kPrefix) || dot == std::string_view::npos) {
    return std::nullopt;
  }
  const auto major = number(text.substr(kPrefix.size(), dot - kPrefix.size()));
  const auto minor = number(text.substr(dot + 1));
  return major && minor ? std::optional(of({*major, *minor})) : std::nullopt;
}

}  // namespace ringside::model
