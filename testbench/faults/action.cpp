#include "testbench/faults/action.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace ringside::faults {
namespace {

constexpr unsigned kNoHarm = kUnnoticed | kNoticed;
constexpr unsigned kGoesOn = kNoHarm | kRetried | kErrorTold;
constexpr unsigned kAnything = kGoesOn | kGivenUp;
constexpr unsigned kAtBringUp = kGoesOn | kGivenUp | kNotUsable;
constexpr std::uint64_t kMostMicroseconds = 10'000'000;
constexpr std::uint64_t kMostWord = 0xffff'ffff;

using enum FaultClass;

constexpr std::array kActions = {
    // --- Configuration space
    ActionSummary{Action::function_absent, config_space, "function-absent",
                  "configuration space reads as if nothing were in the slot, from then on", kOnBoth, kAtBringUp},
    ActionSummary{Action::config_all_ones, config_space, "config-all-ones",
                  "reads of configuration space that find the function known give all-ones", kOnBoth, kAtBringUp, 0,
                  true, 1, 1000, "how many reads"},
    ActionSummary{Action::capability_loop, config_space, "capability-loop",
                  "the last capability names the first one as the next", kOnBoth, kAtBringUp},
    ActionSummary{Action::capability_dangling, config_space, "capability-dangling",
                  "the first capability names bytes as the next that are none", kOnBoth, kAtBringUp},
    ActionSummary{Action::capability_outside_bar, config_space, "capability-outside-bar",
                  "every virtio capability lies behind the end of its BAR", kOnBoth, kAtBringUp},
    ActionSummary{Action::bar_size, config_space, "bar-size",
                  "a BAR that is sized says that it has another size, each of them", kOnBoth, kAtBringUp, 0, true, 4,
                  31, "the size, as a power of two"},
    // --- Registers
    ActionSummary{Action::register_all_ones, registers, "register-all-ones", "reads of virtio registers give all-ones",
                  kOnBoth, kAtBringUp, 0, true, 1, 1000, "how many reads"},
    ActionSummary{Action::status_all_ones, registers, "status-all-ones", "the next read of device_status gives 0xff",
                  kOnBoth, kAtBringUp},
    ActionSummary{Action::feature_bit_changes, registers, "feature-bit-changes",
                  "a feature bit that is offered is not, or the other way round, at the next read", kOnBoth, kAtBringUp,
                  0, true, 0, 63, "which bit"},
    ActionSummary{Action::features_refused, registers, "features-refused", "the device does not take FEATURES_OK",
                  kOnBoth, kAtBringUp, 0, true, 1, 1000, "how many times"},
    ActionSummary{Action::reset_stuck, registers, "reset-stuck", "device_status does not read 0 after a reset", kOnBoth,
                  kAtBringUp, 0, true, 1, kMostWord, "for how many reads"},
    ActionSummary{Action::generation_races, registers, "generation-races", "config_generation is another at each read",
                  kOnBoth, kAtBringUp, 0, true, 1, kMostWord, "for how many reads"},
    ActionSummary{Action::queue_count, registers, "queue-count",
                  "num_queues, of the registers and of the disk's configuration, is another", kOnBoth, kAtBringUp, 0,
                  true, 0, 0xffff, "how many"},
    ActionSummary{Action::queue_size, registers, "queue-size", "queue_size is another, of every queue", kOnBoth,
                  kAtBringUp, 0, true, 0, 0xffff, "the size"},
    // --- DMA
    ActionSummary{Action::dma_stale_read, dma, "dma-stale-read",
                  "a read brings what was there at the read before, or zeroes", kOnModel, kAnything,
                  kDeceives | kStrays, true, 0, 1000, "how many reads pass before"},
    ActionSummary{Action::dma_partial_write, dma, "dma-partial-write", "half of a write reaches memory", kOnModel,
                  kAnything, kDeceives, true, 0, 1000, "how many writes pass before"},
    ActionSummary{Action::dma_wrong_address, dma, "dma-wrong-address", "a write goes 64 bytes too far", kOnModel,
                  kAnything, kDeceives | kStrays, true, 0, 1000, "how many writes pass before"},
    ActionSummary{Action::dma_write_beyond, dma, "dma-write-beyond", "a write has 16 bytes too many, behind its end",
                  kOnModel, kAnything, kDeceives | kStrays, true, 0, 1000, "how many writes pass before"},
    ActionSummary{Action::dma_not_mapped, dma, "dma-not-mapped", "the IOMMU refuses an access", kOnModel, kAnything,
                  kDeceives, true, 0, 1000, "how many accesses pass before"},
    ActionSummary{Action::bus_master_off, dma, "bus-master-off",
                  "somebody switches bus mastering off, and nobody says so", kOnBoth, kGoesOn},
    // --- Rings
    ActionSummary{Action::used_id, ring, "used-id", "the newest used element names another id", kOnBoth, kGoesOn,
                  kDeceives, true, 0, kMostWord, "the id"},
    ActionSummary{Action::used_length, ring, "used-length", "its length is another", kOnBoth, kNoHarm | kErrorTold, 0,
                  true, 0, kMostWord, "the length"},
    ActionSummary{Action::used_index, ring, "used-index", "used.idx jumps ahead", kOnBoth, kGoesOn, kDeceives, true, 1,
                  0xffff, "by how much"},
    ActionSummary{Action::used_index_back, ring, "used-index-back", "used.idx runs backwards", kOnBoth, kGoesOn,
                  kDeceives, true, 1, 0x7fff, "by how much"},
    ActionSummary{Action::used_twice, ring, "used-twice", "the newest used element is there twice", kOnBoth, kGoesOn},
    ActionSummary{Action::used_flags, ring, "used-flags",
                  "the newest used descriptor of a packed ring has the other wrap bit", kOnBoth, kGoesOn},
    ActionSummary{Action::status_byte, ring, "status-byte", "the newest used request's status byte is another", kOnBoth,
                  kNoHarm | kErrorTold, kDeceives, true, 0, 0xff, "the byte"},
    ActionSummary{Action::descriptors_rewritten, ring, "descriptors-rewritten",
                  "the device has written over the descriptors of the newest used element's chain", kOnBoth, kGoesOn},
    ActionSummary{Action::avail_event, ring, "avail-event",
                  "avail_event, by which a device asks for doorbells, makes no sense", kOnBoth, kGoesOn, 0, true, 0,
                  0xffff, "what is there"},
    // --- Interrupts
    ActionSummary{Action::lost_interrupt, interrupts, "lost-interrupt", "the next interrupt is not seen", kOnBoth,
                  kNoHarm},
    ActionSummary{Action::spurious_interrupt, interrupts, "spurious-interrupt",
                  "the next wait ends at once, with nothing done", kOnBoth, kNoHarm},
    ActionSummary{Action::interrupt_storm, interrupts, "interrupt-storm", "waits end at once, with nothing done",
                  kOnBoth, kNoHarm, 0, true, 1, 1'000'000, "how many"},
    ActionSummary{Action::interrupt_twice, interrupts, "interrupt-twice", "a message is sent more than once", kOnModel,
                  kNoHarm, 0, true, 2, 10'000, "how often"},
    ActionSummary{Action::interrupt_early, interrupts, "interrupt-early",
                  "an interrupt comes before its used buffer, and none with it", kOnModel, kGoesOn, 0, true, 1,
                  kMostMicroseconds, "microseconds between"},
    ActionSummary{Action::interrupt_wrong_vector, interrupts, "interrupt-wrong-vector",
                  "a message is that of another vector", kOnModel, kNoHarm, 0, true, 0, 2047, "which entry"},
    ActionSummary{Action::interrupt_pending, interrupts, "interrupt-pending",
                  "a message stays pending, as if it were masked", kOnModel, kNoHarm},
    ActionSummary{Action::line_stuck, interrupts, "line-stuck",
                  "INTx, once asserted, stays so until the device is reset", kOnModel, kNoHarm},
    // --- Completion
    ActionSummary{Action::lost_doorbell, completion, "lost-doorbell", "the next doorbell does not reach the device",
                  kOnBoth, kGoesOn},
    ActionSummary{Action::completion_delayed, completion, "completion-delayed",
                  "a request completes later, and others overtake it, with IN_ORDER too", kOnModel, kGoesOn, 0, true, 1,
                  kMostMicroseconds, "microseconds"},
    ActionSummary{Action::completion_late, completion, "completion-late",
                  "a request completes later, whether the device is reset before that or not", kOnModel, kGoesOn,
                  kDeceives | kStrays, true, 1, kMostMicroseconds, "microseconds"},
    ActionSummary{Action::completion_never, completion, "completion-never", "a request never completes", kOnModel,
                  kGoesOn},
    ActionSummary{Action::completion_twice, completion, "completion-twice", "a request completes twice", kOnModel,
                  kGoesOn},
    // --- Media
    ActionSummary{Action::media_error, media, "media-error", "the disk cannot do it: VIRTIO_BLK_S_IOERR", kOnBoth,
                  kUnnoticed | kErrorTold},
    ActionSummary{Action::media_unsupported, media, "media-unsupported", "the disk will not do it: VIRTIO_BLK_S_UNSUPP",
                  kOnModel, kUnnoticed | kErrorTold},
    ActionSummary{Action::media_corrupted, media, "media-corrupted", "one bit of the data is another", kOnModel,
                  kUnnoticed, kDeceives},
    ActionSummary{Action::media_misdirected, media, "media-misdirected", "the data is that of the sectors next to it",
                  kOnModel, kUnnoticed, kDeceives},
    ActionSummary{Action::media_short, media, "media-short", "half of the data, and VIRTIO_BLK_S_OK", kOnModel,
                  kUnnoticed | kErrorTold, kDeceives},
    ActionSummary{Action::media_lost_write, media, "media-lost-write",
                  "nothing is written, or flushed, and VIRTIO_BLK_S_OK", kOnModel, kUnnoticed, kDeceives},
    ActionSummary{Action::media_slow, media, "media-slow", "the disk takes longer", kOnModel, kGoesOn, 0, true, 1,
                  kMostMicroseconds, "microseconds more"},
    // --- Power
    ActionSummary{Action::power_cut, power, "power-cut",
                  "the power fails: of what was not flushed each sector is on the disk or not", kOnModel, kUnnoticed,
                  kEndsRun, true, 0, 100, "percent of the unflushed sectors that survive"},
    // --- Life cycle
    ActionSummary{Action::needs_reset, life_cycle, "needs-reset",
                  "DEVICE_NEEDS_RESET, and nothing more is done until the reset", kOnBoth, kGoesOn},
    ActionSummary{Action::self_reset, life_cycle, "self-reset", "the device resets itself and says nothing", kOnBoth,
                  kGoesOn | kNotUsable},
    ActionSummary{Action::function_reset, life_cycle, "function-reset",
                  "the function is reset (FLR) behind the driver's back", kOnBoth, kAtBringUp},
    ActionSummary{Action::removed, life_cycle, "removed",
                  "the function is gone: reads are all-ones, writes and DMA are lost", kOnBoth, kGivenUp | kNotUsable},
    ActionSummary{Action::unplugged, life_cycle, "unplugged", "the machine takes the disk out of its slot", kOnBoth,
                  kGivenUp | kNotUsable},
    ActionSummary{Action::replugged, life_cycle, "replugged", "it is taken out and put back at power-on state", kOnBoth,
                  kAnything | kNotUsable},
    ActionSummary{Action::resized, life_cycle, "resized", "the disk has another capacity", kOnBoth, kGoesOn, 0, true, 8,
                  1u << 22, "sectors"},
    ActionSummary{Action::config_storm, life_cycle, "config-storm", "the capacity changes to and fro", kOnBoth, kGoesOn,
                  0, true, 1, 1000, "how often"},
};

constexpr std::array<const char*, 9> kClassNames = {
    "configuration space", "registers", "DMA", "ring", "interrupts", "completion", "media", "power", "life cycle"};

}  // namespace

const char* name_of(FaultClass fault_class) { return kClassNames[static_cast<std::size_t>(fault_class)]; }

std::string reaction_names(unsigned reactions) {
  constexpr std::array<std::pair<unsigned, std::string_view>, 6> kNames = {{{kUnnoticed, "unnoticed"},
                                                                            {kNoticed, "noticed"},
                                                                            {kRetried, "retried"},
                                                                            {kErrorTold, "error told"},
                                                                            {kGivenUp, "given up"},
                                                                            {kNotUsable, "not usable"}}};
  std::vector<std::string_view> names;
  for (const auto& [reaction, name] : kNames) {
    if ((reactions & reaction) != 0) {
      names.push_back(name);
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::span<const ActionSummary> all_actions() { return kActions; }

const ActionSummary& summary_of(Action action) { return *std::ranges::find(kActions, action, &ActionSummary::action); }

}  // namespace ringside::faults
