#include "testbench/faults/register_faults.h"

#include "testbench/trace/virtio_layout.h"

namespace ringside::faults {
namespace {

using trace::BarLocation;
using trace::Structure;

constexpr std::uint32_t kAllOnes = 0xffff'ffff;
constexpr std::uint32_t kNumQueuesOfDisk = 34;  // struct virtio_blk_config (VIRTIO 1.2, 5.2.4)
constexpr std::uint32_t kStillRunning = trace::VIRTIO_CONFIG_S_ACKNOWLEDGE | trace::VIRTIO_CONFIG_S_DRIVER |
                                        trace::VIRTIO_CONFIG_S_DRIVER_OK | trace::VIRTIO_CONFIG_S_FEATURES_OK;

bool is_at(const BarLocation& where, Structure structure, std::uint32_t offset) {
  return where.structure == structure && where.offset == offset;
}

bool is_common(const BarLocation& where, std::uint32_t offset) { return is_at(where, Structure::common, offset); }

bool is_queue_count(const BarLocation& where, unsigned width) {
  return width == 2 &&
         (is_common(where, trace::VIRTIO_PCI_COMMON_NUMQ) || is_at(where, Structure::device, kNumQueuesOfDisk));
}

bool is_queue_size(const BarLocation& where, unsigned width) {
  return width == 2 && (is_common(where, trace::VIRTIO_PCI_COMMON_Q_SIZE) ||
                        is_at(where, Structure::legacy, trace::VIRTIO_PCI_QUEUE_NUM));
}

}  // namespace

bool is_status(const BarLocation& where, unsigned width) {
  return width == 1 && (is_common(where, trace::VIRTIO_PCI_COMMON_STATUS) ||
                        is_at(where, Structure::legacy, trace::VIRTIO_PCI_STATUS));
}

void RegisterFaults::written(const BarLocation& where, std::uint32_t value) {
  if (is_common(where, trace::VIRTIO_PCI_COMMON_DFSELECT)) {
    feature_select_[where.unit] = value;
  }
}

std::optional<std::uint32_t> RegisterFaults::read(const Fault& fault, std::uint64_t left, const BarLocation& where,
                                                  unsigned width, std::uint32_t value) const {
  const auto when = [](bool holds, std::uint32_t other) { return holds ? std::optional(other) : std::nullopt; };
  switch (fault.action) {
    case Action::register_all_ones:
      return kAllOnes;
    case Action::status_all_ones:
      return when(is_status(where, width), kAllOnes);
    case Action::reset_stuck:
      return when(is_status(where, width) && value == 0, kStillRunning);
    case Action::generation_races:
      return when(is_common(where, trace::VIRTIO_PCI_COMMON_CFGGENERATION), value ^ static_cast<std::uint32_t>(left));
    case Action::queue_count:
      return when(is_queue_count(where, width), fault.value);
    case Action::queue_size:
      return when(is_queue_size(where, width) && value != 0, fault.value);
    case Action::feature_bit_changes: {
      const auto select = feature_select_.find(where.unit);
      const std::uint32_t word = select == feature_select_.end() ? 0 : select->second;
      const bool modern = is_common(where, trace::VIRTIO_PCI_COMMON_DF) && word == fault.value / 32;
      const bool legacy = is_at(where, Structure::legacy, trace::VIRTIO_PCI_HOST_FEATURES) && fault.value < 32;
      return when(modern || legacy, value ^ 1u << fault.value % 32);
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::uint32_t> RegisterFaults::write(const Fault& fault, const BarLocation& where, unsigned width,
                                                   std::uint32_t value) {
  const bool settles = is_status(where, width) && (value & trace::VIRTIO_CONFIG_S_FEATURES_OK) != 0;
  return fault.action == Action::features_refused && settles
             ? std::optional(value & ~std::uint32_t{trace::VIRTIO_CONFIG_S_FEATURES_OK})
             : std::nullopt;
}

}  // namespace ringside::faults
