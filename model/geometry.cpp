#include "model/geometry.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "model/virtio.h"

namespace ringside::model {
namespace {

constexpr std::uint64_t kFewestCylinders = 2;
constexpr std::uint64_t kMostCylinders = 16383;
constexpr std::uint8_t kHeads = 16;
constexpr std::uint8_t kSectors = 63;

// An MBR partition's last sector, if it ends on a cylinder boundary, tells heads and sectors per track.
std::optional<Geometry> from_partition(const std::uint8_t* entry, std::uint64_t disk_sectors) {
  std::uint32_t partition_sectors = 0;
  std::memcpy(&partition_sectors, entry + 12, sizeof partition_sectors);
  const std::uint8_t last_head = entry[5];
  const auto sectors = static_cast<std::uint8_t>(entry[6] & 0x3f);
  if (partition_sectors == 0 || last_head == 0 || sectors == 0) {
    return std::nullopt;
  }
  const std::uint64_t cylinders = disk_sectors / ((last_head + 1ull) * sectors);
  if (cylinders < 1 || cylinders > kMostCylinders) {
    return std::nullopt;
  }
  return Geometry{static_cast<std::uint16_t>(cylinders), static_cast<std::uint8_t>(last_head + 1), sectors};
}

std::optional<Geometry> from_partition_table(Storage& storage, std::uint64_t sectors) {
  constexpr unsigned kFirstEntry = 0x1be;
  constexpr unsigned kEntryBytes = 16;
  constexpr unsigned kEntries = 4;
  std::array<std::uint8_t, kSectorBytes> sector{};
  if (sectors == 0 || !storage.read(0, sector.data(), sector.size()) || sector[510] != 0x55 || sector[511] != 0xaa) {
    return std::nullopt;
  }
  for (unsigned i = 0; i < kEntries; ++i) {
    if (const auto geometry = from_partition(&sector[kFirstEntry + kEntryBytes * i], sectors)) {
      return geometry;
    }
  }
  return std::nullopt;
}

}  // namespace

Geometry geometry_of(Storage& storage, std::uint64_t sectors) {
  const auto partitioned = from_partition_table(storage, sectors);
  // More than 16 heads is a BIOS's translation, not the disk's own geometry.
  if (partitioned && partitioned->heads <= kHeads && partitioned->heads != 0) {
    return *partitioned;
  }
  const std::uint64_t cylinders = std::clamp(sectors / (kHeads * kSectors), kFewestCylinders, kMostCylinders);
  return {static_cast<std::uint16_t>(cylinders), kHeads, kSectors};
}

}  // namespace ringside::model
