#include "model/virtio_blk_config.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "model/chain.h"
#include "model/mutants.h"
#include "model/virtio.h"

namespace ringside::model {
namespace {

// 5.2.4: offsets in the device configuration.
constexpr std::uint32_t kCapacity = 0;
constexpr std::uint32_t kSizeMax = 8;
constexpr std::uint32_t kSegMax = 12;
constexpr std::uint32_t kGeometry = 16;
constexpr std::uint32_t kBlkSize = 20;
constexpr std::uint32_t kPhysicalBlockExp = 24;
constexpr std::uint32_t kMinIoSize = 26;
constexpr std::uint32_t kOptIoSize = 28;
constexpr std::uint32_t kNumQueues = 34;
constexpr std::uint32_t kMaxDiscardSectors = 36;
constexpr std::uint32_t kMaxDiscardSeg = 40;
constexpr std::uint32_t kDiscardSectorAlignment = 44;
constexpr std::uint32_t kMaxWriteZeroesSectors = 48;
constexpr std::uint32_t kMaxWriteZeroesSeg = 52;
constexpr std::uint32_t kWriteZeroesMayUnmap = 56;
constexpr std::uint32_t kMaxSecureEraseSectors = 60;
constexpr std::uint32_t kMaxSecureEraseSeg = 64;
constexpr std::uint32_t kSecureEraseSectorAlignment = 68;

constexpr std::uint32_t kSegMaxUnadjusted = 126;

// Data, beside header and status.
std::uint32_t most_segments(const BlkProperties& properties) {
  if (!properties.seg_max_adjust) {
    return kSegMaxUnadjusted;
  }
  return std::clamp<std::uint32_t>(properties.queue_size, 3, kMaxChain) - 2;
}

std::uint32_t in_sectors(std::uint32_t granularity, std::uint32_t block_bytes) {
  return (granularity == kNoDiscardGranularity ? block_bytes : granularity) / kSectorBytes;
}

}  // namespace

std::uint64_t block_features(const BlkProperties& properties) {
  std::uint64_t features = VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_GEOMETRY | VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_TOPOLOGY;
  const auto offer = [&features](bool condition, std::uint64_t feature) { features |= condition ? feature : 0; };
  offer(properties.size_max != 0, VIRTIO_BLK_F_SIZE_MAX);
  offer(properties.read_only, VIRTIO_BLK_F_RO);
  // 5.2.5.2: wherever the cache can be switched on.
  offer(properties.write_cache || properties.config_wce, VIRTIO_BLK_F_FLUSH);
  offer(properties.config_wce, VIRTIO_BLK_F_CONFIG_WCE);
  offer(properties.num_queues > 1, VIRTIO_BLK_F_MQ);
  offer(properties.discard, VIRTIO_BLK_F_DISCARD);
  offer(properties.write_zeroes, VIRTIO_BLK_F_WRITE_ZEROES);
  offer(properties.lifetime, VIRTIO_BLK_F_LIFETIME);
  offer(properties.secure_erase, VIRTIO_BLK_F_SECURE_ERASE);
  return mutant(Mutant::feature_bit_missing) ? features & ~VIRTIO_BLK_F_TOPOLOGY : features;
}

std::uint32_t block_config_bytes(const BlkProperties& properties) {
  return properties.secure_erase   ? kSecureEraseSectorAlignment + 4
         : properties.write_zeroes ? kWriteZeroesMayUnmap + 1
         : properties.discard      ? kDiscardSectorAlignment + 4
                                   : kNumQueues + 2;
}

template <class T>
void VirtioBlkConfig::put(std::uint32_t offset, T value) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(&bytes_[offset], &value, sizeof value);
}

void VirtioBlkConfig::power_on(const BlkProperties& properties, Storage* storage, std::uint64_t sectors) {
  bytes_ = {};
  length_ = block_config_bytes(properties);
  block_bytes_ = properties.logical_block_size;
  geometry_ = storage == nullptr ? Geometry{} : geometry_of(*storage, sectors);
  put_sizes(properties);
  put_ranges(properties);
  put(kNumQueues, properties.num_queues);
  set_capacity(sectors);
}

void VirtioBlkConfig::set_capacity(std::uint64_t sectors) {
  put(kCapacity, mutant(Mutant::capacity_off_by_one) ? sectors + 1 : sectors);
  put_geometry(sectors);
}

void VirtioBlkConfig::put_sizes(const BlkProperties& properties) {
  put(kSizeMax, properties.size_max);
  put(kSegMax, most_segments(properties));
  put(kBlkSize, block_bytes_);
  const std::uint32_t blocks = std::max(properties.physical_block_size / block_bytes_, std::uint32_t{1});
  put(kPhysicalBlockExp, static_cast<std::uint8_t>(std::bit_width(blocks) - 1));
  put(kMinIoSize, static_cast<std::uint16_t>(properties.min_io_size / block_bytes_));
  put(kOptIoSize, properties.opt_io_size / block_bytes_);
}

// One range in each request: that is what is said, and what the device takes.
void VirtioBlkConfig::put_ranges(const BlkProperties& properties) {
  const std::uint32_t alignment = in_sectors(properties.discard_granularity, block_bytes_);
  if (properties.discard) {
    put(kMaxDiscardSectors, properties.max_discard_sectors);
    put(kMaxDiscardSeg, std::uint32_t{1});
    put(kDiscardSectorAlignment, alignment);
  }
  if (properties.write_zeroes) {
    put(kMaxWriteZeroesSectors, properties.max_write_zeroes_sectors);
    put(kMaxWriteZeroesSeg, std::uint32_t{1});
    put(kWriteZeroesMayUnmap, std::uint8_t{1});
  }
  if (properties.secure_erase) {
    put(kMaxSecureEraseSectors, properties.max_discard_sectors);
    put(kMaxSecureEraseSeg, std::uint32_t{1});
    put(kSecureEraseSectorAlignment, alignment);
  }
}

// A track is a whole number of blocks, unless the disk is no whole number of them anyway.
void VirtioBlkConfig::put_geometry(std::uint64_t sectors) {
  const std::uint32_t sectors_in_block = block_bytes_ / kSectorBytes;
  const std::uint64_t bytes = sectors * kSectorBytes;
  const bool cut =
      geometry_.sectors != 0 && bytes != 0 && bytes / geometry_.heads / geometry_.sectors % block_bytes_ != 0;
  put(kGeometry, geometry_.cylinders);
  put(kGeometry + 2, geometry_.heads);
  put(kGeometry + 3, static_cast<std::uint8_t>(cut ? geometry_.sectors & ~(sectors_in_block - 1) : geometry_.sectors));
}

std::uint32_t VirtioBlkConfig::read(std::uint32_t offset, std::uint32_t size) const {
  std::uint32_t value = ~std::uint32_t{0};
  const std::uint32_t from = mutant(Mutant::config_read_off_by_one) && size == 1 ? offset + 1 : offset;
  if (from + size <= length_) {
    std::memcpy(&value, &bytes_[from], size);
  }
  return value;
}

}  // namespace ringside::model
