#include "testbench/cli/mutant_table.h"

#include <algorithm>
#include <span>

namespace ringside::cli {
namespace {

constexpr char kOnlyTime[] =
    "the same events at other times, which VIRTIO leaves to the device; regress compares the model's times";

constexpr char kForCampaigns[] = "";
// Why a campaign does not find it.
constexpr char kLongRuns[] = "it takes 65,536 requests";
constexpr char kNoSuchFault[] = "no fault keeps a device from letting go of the bus";
constexpr char kUnitTest[] = "what comes of it looks like what the fault itself does; DriverHardening, DriverBridges";

constexpr MutantNote kOfModel[] = {
    // Configuration space
    {"capability-hidden", "enumerate"},
    {"subsystem-wrong", "enumerate"},
    {"interrupt-pin-wrong", "enumerate"},
    {"bar-too-large", "enumerate"},
    {"notify-multiplier-doubled", "enumerate"},
    {"write-mask-wrong", "write-masks"},
    {"config-read-off-by-one", "identify"},
    {"capacity-off-by-one", "boot-log"},
    {"feature-bit-missing", "identify"},
    {"resize-not-shown", "resize"},
    {"flr-ignored", "flr"},
    // Registers
    {"generation-stuck", "resize"},
    {"queue-count-wrong", "identify"},
    {"notify-offset-stuck", "multi-queue"},
    {"queue-enable-reads-zero", "identify"},
    {"queue-size-ignored", "queue-reset"},
    {"vector-readback-wrong", "msix"},
    {"write-cache-stuck", "write-cache"},
    {"driver-ok-hidden", "boot-log"},
    {"feature-select-ignored", "identify"},
    {"reset-keeps-status", "boot-log"},
    {"reset-keeps-queues", "queue-reset"},
    {"queue-reset-keeps-index", "queue-reset"},
    {"queue-reset-ignored", "queue-reset"},
    // Rings
    {"used-length-too-long", "read-write"},
    {"used-before-status", "read-write"},
    {"used-id-swapped", "read-write"},
    {"indirect-table-one-short", "read-write"},
    {"packed-wrap-lost", "packed"},
    {"packed-list-counts-one", "packed"},
    {"last-queue-deaf", "multi-queue"},
    {"in-order-broken", "in-order"},
    // Interrupts
    {"interrupt-missing", "msix"},
    {"config-interrupt-missing", "resize"},
    {"vector-of-queue-0", "multi-queue"},
    {"isr-not-cleared", "intx",
     "the line stays up, and the driver sees more interrupts, of which compare asks for a least number; how often the "
     "ISR "
     "is read depends on them, so that it is not compared either; regress sees both"},
    {"intx-never-lowered", "intx"},
    {"msix-mask-ignored", "msix-mask"},
    {"msix-pending-lost", "msix-mask"},
    {"avail-event-stuck", "event-index"},
    {"used-event-one-late", "event-index"},
    // Requests and data
    {"wrong-sector", "read-write"},
    {"stray-write", "read-write"},
    {"payload-corrupted", "batch"},
    {"write-lost", "read-write"},
    {"last-segment-lost", "scatter-gather"},
    {"discard-too-far", "discard"},
    {"write-zeroes-ignored", "write-zeroes"},
    {"id-wrong", "get-id"},
    {"flush-fails", "flush"},
    {"status-byte-missing", "refused"},
    {"unknown-type-accepted", "request-type-12"},
    {"range-flag-accepted", "discard-reserved-flags"},
    {"read-only-ignored", "read-only"},
    {"in-flight-kept", "get-id"},
    // Time
    {"read-twice-as-long", "read-write", kOnlyTime},
    {"flush-early", "flush", kOnlyTime},
    {"link-for-nothing", "read-write", kOnlyTime},
};

constexpr MutantNote kOfDriver[] = {
    // Finding the device
    {"functions-beyond-0-missed", "multi-function", "", "a disk of a campaign is function 0"},
    {"bar-index-not-scaled", "platform-translation"},
    {"bar-upper-half-forgotten", "boot-log"},
    {"io-bar-taken-for-memory", "legacy", "", "a campaign has no legacy device"},
    {"structure-offset-ignored", "boot-log"},
    {"bus-master-forgotten", "read-write"},
    // Setting it up
    {"reset-forgotten", "boot-log"},
    {"acknowledge-forgotten", "boot-log"},
    {"every-feature-accepted", "boot-log"},
    {"driver-ok-forgotten", "read-write"},
    {"msix-entry-left-masked", "msix"},
    {"queue-without-vector", "multi-queue", "",
     "the driver looks at such a queue all the same; the log has no interrupt"},
    {"config-vector-forgotten", "resize", "", "the driver looks at the configuration in passing, too"},
    {"legacy-config-does-not-move", "transitional"},
    {"legacy-page-number-wrong", "legacy"},
    {"capacity-scaled-by-block-size", "block-size-4k", "", "blocks are of 512 bytes"},
    {"configuration-not-read-again", "resize", "", "a request beyond the new end fails, whoever refuses it"},
    {"doorbell-offset-not-scaled", "multi-queue"},
    // Using it
    {"isr-not-read", "intx"},
    {"used-index-compared-plainly", "small-ring-wrap", "", kLongRuns},
    {"kick-compared-plainly", "small-ring-wrap", "", kLongRuns},
    {"used-event-never-moved", "event-index"},
    {"used-event-one-too-far", "msix"},
    {"chain-freed-by-half", "event-index"},
    {"head-published-twice", "batch", "", "it takes 64 requests, and does not come down to ten"},
    {"wrap-counter-lost", "packed"},
    {"data-direction-wrong", "read-write"},
    {"segment-size-in-16-bits", "image", "", "requests are of 4 KiB at most"},
    {"status-byte-not-read", "refused"},
    {"flush-not-sent", "flush"},
    // Recovering from what the device does
    {"expired-replayed", "recovery-queue", "",
     "to be given up by its deadline or a reset later is the same to who waits"},
    {"replays-not-counted", "recovery-queue"},
    {"deadline-renewed-at-replay", "recovery-queue"},
    {"replay-not-checked", "recovery-device", "", "the device refuses what the driver should have"},
    {"replay-not-announced", "recovery-queue"},
    {"one-not-replayed", "recovery-queue"},
    {"taken-back-while-mapped", "recovery-queue"},
    {"queue-reset-not-awaited", "recovery-queue"},
    {"other-queues-taken-back", "recovery-queue", "", "it takes more than ten requests in flight on several queues"},
    {"recovered-without-reset", "recovery-device"},
    {"write-cache-not-restored", "recovery-device"},
    {"bus-master-left-on", "recovery-deaf"},
    {"memory-freed-under-device", "recovery-deaf", "", kNoSuchFault},
    {"bounce-freed-before-reset", "recovery-device", "", "data lies where devices reach it"},
    {"needs-reset-overlooked", "recovery-device", "", "the deadline comes first, and then it is found"},
    {"deadline-behind-changes", "recovery-queue", "", "a storm of changes ends before a deadline"},
    {"acknowledge-forgotten-in-recovery", kForCampaigns},
    {"expired-ended-in-flight", kForCampaigns, "",
     "each run that shows it spins: found in few seeds, made small in many minutes"},
    {"expired-reported-done", kForCampaigns},
    {"reset-not-awaited", kForCampaigns, "", "the device is reset all the same, only its status says otherwise"},
    {"reset-awaited-for-ever", kForCampaigns},
    {"cut-off-overlooked", kForCampaigns, "",
     "the disk is brought up anew in the calm phase; DriverHardening tests it"},
    {"slots-unchecked", kForCampaigns, "", kUnitTest},
    {"rings-leaked-at-refusal", kForCampaigns},
    // Believing what the device says
    {"used-id-range-unchecked", kForCampaigns},
    {"used-id-flight-unchecked", kForCampaigns},
    {"next-read-from-table", kForCampaigns},
    {"capability-loop-followed", kForCampaigns},
    {"features-ok-not-read-back", kForCampaigns},
    {"generation-unchecked", kForCampaigns},
    {"short-read-taken-for-whole", kForCampaigns},
    {"length-checked-strictly", kForCampaigns},
    {"used-length-unchecked", kForCampaigns},
    {"status-all-ones-written-back", kForCampaigns},
    {"isr-all-ones-overlooked", kForCampaigns, "", kUnitTest},
    {"bars-not-read-back", kForCampaigns, "", kUnitTest},
    {"misplaced-bars-kept", kForCampaigns},
    {"left-decoding-at-refusal", kForCampaigns, "", kUnitTest},
    {"queue-size-read-twice", kForCampaigns},
    {"queue-size-unchecked", kForCampaigns},
    // Looking where something may be
    {"not-looked-after-arming", kForCampaigns, "",
     "the model uses nothing between two accesses of memory; with memory=weak it does"},
    {"isr-read-twice", kForCampaigns, "", "the driver looks at its rings after each interrupt, whatever ISR says"},
    {"line-not-rearmed", kForCampaigns},
    {"only-first-queue-polled", kForCampaigns},
    {"full-ring-overrun", kForCampaigns},
    {"error-left-mapped", kForCampaigns},
    {"available-header-not-counted", kForCampaigns},
    {"queue-address-truncated", kForCampaigns},
    {"structure-length-of-capability", "packed"},
    {"queues-before-features-ok", kForCampaigns},
    {"queue-index-cut-short", "many-queues", "", "it takes 33 queues, and a campaign's disks have four"},
    {"vector-read-back-elsewhere", "msix"},
    {"empty-request-sent", "refused", "", "a campaign's requests have data"},
};

}  // namespace

const MutantNote* note_on(std::string_view mutant) {
  for (const std::span<const MutantNote> notes : {std::span<const MutantNote>(kOfModel), notes_on_driver()}) {
    const auto found = std::ranges::find(notes, mutant, &MutantNote::name);
    if (found != notes.end()) {
      return &*found;
    }
  }
  return nullptr;
}

std::span<const MutantNote> notes_on_driver() { return kOfDriver; }

}  // namespace ringside::cli
