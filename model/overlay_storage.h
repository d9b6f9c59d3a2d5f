// Copy-on-write: the base is only read until the changes are committed to it. Changes are kept by sector, in chunks
// that appear when they are written; a chunk of zeroes takes no room for them.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <map>
#include <memory>

#include "model/storage.h"
#include "model/virtio.h"

namespace ringside::model {

class OverlayStorage final : public Storage {
 public:
  explicit OverlayStorage(Storage& base) : base_(base) {}

  [[nodiscard]] bool read(std::uint64_t offset, void* data, std::uint64_t size) override;
  [[nodiscard]] bool write(std::uint64_t offset, const void* data, std::uint64_t size) override;
  [[nodiscard]] bool write_zeroes(std::uint64_t offset, std::uint64_t size) override;
  // Of the overlay, which is memory: what the base is to keep has to be committed.
  [[nodiscard]] bool flush() override { return true; }

  // Writes the changes to the base and flushes it. False on a media error: the changes are still here then.
  [[nodiscard]] bool commit();
  // Forgets the changes.
  void discard_changes() { chunks_.clear(); }
  [[nodiscard]] bool changed() const { return !chunks_.empty(); }

 private:
  static constexpr std::size_t kChunkSectors = 128;
  static constexpr std::uint64_t kChunkBytes = kChunkSectors * kSectorBytes;
  using Bytes = std::array<std::uint8_t, kChunkBytes>;
  struct Chunk {
    std::bitset<kChunkSectors> present;
    std::unique_ptr<Bytes> bytes;  // null: all that is present is zeroes
  };

  [[nodiscard]] bool read_piece(std::uint64_t offset, std::uint8_t* data, std::uint64_t size);
  [[nodiscard]] bool write_piece(std::uint64_t offset, const std::uint8_t* data, std::uint64_t size);
  [[nodiscard]] bool fill_edges(std::uint64_t offset, std::uint64_t size);
  [[nodiscard]] bool fill_sector(std::uint64_t sector);
  [[nodiscard]] bool commit_chunk(std::uint64_t first_byte, const Chunk& chunk);
  [[nodiscard]] Bytes& bytes_of(Chunk& chunk);

  Storage& base_;
  std::map<std::uint64_t, Chunk> chunks_;  // by number; in order, so that a commit goes through the base once
};

}  // namespace ringside::model
