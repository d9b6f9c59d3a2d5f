// Deliberate mistakes: bugs that real drivers had, each one wrong line, switched on at run time. A scenario that cannot
// tell the mutant from the driver is blind there. Only a build with RINGSIDE_MUTANTS has them.
#pragma once

namespace ringside::hal {

enum class Mutant : unsigned {
  none,
  functions_beyond_0_missed,
  bar_index_not_scaled,
  bar_upper_half_forgotten,
  io_bar_taken_for_memory,
  structure_offset_ignored,
  bus_master_forgotten,
  msix_entry_left_masked,
  queue_without_vector,
  isr_not_read,
  legacy_config_does_not_move,
  legacy_page_number_wrong,
  driver_ok_forgotten,
  capacity_scaled_by_block_size,
  used_index_compared_plainly,
  kick_compared_plainly,
  used_event_never_moved,
  used_event_one_too_far,
  chain_freed_by_half,
  head_published_twice,
  wrap_counter_lost,
  doorbell_offset_not_scaled,
  data_direction_wrong,
  segment_size_in_16_bits,
  status_byte_not_read,
  flush_not_sent,
  reset_forgotten,
  acknowledge_forgotten,
  every_feature_accepted,
  configuration_not_read_again,
  config_vector_forgotten,
  expired_replayed,
  replays_not_counted,
  deadline_renewed_at_replay,
  replay_not_checked,
  replay_not_announced,
  one_not_replayed,
  taken_back_while_mapped,
  queue_reset_not_awaited,
  other_queues_taken_back,
  recovered_without_reset,
  write_cache_not_restored,
  bus_master_left_on,
  memory_freed_under_device,
  bounce_freed_before_reset,
  needs_reset_overlooked,
  deadline_behind_changes,
};

#ifdef RINGSIDE_MUTANTS

// Apart from the other build's names: the two must not be mixed up by a linker.
inline namespace with_mutants {

struct MutantInfo {
  Mutant mutant;
  const char* name;
  const char* summary;
};

inline constexpr MutantInfo kMutants[] = {
    {Mutant::functions_beyond_0_missed, "functions-beyond-0-missed", "a multi-function device counts for one function"},
    {Mutant::bar_index_not_scaled, "bar-index-not-scaled", "BAR n is taken to lie n bytes behind BAR 0"},
    {Mutant::bar_upper_half_forgotten, "bar-upper-half-forgotten", "of a 64-bit BAR the lower half alone is written"},
    {Mutant::io_bar_taken_for_memory, "io-bar-taken-for-memory", "BAR 0 is taken for a memory BAR"},
    {Mutant::structure_offset_ignored, "structure-offset-ignored", "a structure is taken to begin with its BAR"},
    {Mutant::bus_master_forgotten, "bus-master-forgotten", "the function may not act as a bus master"},
    {Mutant::msix_entry_left_masked, "msix-entry-left-masked", "MSI-X entries stay masked"},
    {Mutant::queue_without_vector, "queue-without-vector", "the last of several queues has no vector"},
    {Mutant::isr_not_read, "isr-not-read", "ISR is not read, and the line stays high"},
    {Mutant::legacy_config_does_not_move, "legacy-config-does-not-move",
     "the legacy device configuration is read where it is without MSI-X"},
    {Mutant::legacy_page_number_wrong, "legacy-page-number-wrong", "the page number of a legacy queue is one too high"},
    {Mutant::driver_ok_forgotten, "driver-ok-forgotten", "DRIVER_OK is never set"},
    {Mutant::capacity_scaled_by_block_size, "capacity-scaled-by-block-size", "capacity is taken for logical blocks"},
    {Mutant::used_index_compared_plainly, "used-index-compared-plainly", "used.idx is compared as if it never wrapped"},
    {Mutant::kick_compared_plainly, "kick-compared-plainly", "avail_event is compared as if it never wrapped"},
    {Mutant::used_event_never_moved, "used-event-never-moved", "used_event stays where it was"},
    {Mutant::used_event_one_too_far, "used-event-one-too-far", "used_event asks for the element after the right one"},
    {Mutant::chain_freed_by_half, "chain-freed-by-half", "of a chain only the head is free again"},
    {Mutant::head_published_twice, "head-published-twice", "every 64th head is put into the available ring twice"},
    {Mutant::wrap_counter_lost, "wrap-counter-lost", "the wrap counter of the packed ring stays 1"},
    {Mutant::doorbell_offset_not_scaled, "doorbell-offset-not-scaled", "queue_notify_off is taken for bytes"},
    {Mutant::data_direction_wrong, "data-direction-wrong", "a write's data is given to the device to write"},
    {Mutant::segment_size_in_16_bits, "segment-size-in-16-bits", "a descriptor's length loses its upper half"},
    {Mutant::status_byte_not_read, "status-byte-not-read", "what is used has succeeded"},
    {Mutant::flush_not_sent, "flush-not-sent", "a flush is reported done without being sent"},
    {Mutant::reset_forgotten, "reset-forgotten", "the device is not reset before it is set up"},
    {Mutant::acknowledge_forgotten, "acknowledge-forgotten", "ACKNOWLEDGE is never set"},
    {Mutant::every_feature_accepted, "every-feature-accepted", "what the driver does not understand is accepted too"},
    {Mutant::configuration_not_read_again, "configuration-not-read-again", "a changed configuration is not read again"},
    {Mutant::config_vector_forgotten, "config-vector-forgotten", "changes of the configuration have no vector"},
    {Mutant::expired_replayed, "expired-replayed", "a request whose time is over is sent again after a reset"},
    {Mutant::replays_not_counted, "replays-not-counted", "a request is sent again after every reset"},
    {Mutant::deadline_renewed_at_replay, "deadline-renewed-at-replay",
     "a request that is sent again has all its time again"},
    {Mutant::replay_not_checked, "replay-not-checked", "a request is sent again whatever the device has become"},
    {Mutant::replay_not_announced, "replay-not-announced", "requests that are sent again get no doorbell"},
    {Mutant::one_not_replayed, "one-not-replayed", "of the requests to be sent again the last is forgotten"},
    {Mutant::taken_back_while_mapped, "taken-back-while-mapped", "data of a request that is taken back stays mapped"},
    {Mutant::queue_reset_not_awaited, "queue-reset-not-awaited",
     "a queue counts as reset once its reset was asked for"},
    {Mutant::other_queues_taken_back, "other-queues-taken-back",
     "a queue reset takes the requests of other queues back too"},
    {Mutant::recovered_without_reset, "recovered-without-reset",
     "requests are taken back from a device that was not reset"},
    {Mutant::write_cache_not_restored, "write-cache-not-restored",
     "after a reset the write cache is as the device likes it"},
    {Mutant::bus_master_left_on, "bus-master-left-on", "a device that does not reset stays a bus master"},
    {Mutant::memory_freed_under_device, "memory-freed-under-device",
     "rings are given back though the device may write to them"},
    {Mutant::bounce_freed_before_reset, "bounce-freed-before-reset",
     "the bounce buffer is given back before the device is reset"},
    {Mutant::needs_reset_overlooked, "needs-reset-overlooked", "DEVICE_NEEDS_RESET is taken for a spurious interrupt"},
    {Mutant::deadline_behind_changes, "deadline-behind-changes",
     "while configuration changes keep coming no deadline is looked at"},
};

inline Mutant active_mutant = Mutant::none;
[[nodiscard]] inline bool mutant(Mutant which) { return active_mutant == which; }

}  // namespace with_mutants

#else

inline namespace without_mutants {

[[nodiscard]] constexpr bool mutant(Mutant) { return false; }

}  // namespace without_mutants

#endif

}  // namespace ringside::hal
