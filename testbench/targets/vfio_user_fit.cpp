#include "testbench/targets/vfio_user_fit.h"

#include <fmt/core.h>

#include <array>
#include <utility>

#include "model/virtio.h"
#include "model/virtio_shape.h"

namespace ringside::targets {
namespace {

// Properties that a feature bit tells of.
constexpr std::array kByFeature{
    std::pair{"packed", model::VIRTIO_F_RING_PACKED},
    std::pair{"in_order", model::VIRTIO_F_IN_ORDER},
    std::pair{"notification_data", model::VIRTIO_F_NOTIFICATION_DATA},
    std::pair{"notif_config_data", model::VIRTIO_F_NOTIF_CONFIG_DATA},
    std::pair{"iommu_platform", model::VIRTIO_F_ACCESS_PLATFORM},
    std::pair{"queue_reset", model::VIRTIO_F_RING_RESET},
    std::pair{"event_idx", model::VIRTIO_F_EVENT_IDX},
    std::pair{"indirect_desc", model::VIRTIO_F_INDIRECT_DESC},
    std::pair{"lifetime", model::VIRTIO_BLK_F_LIFETIME},
    std::pair{"secure_erase", model::VIRTIO_BLK_F_SECURE_ERASE},
    std::pair{"discard", model::VIRTIO_BLK_F_DISCARD},
    std::pair{"write-zeroes", model::VIRTIO_BLK_F_WRITE_ZEROES},
    std::pair{"config-wce", model::VIRTIO_BLK_F_CONFIG_WCE},
};

std::string differs(const char* what, std::uint64_t found, std::uint64_t wanted) {
  return found == wanted ? "" : fmt::format("the served disk has {} {}; {} wanted", what, found, wanted);
}

std::string misfit_of_features(const DiskPlan& wanted, std::uint64_t offered) {
  for (const auto& [name, feature] : kByFeature) {
    const auto said = wanted.given.values().find(name);
    if (said == wanted.given.values().end()) {
      continue;
    }
    const bool on = said->second != "off" && said->second != "0";
    if (on != ((offered & feature) != 0)) {
      return fmt::format("the served disk has {}={}; {} is wanted", name, on ? "off" : "on", on ? "on" : "off");
    }
  }
  return {};
}

}  // namespace

std::string misfit_of(const DiskPlan& wanted, const block::DiskInfo& disk, const VfioUserDisk& function) {
  const model::BlkProperties& properties = wanted.properties;
  const model::VirtioShape shape = model::VirtioShape::of(properties, 0);
  const auto given = [&wanted](const char* name) { return wanted.given.says(name); };
  const std::string reasons[] = {
      misfit_of_features(wanted, disk.offered),
      differs("configuration bytes", function.config_bytes(),
              shape.express ? model::kExtendedConfigBytes : model::kConfigBytes),
      differs("vectors", function.vectors(), shape.vectors),
      differs("queues", disk.queues, properties.num_queues),
      given("queue-size") ? differs("a queue size of", disk.queue_size, properties.queue_size) : "",
      differs("a legacy BAR:", function.bar_bytes(model::VirtioShape::kLegacyBar) != 0, shape.legacy),
      differs("a modern BAR:", function.bar_bytes(model::VirtioShape::kModernBar) != 0, shape.modern),
      given("logical_block_size") ? differs("blocks of", disk.block_size, properties.logical_block_size) : "",
      given("size_max") ? differs("a largest segment of", disk.max_segment_size, properties.size_max) : "",
      given("max-discard-sectors")
          ? differs("a longest discard of", disk.max_discard_sectors, properties.max_discard_sectors)
          : "",
      given("max-write-zeroes-sectors")
          ? differs("a longest write of zeroes of", disk.max_write_zeroes_sectors, properties.max_write_zeroes_sectors)
          : "",
  };
  for (const std::string& reason : reasons) {
    if (!reason.empty()) {
      return reason;
    }
  }
  return {};
}

}  // namespace ringside::targets
