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
    std::pair{"read_only", model::VIRTIO_BLK_F_RO},
    std::pair{"discard", model::VIRTIO_BLK_F_DISCARD},
    std::pair{"write-zeroes", model::VIRTIO_BLK_F_WRITE_ZEROES},
    std::pair{"config-wce", model::VIRTIO_BLK_F_CONFIG_WCE},
};

std::string differs(std::uint64_t found, std::uint64_t wanted, const char* of_what) {
  return found == wanted ? "" : fmt::format("the served disk has {} {}; {} are wanted", found, of_what, wanted);
}

std::string presence(bool found, bool wanted, const char* what) {
  return found == wanted ? ""
                         : fmt::format("the served disk has {} {}; {} is wanted", found ? "a" : "no", what,
                                       wanted ? "one" : "none");
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
      differs(function.config_bytes(), shape.express ? model::kExtendedConfigBytes : model::kConfigBytes,
              "bytes of configuration space"),
      differs(function.vectors(), shape.vectors, "vectors"),
      differs(disk.queues, properties.num_queues, "queues"),
      presence(function.has_ats(), shape.ats, "capability for ATS"),
      presence(function.bar_bytes(model::VirtioShape::kLegacyBar) != 0, shape.legacy, "legacy interface"),
      presence(function.bar_bytes(model::VirtioShape::kModernBar) != 0, shape.modern, "modern interface"),
      given("queue-size") ? differs(disk.queue_size, properties.queue_size, "entries in its queue") : "",
      given("logical_block_size") ? differs(disk.block_size, properties.logical_block_size, "bytes in a block") : "",
      given("size_max") ? differs(disk.max_segment_size, properties.size_max, "bytes in a segment at most") : "",
      given("max-discard-sectors")
          ? differs(disk.max_discard_sectors, properties.max_discard_sectors, "sectors in a discard at most")
          : "",
      given("max-write-zeroes-sectors") ? differs(disk.max_write_zeroes_sectors, properties.max_write_zeroes_sectors,
                                                  "sectors in a write of zeroes at most")
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
