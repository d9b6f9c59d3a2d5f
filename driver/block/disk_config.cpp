#include "driver/block/disk_config.h"

#include "driver/block/virtio_blk_spec.h"
#include "driver/hal/mutant.h"
#include "driver/virtio/spec.h"

namespace ringside::block {
namespace {

// Optional fields are read only when their feature is there, and only inside the structure (2.5.1).
class OptionalFields {
 public:
  OptionalFields(const pci::RegisterWindow& config, std::uint64_t features) : config_(config), features_(features) {}

  [[nodiscard]] bool has(unsigned bit) const { return (features_ & virtio::feature(bit)) != 0; }
  [[nodiscard]] std::uint32_t le32(unsigned bit, std::uint32_t offset, std::uint32_t otherwise) const {
    return has(bit) && offset + 4 <= config_.length() ? config_.read32(offset) : otherwise;
  }

 private:
  const pci::RegisterWindow& config_;
  std::uint64_t features_;
};

// 4.1.3.1: each field is read in its own width.
Geometry read_geometry(const pci::RegisterWindow& config) {
  return {config.read16(kConfigGeometry), config.read8(kConfigGeometry + 2), config.read8(kConfigGeometry + 3)};
}

Topology read_topology(const pci::RegisterWindow& config) {
  return {config.read8(kConfigTopology), config.read8(kConfigTopology + 1), config.read16(kConfigTopology + 2),
          config.read32(kConfigOptIoSize)};
}

}  // namespace

DiskInfo read_disk_info(const pci::RegisterWindow& config, std::uint64_t features) {
  const OptionalFields fields(config, features);
  DiskInfo info;
  info.sectors = config.read32(kConfigCapacity) | std::uint64_t{config.read32(kConfigCapacity + 4)} << 32;
  info.max_segment_size = fields.le32(VIRTIO_BLK_F_SIZE_MAX, kConfigSizeMax, 0xffff'ffff);
  const std::uint32_t segments = fields.le32(VIRTIO_BLK_F_SEG_MAX, kConfigSegMax, 1);
  info.max_segments = segments == 0 ? 1 : segments;
  info.block_size = fields.le32(VIRTIO_BLK_F_BLK_SIZE, kConfigBlkSize, kSectorSize);
  if (hal::mutant(hal::Mutant::capacity_scaled_by_block_size)) {
    info.sectors *= info.block_size / kSectorSize;
  }
  info.max_discard_sectors = fields.le32(VIRTIO_BLK_F_DISCARD, kConfigMaxDiscardSectors, 0);
  info.max_write_zeroes_sectors = fields.le32(VIRTIO_BLK_F_WRITE_ZEROES, kConfigMaxWriteZeroesSectors, 0);
  info.max_secure_erase_sectors = fields.le32(VIRTIO_BLK_F_SECURE_ERASE, kConfigMaxSecureEraseSectors, 0);
  const std::uint32_t alignment = fields.le32(VIRTIO_BLK_F_SECURE_ERASE, kConfigSecureEraseSectorAlignment, 1);
  info.secure_erase_alignment = alignment == 0 ? 1 : alignment;
  if (fields.has(VIRTIO_BLK_F_GEOMETRY) && kConfigGeometry + 4 <= config.length()) {
    info.geometry = read_geometry(config);
  }
  if (fields.has(VIRTIO_BLK_F_TOPOLOGY) && kConfigOptIoSize + 4 <= config.length()) {
    info.topology = read_topology(config);
  }
  info.read_only = fields.has(VIRTIO_BLK_F_RO);
  info.flush = fields.has(VIRTIO_BLK_F_FLUSH);
  return info;
}

std::uint16_t read_queue_count(const pci::RegisterWindow& config) {
  return kConfigNumQueues + 2 <= config.length() ? config.read16(kConfigNumQueues) : std::uint16_t{0};
}

}  // namespace ringside::block
