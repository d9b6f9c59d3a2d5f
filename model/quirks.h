// Named departures of given QEMU versions from VIRTIO 1.2. Without any the model follows the specification; against a
// QEMU it runs with those that this QEMU has, and each counts how often it made a difference.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ringside::model {

enum class Quirk : unsigned {
  used_length_is_capacity,
  request_type_bits_ignored,
  unoffered_features_accepted,
  version_1_not_required,
  queue_select_limited,
  queue_size_unchecked,
  queue_size_shows_limit,
  queue_enable_zero_breaks,
  kick_before_driver_ok,
  isr_with_msix,
  config_interrupt_sets_queue_isr,
  config_interrupt_bumps_generation,
  config_window_bar_ignored,
  write_cache_unnegotiated,
  bus_master_off_clears_driver_ok,
  needs_reset_cleared_by_write,
  indirect_with_next_accepted,
  range_checked_before_flags,
  scsi_command_fails,
  id_not_padded,
  used_descriptor_without_write,
  unoffered_types_served,
  blocks_must_be_aligned,
  write_back_without_flush,
  early_resize_keeps_generation,
  queue_release_resets_device,
  legacy_status_enables_bus_master,
  function_reset_keeps_registers,
  power_state_ignored,
  unclaimed_memory_reads_zero,
  bridge_master_ignored,
  occupied_slot_indicator_off,
  indirect_in_head_only,
  indirect_unnegotiated,
  available_index_unchecked,
  legacy_breaks_silently,
  late_features_shown,
  reset_keeps_feature_registers,
  config_write_restores_cache,
  config_window_offset_rounded,
  refused_status_dropped,
  reserved_event_flags_name_descriptor,
  queue_size_changes_ring,
  queue_at_zero_is_none,
  scsi_header_written,
  absent_queue_has_registers,
  queue_reset_unnegotiated,
  first_used_always_notifies,
  absent_memory_bounces,
  absent_memory_shares_page,
  packed_id_of_first,
};
inline constexpr unsigned kQuirkCount = static_cast<unsigned>(Quirk::packed_id_of_first) + 1;

struct QemuVersion {
  unsigned major = 0;
  unsigned minor = 0;
  [[nodiscard]] constexpr bool operator<=(const QemuVersion& other) const {
    return major != other.major ? major < other.major : minor <= other.minor;
  }
};

struct QuirkInfo {
  Quirk quirk;
  std::string_view name;
  std::string_view clause;
  QemuVersion first;  // inclusive, as far as known
  QemuVersion last;
  std::string_view summary;
};

[[nodiscard]] std::span<const QuirkInfo> all_quirks();

class QuirkSet {
 public:
  // Those of one QEMU.
  [[nodiscard]] static QuirkSet of(QemuVersion version);
  // "none", or "qemu-MAJOR.MINOR"; nothing for any other text.
  [[nodiscard]] static std::optional<QuirkSet> parse(std::string_view text);

  void add(Quirk quirk) { set_.set(static_cast<unsigned>(quirk)); }
  [[nodiscard]] bool has(Quirk quirk) const { return set_.test(static_cast<unsigned>(quirk)); }

 private:
  std::bitset<kQuirkCount> set_;
};

using QuirkCounts = std::array<std::uint64_t, kQuirkCount>;

}  // namespace ringside::model
