// Everything that a plan can make go wrong: its name, its class, where it can happen, and what a driver may make of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace ringside::faults {

enum class Action : std::uint8_t {
  // --- At the hardware interface, between the machine and the driver.
  function_absent,
  config_all_ones,
  capability_loop,
  capability_dangling,
  capability_outside_bar,
  bar_size,
  register_all_ones,
  status_all_ones,
  feature_bit_changes,
  features_refused,
  reset_stuck,
  generation_races,
  queue_count,
  queue_size,
  lost_doorbell,
  lost_interrupt,
  spurious_interrupt,
  interrupt_storm,
  used_id,
  used_length,
  used_index,
  used_index_back,
  used_twice,
  used_flags,
  status_byte,
  descriptors_rewritten,
  avail_event,
  bus_master_off,
  needs_reset,
  self_reset,
  function_reset,
  removed,
  // --- Done by the target: the model's board, QEMU's monitor.
  unplugged,
  replugged,
  resized,
  config_storm,
  media_error,
  power_cut,
  // --- Inside the model's device.
  dma_stale_read,
  dma_partial_write,
  dma_wrong_address,
  dma_write_beyond,
  dma_not_mapped,
  interrupt_twice,
  interrupt_early,
  interrupt_wrong_vector,
  interrupt_pending,
  line_stuck,
  completion_delayed,
  completion_late,
  completion_never,
  completion_twice,
  media_unsupported,
  media_corrupted,
  media_misdirected,
  media_short,
  media_lost_write,
  media_slow,
};

enum class FaultClass : std::uint8_t {
  config_space,
  registers,
  dma,
  ring,
  interrupts,
  completion,
  media,
  power,
  life_cycle,
};
[[nodiscard]] const char* name_of(FaultClass fault_class);

// Targets on which an action can happen. On a guest none can: nothing of the bench is between driver and machine.
inline constexpr unsigned kOnModel = 1;
inline constexpr unsigned kOnQemu = 2;
inline constexpr unsigned kOnBoth = kOnModel | kOnQemu;

// What a driver may make of it, as a user of the driver sees it.
inline constexpr unsigned kUnnoticed = 1;   // every request ends well, and no counter moves but that of interrupts
inline constexpr unsigned kNoticed = 2;     // every request ends well, and the driver has counted something
inline constexpr unsigned kRetried = 4;     // ... after a reset: what was in flight was sent again
inline constexpr unsigned kErrorTold = 8;   // requests ended with an error, and those after them well
inline constexpr unsigned kGivenUp = 16;    // from some point on every request ends with an error, at once
inline constexpr unsigned kNotUsable = 32;  // the disk did not come up, and the driver said so
[[nodiscard]] std::string reaction_names(unsigned reactions);

// What no driver can see from what the device says, so that it is not the driver's failure.
inline constexpr unsigned kDeceives = 1;  // data is wrong where the device says that it is right
inline constexpr unsigned kStrays = 2;    // memory is written that was not given to the device
inline constexpr unsigned kEndsRun = 4;   // nothing comes after it

struct ActionSummary {
  Action action;
  FaultClass fault_class;
  const char* name;  // as in a plan
  const char* summary;
  unsigned where = kOnBoth;
  unsigned reactions = 0;
  unsigned harm = 0;
  bool takes_value = false;
  std::uint64_t least = 0;  // of the value
  std::uint64_t most = 0;
  const char* value = "";  // what it means
};

// In the order of their classes.
[[nodiscard]] std::span<const ActionSummary> all_actions();
[[nodiscard]] const ActionSummary& summary_of(Action action);

[[nodiscard]] constexpr bool is_of_target(Action action) {
  return action >= Action::unplugged && action <= Action::power_cut;
}
// Inside the model's device, and nowhere else.
[[nodiscard]] constexpr bool happens_in_device(Action action) { return action >= Action::dma_stale_read; }

}  // namespace ringside::faults
