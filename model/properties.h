// What a virtio-blk function is this time, in the words of QEMU's device properties: the board is elaborated once and
// strapped at power-on. Defaults are those of virtio-blk-pci on a machine of version 7.2; the last group QEMU 7.2 has
// not got.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ringside::model {

enum class OnOffAuto : std::uint8_t { off, on, automatic };

// Where a function sits: on which of the board's buses, and its device and function number there.
struct PciPlace {
  std::string bus = "root";  // root, bridge0 (a PCI-to-PCI bridge), port0 .. port3 (root ports; q35 only)
  std::uint8_t device = 4;
  std::uint8_t function = 0;
  bool multifunction = false;  // function 0 says in its header type that there are more
};

inline constexpr std::uint16_t kMostQueues = 64;
inline constexpr std::uint16_t kMostVectors = 2048;  // PCI 3.0, 6.8.2.3
inline constexpr std::uint32_t kNoDiscardGranularity = 0xffff'ffff;
inline constexpr std::uint16_t kVectorsAutomatic = 0xffff;  // a vector for each queue, and one for the configuration

struct BlkProperties {
  PciPlace place;

  // --- virtio-pci
  OnOffAuto disable_legacy = OnOffAuto::automatic;  // automatic: legacy registers except behind a root port
  bool disable_modern = false;
  bool page_per_vq = false;
  bool ats = false;
  std::uint16_t vectors = kVectorsAutomatic;

  // --- rings
  bool indirect_desc = true;
  bool event_idx = true;
  bool packed = false;
  bool queue_reset = true;
  bool iommu_platform = false;
  bool notify_on_empty = true;  // legacy only
  bool any_layout = true;       // legacy only
  std::uint16_t num_queues = 1;
  std::uint16_t queue_size = 256;

  // --- the block device
  bool config_wce = true;
  bool discard = true;
  bool write_zeroes = true;
  bool seg_max_adjust = true;  // seg_max is queue_size - 2; off: 126
  bool write_cache = true;     // write-back at power-on
  bool read_only = false;
  std::uint32_t logical_block_size = 512;
  std::uint32_t physical_block_size = 512;
  std::uint32_t min_io_size = 0;  // bytes
  std::uint32_t opt_io_size = 0;  // bytes
  std::uint32_t discard_granularity = kNoDiscardGranularity;
  std::uint32_t max_discard_sectors = 0x3f'ffff;
  std::uint32_t max_write_zeroes_sectors = 0x3f'ffff;
  std::string serial = "ringside-0";

  // --- what QEMU 7.2 does not offer
  bool in_order = false;
  bool notification_data = false;
  bool notif_config_data = false;
  bool order_platform = false;
  bool lifetime = false;
  bool secure_erase = false;
  std::uint32_t size_max = 0;  // bytes; 0: not offered
};

// What is wrong with them, in a few words; nothing when a device can be like that.
[[nodiscard]] std::optional<std::string> problem_with(const BlkProperties& properties);

}  // namespace ringside::model
