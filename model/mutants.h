// Deliberate mistakes. Each is one wrong line in the device, switched on at run time; a comparison, a monitor or a test
// that cannot tell the mutant from the model is blind there. Only a build with RINGSIDE_MUTANTS has them.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace ringside::model {

enum class Mutant : unsigned {
  none,
  feature_bit_missing,
  write_mask_wrong,
  config_read_off_by_one,
  capacity_off_by_one,
  used_length_too_long,
  used_before_status,
  interrupt_missing,
  wrong_sector,
  stray_write,
  payload_corrupted,
  write_lost,
  discard_too_far,
  write_zeroes_ignored,
  id_wrong,
  queue_reset_keeps_index,
  reset_keeps_status,
  used_id_swapped,
  flush_fails,
  vector_readback_wrong,
  write_cache_stuck,
  status_byte_missing,
  capability_hidden,
  subsystem_wrong,
  interrupt_pin_wrong,
  bar_too_large,
  notify_multiplier_doubled,
  isr_not_cleared,
  generation_stuck,
  config_interrupt_missing,
  vector_of_queue_0,
  intx_never_lowered,
  queue_count_wrong,
  notify_offset_stuck,
  queue_enable_reads_zero,
  queue_size_ignored,
  packed_wrap_lost,
  packed_list_counts_one,
  indirect_table_one_short,
  avail_event_stuck,
  used_event_one_late,
  driver_ok_hidden,
  feature_select_ignored,
  in_order_broken,
  last_queue_deaf,
  unknown_type_accepted,
  range_flag_accepted,
  last_segment_lost,
  resize_not_shown,
  read_only_ignored,
  msix_mask_ignored,
  msix_pending_lost,
  reset_keeps_queues,
  queue_reset_ignored,
  flr_ignored,
  read_twice_as_long,
  flush_early,
  link_for_nothing,
  in_flight_kept,
};

struct MutantInfo {
  Mutant mutant;
  std::string_view name;
  std::string_view summary;
};

[[nodiscard]] std::span<const MutantInfo> all_mutants();
[[nodiscard]] std::optional<Mutant> mutant_by_name(std::string_view name);

#ifdef RINGSIDE_MUTANTS
inline Mutant active_mutant = Mutant::none;
inline void set_mutant(Mutant mutant) { active_mutant = mutant; }
[[nodiscard]] inline bool mutant(Mutant which) { return active_mutant == which; }
#else
[[nodiscard]] constexpr bool mutant(Mutant) { return false; }
#endif

}  // namespace ringside::model
