#include "testbench/cli/quirk_page.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "model/quirks.h"

namespace ringside::cli {
namespace {

using model::Quirk;

struct Demand {
  Quirk quirk;
  const char* demands;  // by the clause
  const char* file;     // of traces/errors that shows it; empty where no scenario file can
};
constexpr std::array kDemands{
    Demand{Quirk::used_length_is_capacity, "The length in a used element is what the device has written.",
           "chain-status-at-the-end-of-more"},
    Demand{Quirk::request_type_bits_ignored, "A type that the device does not know ends with UNSUPP.",
           "request-type-5"},
    Demand{Quirk::unoffered_features_accepted,
           "FEATURES_OK reads back clear when a feature was accepted that was not offered.", "features-unoffered"},
    Demand{Quirk::version_1_not_required,
           "A device may refuse a modern driver that does not accept VERSION_1; one that does not refuse has a driver "
           "that follows other rules.",
           "features-without-version-1"},
    Demand{Quirk::queue_select_limited, "queue_size is 0 for a queue that does not exist, whichever it is.",
           "queue-select-all-ones"},
    Demand{Quirk::queue_size_unchecked, "Without RING_PACKED only powers of two, up to what the device offers.",
           "queue-size-not-a-power-of-two"},
    Demand{Quirk::queue_size_shows_limit, "After a reset queue_size is the largest that the device supports.",
           "queue-size-zero"},
    Demand{Quirk::queue_enable_zero_breaks,
           "A driver writes 1 only; nothing is said of a device that sees anything else, so there is nothing for it to "
           "do.",
           "queue-enable-zero"},
    Demand{Quirk::kick_before_driver_ok, "Before DRIVER_OK a device consumes no buffer.", "notify-before-driver-ok"},
    Demand{Quirk::isr_with_msix, "With MSI-X on, queues do not show in the ISR status.", ""},
    Demand{Quirk::config_interrupt_sets_queue_isr, "Each bit of the ISR status stands for its own cause.",
           "chain-next-is-itself"},
    Demand{Quirk::config_interrupt_bumps_generation, "config_generation changes with the configuration.",
           "chain-next-is-itself"},
    Demand{Quirk::config_window_bar_ignored, "The window opens on the BAR that its bar field names.", "window-bad-bar"},
    Demand{Quirk::write_cache_unnegotiated, "writeback can be written with CONFIG_WCE only.",
           "device-config-cache-unnegotiated"},
    Demand{Quirk::bus_master_off_clears_driver_ok,
           "The device status is the driver's and the device's; the command register is no part of it.",
           "notify-bus-master-off"},
    Demand{Quirk::needs_reset_cleared_by_write, "DEVICE_NEEDS_RESET stays until the reset.",
           "status-needs-reset-cleared"},
    Demand{Quirk::indirect_with_next_accepted,
           "NEXT and INDIRECT do not go together; a device that meets them has no chain to serve.",
           "indirect-with-next"},
    Demand{Quirk::range_checked_before_flags, "Unknown flags end with UNSUPP.", "discard-bad-flags-bad-range"},
    Demand{Quirk::scsi_command_fails, "A type that the device does not know ends with UNSUPP.", "scsi-few-segments"},
    Demand{Quirk::id_not_padded, "The answer has 20 bytes, padded with NULs.", "get-id-20-bytes"},
    Demand{Quirk::used_descriptor_without_write, "In a used descriptor WRITE says whether the device has written.",
           "packed-ids-differ"},
    Demand{Quirk::unoffered_types_served, "What was not offered is not known, and ends with UNSUPP.",
           "discard-not-offered"},
    Demand{Quirk::blocks_must_be_aligned, "blk_size says what is fast; requests are in sectors of 512 bytes.",
           "read-part-of-a-block"},
    Demand{Quirk::write_back_without_flush, "With CONFIG_WCE and without FLUSH writeback starts at 0.",
           "features-dependent"},
    Demand{Quirk::early_resize_keeps_generation,
           "config_generation changes with the configuration, whether or not the driver is ready.", ""},
    Demand{Quirk::queue_release_resets_device, "0 written to the queue address releases that queue.",
           "legacy-queue-page-zero"},
    Demand{Quirk::legacy_status_enables_bus_master, "Bus mastering is the driver's to enable.",
           "legacy-status-without-bus-master"},
    Demand{Quirk::function_reset_keeps_registers,
           "A function-level reset brings all registers back to where they were at power-on, but sticky ones.", ""},
    Demand{Quirk::power_state_ignored,
           "In D3hot a function answers configuration cycles only, and comes back from there reset.", ""},
    Demand{Quirk::unclaimed_memory_reads_zero, "What nobody claims ends in a master abort, which reads as all-ones.",
           ""},
    Demand{Quirk::bridge_master_ignored, "A bridge that is no bus master forwards no DMA.", ""},
    Demand{Quirk::occupied_slot_indicator_off, "The power indicator of a slot with power is on.", ""},
    Demand{Quirk::indirect_in_head_only,
           "Direct descriptors followed by one with a table are served; inside a table there is none.",
           "indirect-after-direct"},
    Demand{Quirk::indirect_unnegotiated, "Tables are for those who have negotiated them.", "indirect-not-negotiated"},
    Demand{Quirk::available_index_unchecked, "No more chains are available than the ring has entries.",
           "avail-index-beyond-the-ring"},
    Demand{Quirk::legacy_breaks_silently, "A device that gives up sets DEVICE_NEEDS_RESET.", "legacy-broken-chain"},
    Demand{Quirk::late_features_shown, "After FEATURES_OK no feature is accepted.", "features-after-features-ok"},
    Demand{Quirk::reset_keeps_feature_registers, "A reset brings the device back to where it began.",
           "reset-keeps-selects"},
    Demand{Quirk::config_write_restores_cache, "Of the configuration only writeback can be written.",
           "device-config-written-unread"},
    Demand{Quirk::config_window_offset_rounded, "The offset is a multiple of the length; else there is no access.",
           "window-unaligned"},
    Demand{Quirk::refused_status_dropped,
           "When FEATURES_OK is refused, that bit reads back clear; the others are what was written.",
           "features-platform-refused"},
    Demand{Quirk::reserved_event_flags_name_descriptor,
           "3 is reserved, and 2 is for EVENT_IDX: whoever asks for nothing else is told of each used buffer.",
           "packed-event-flags-reserved"},
    Demand{Quirk::queue_size_changes_ring, "The ring is what it was when it was enabled.", "queue-size-after-enable"},
    Demand{Quirk::queue_at_zero_is_none, "Any address may be a queue's.", "queue-at-address-zero"},
    Demand{Quirk::scsi_header_written, "A type that is not known has nothing written but its status.",
           "scsi-all-segments"},
    Demand{Quirk::absent_queue_has_registers, "Such a queue has size 0, and cannot be enabled.",
           "queue-select-beyond-the-last"},
    Demand{Quirk::queue_reset_unnegotiated, "queue_reset is for those who have negotiated RING_RESET.",
           "queue-reset-not-negotiated"},
    Demand{Quirk::first_used_always_notifies,
           "With EVENT_IDX a device should notify when used_event says so, and else not.",
           "avail-first-used-not-wanted"},
    Demand{Quirk::absent_memory_bounces,
           "A transfer that nobody claims ends with a master abort, which the device reports.",
           "address-data-beyond-memory"},
    Demand{Quirk::absent_memory_shares_page, "As for absent-memory-bounces.", "address-two-beyond-memory"},
    Demand{Quirk::packed_id_of_first, "The id of a list is in its last descriptor.", "packed-ids-differ"},
};
static_assert(kDemands.size() == model::kQuirkCount);

std::string versions(const model::QuirkInfo& info) {
  constexpr unsigned kNoEnd = 99;
  const char* const how = info.last.major >= kNoEnd ? "since" : "up to";
  const model::QemuVersion& which = info.last.major >= kNoEnd ? info.first : info.last;
  return fmt::format("{} {}.{}", how, which.major, which.minor);
}

constexpr char kIntroduction[] =
    R"(<!-- Printed by `ringside list --quirks`; a test fails when this file says something else. -->
# Where QEMU departs from VIRTIO

What the specification says decides. Where a QEMU does something else, the model has a *quirk* of that name, with the
clause (of VIRTIO 1.2, unless another document is named) and the versions that do so: compared with such a QEMU, or with
`model,quirks=qemu-7.2`, it does the same, and every report counts how often each made a difference. `model,strict` has
none. "since 7.2" is the oldest that was looked at, and may be older.

The file is a scenario of [traces/errors](../traces/errors) in which the quirk makes a difference: `ringside run` it on
`model,quirks=qemu-7.2`, on `model,strict` and on `qemu`. Where there is none, no scenario file can do what it takes, and
a test does it.

)";

constexpr char kNotShared[] =
    R"(## What no model can do as well

[traces/errors/packed-broken](../traces/errors/packed-broken) has what ends a QEMU 7.2. VIRTIO would have it ask for a
reset (2.1.2), as QEMU 10.0 does.

- A list in a packed ring that cannot be fetched (an empty or readable descriptor in the wrong place, no end, a table of
  an odd length): QEMU 7.2 looks for it again and again, and never comes back from the doorbell.
- An indirect table of no bytes in a packed ring: QEMU 7.2 aborts, by an assertion in `address_space_cache_init`.
)";

}  // namespace

std::string quirk_page() {
  std::string page = kIntroduction;
  for (const model::QuirkInfo& info : model::all_quirks()) {
    const Demand& demand = *std::ranges::find(kDemands, info.quirk, &Demand::quirk);
    page += fmt::format("### {}\n\n{}, QEMU {}.", info.name, info.clause, versions(info));
    page += *demand.file == '\0' ? "\n\n"
                                 : fmt::format(" [traces/errors/{0}.toml](../traces/errors/{0}.toml)\n\n", demand.file);
    page += fmt::format("- demanded: {}\n- QEMU: {}.\n\n", demand.demands, info.summary);
  }
  return page + kNotShared;
}

}  // namespace ringside::cli
