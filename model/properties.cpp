#include "model/properties.h"

#include <bit>

#include "model/virtio_shape.h"

namespace ringside::model {
namespace {

constexpr std::uint32_t kSmallestBlock = 512;
constexpr std::uint32_t kLargestBlock = 2u << 20;
constexpr std::uint16_t kSmallestQueue = 2;
constexpr std::uint16_t kLargestQueue = 32768;
constexpr std::uint32_t kMostSectors = 0x3f'ffff;  // of one request: 2 GiB less a sector
constexpr std::uint32_t kMostMinIoBlocks = 0xffff;

using Problem = std::optional<std::string>;

bool is_block_size(std::uint32_t bytes) {
  return std::has_single_bit(bytes) && bytes >= kSmallestBlock && bytes <= kLargestBlock;
}

Problem problem_with_transport(const BlkProperties& properties) {
  const VirtioShape shape = VirtioShape::of(properties, 0);
  if (!shape.legacy && !shape.modern) {
    return "disable-legacy and disable-modern leave nothing";
  }
  if (shape.legacy && properties.iommu_platform) {
    return "iommu_platform needs disable-legacy=on: the legacy interface knows no translation";
  }
  if (properties.vectors != kVectorsAutomatic && properties.vectors > kMostVectors) {
    return "vectors is more than " + std::to_string(kMostVectors);
  }
  return std::nullopt;
}

Problem problem_with_rings(const BlkProperties& properties) {
  if (properties.num_queues == 0 || properties.num_queues > kMostQueues) {
    return "num-queues is not 1 to " + std::to_string(kMostQueues);
  }
  const std::uint16_t size = properties.queue_size;
  if (!std::has_single_bit(size) || size < kSmallestQueue || size > kLargestQueue) {
    return "queue-size is no power of two from " + std::to_string(kSmallestQueue) + " to " +
           std::to_string(kLargestQueue);
  }
  return std::nullopt;
}

Problem problem_with_sizes(const BlkProperties& properties) {
  const std::uint32_t block = properties.logical_block_size;
  if (!is_block_size(block) || !is_block_size(properties.physical_block_size)) {
    return "a block size is no power of two from " + std::to_string(kSmallestBlock) + " to " +
           std::to_string(kLargestBlock);
  }
  if (block > properties.physical_block_size) {
    return "logical_block_size is more than physical_block_size";
  }
  if (properties.min_io_size % block != 0 || properties.opt_io_size % block != 0) {
    return "min_io_size or opt_io_size is no multiple of logical_block_size";
  }
  if (properties.min_io_size / block > kMostMinIoBlocks) {
    return "min_io_size is more than " + std::to_string(kMostMinIoBlocks) + " blocks";
  }
  const bool granular = properties.discard_granularity != kNoDiscardGranularity;
  if (granular && properties.discard_granularity % block != 0) {
    return "discard_granularity is no multiple of logical_block_size";
  }
  if (properties.max_discard_sectors == 0 || properties.max_discard_sectors > kMostSectors ||
      properties.max_write_zeroes_sectors == 0 || properties.max_write_zeroes_sectors > kMostSectors) {
    return "max-discard-sectors or max-write-zeroes-sectors is not 1 to " + std::to_string(kMostSectors);
  }
  return std::nullopt;
}

}  // namespace

Problem problem_with(const BlkProperties& properties) {
  if (Problem problem = problem_with_transport(properties)) {
    return problem;
  }
  if (Problem problem = problem_with_rings(properties)) {
    return problem;
  }
  return problem_with_sizes(properties);
}

}  // namespace ringside::model
