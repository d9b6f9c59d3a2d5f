// What the block device shows of itself: its features (VIRTIO 1.2, 5.2.3) and its configuration (5.2.4).
#pragma once

#include <array>
#include <cstdint>

#include "model/geometry.h"
#include "model/properties.h"
#include "model/storage.h"

namespace ringside::model {

// Without those of transport and rings.
[[nodiscard]] std::uint64_t block_features(const BlkProperties& properties);

// The configuration ends with the last field that a feature asks for.
[[nodiscard]] std::uint32_t block_config_bytes(const BlkProperties& properties);

class VirtioBlkConfig {
 public:
  static constexpr std::uint32_t kWriteback = 32;  // the one field that a driver may write

  void power_on(const BlkProperties& properties, Storage* storage, std::uint64_t sectors);
  void set_capacity(std::uint64_t sectors);
  void set_write_back(bool write_back) { bytes_[kWriteback] = write_back ? 1 : 0; }

  [[nodiscard]] bool contains(std::uint32_t offset, std::uint32_t size) const { return offset + size <= length_; }
  // All-ones beyond the end.
  [[nodiscard]] std::uint32_t read(std::uint32_t offset, std::uint32_t size) const;

 private:
  static constexpr std::uint32_t kMostBytes = 72;  // up to secure_erase_sector_alignment

  template <class T>
  void put(std::uint32_t offset, T value);
  void put_sizes(const BlkProperties& properties);
  void put_ranges(const BlkProperties& properties);
  void put_geometry(std::uint64_t sectors);

  std::array<std::uint8_t, kMostBytes> bytes_{};
  std::uint32_t length_ = 0;
  std::uint32_t block_bytes_ = 0;
  Geometry geometry_;
};

}  // namespace ringside::model
