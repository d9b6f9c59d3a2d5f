#include "model/overlay_storage.h"

#include <algorithm>
#include <cstring>

namespace ringside::model {
namespace {

// Calls `piece(offset, done, size)` for the part of a range that lies in each chunk, until one says false.
template <class Piece>
bool by_chunk(std::uint64_t chunk_bytes, std::uint64_t offset, std::uint64_t size, Piece piece) {
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t part = std::min(size - done, chunk_bytes - (offset + done) % chunk_bytes);
    if (!piece(offset + done, done, part)) {
      return false;
    }
    done += part;
  }
  return true;
}

}  // namespace

bool OverlayStorage::read(std::uint64_t offset, void* data, std::uint64_t size) {
  auto* const to = static_cast<std::uint8_t*>(data);
  return by_chunk(kChunkBytes, offset, size, [&](std::uint64_t at, std::uint64_t done, std::uint64_t part) {
    return read_piece(at, to + done, part);
  });
}

bool OverlayStorage::write(std::uint64_t offset, const void* data, std::uint64_t size) {
  const auto* const from = static_cast<const std::uint8_t*>(data);
  return by_chunk(kChunkBytes, offset, size, [&](std::uint64_t at, std::uint64_t done, std::uint64_t part) {
    return write_piece(at, from + done, part);
  });
}

bool OverlayStorage::write_zeroes(std::uint64_t offset, std::uint64_t size) {
  static constexpr Bytes kZeroes{};
  return by_chunk(kChunkBytes, offset, size, [&](std::uint64_t at, std::uint64_t, std::uint64_t part) {
    if (part != kChunkBytes) {
      return write_piece(at, kZeroes.data(), part);
    }
    Chunk& chunk = chunks_[at / kChunkBytes];
    chunk.present.set();
    chunk.bytes.reset();
    return true;
  });
}

// Sector by sector, each from where it is.
bool OverlayStorage::read_piece(std::uint64_t offset, std::uint8_t* data, std::uint64_t size) {
  const auto found = chunks_.find(offset / kChunkBytes);
  if (found == chunks_.end()) {
    return base_.read(offset, data, size);
  }
  const Chunk& chunk = found->second;
  return by_chunk(kSectorBytes, offset, size, [&](std::uint64_t at, std::uint64_t done, std::uint64_t part) {
    const std::uint64_t inside = at % kChunkBytes;
    if (!chunk.present[inside / kSectorBytes]) {
      return base_.read(at, data + done, part);
    }
    if (chunk.bytes) {
      std::memcpy(data + done, chunk.bytes->data() + inside, part);
    } else {
      std::memset(data + done, 0, part);
    }
    return true;
  });
}

bool OverlayStorage::write_piece(std::uint64_t offset, const std::uint8_t* data, std::uint64_t size) {
  if (!fill_edges(offset, size)) {
    return false;
  }
  Chunk& chunk = chunks_[offset / kChunkBytes];
  const std::uint64_t inside = offset % kChunkBytes;
  std::memcpy(bytes_of(chunk).data() + inside, data, size);
  for (std::uint64_t sector = inside / kSectorBytes; sector * kSectorBytes < inside + size; ++sector) {
    chunk.present.set(sector);
  }
  return true;
}

// A sector that is written in part keeps the rest of what it was.
bool OverlayStorage::fill_edges(std::uint64_t offset, std::uint64_t size) {
  const std::uint64_t end = offset + size;
  return (offset % kSectorBytes == 0 || fill_sector(offset / kSectorBytes)) &&
         (end % kSectorBytes == 0 || fill_sector(end / kSectorBytes));
}

bool OverlayStorage::fill_sector(std::uint64_t sector) {
  Chunk& chunk = chunks_[sector / kChunkSectors];
  const std::size_t inside = sector % kChunkSectors;
  if (chunk.present[inside]) {
    return true;
  }
  if (!base_.read(sector * kSectorBytes, bytes_of(chunk).data() + inside * kSectorBytes, kSectorBytes)) {
    return false;
  }
  chunk.present.set(inside);
  return true;
}

OverlayStorage::Bytes& OverlayStorage::bytes_of(Chunk& chunk) {
  if (!chunk.bytes) {
    chunk.bytes = std::make_unique<Bytes>();  // zeroes, as what is present was
  }
  return *chunk.bytes;
}

bool OverlayStorage::commit() {
  for (const auto& [number, chunk] : chunks_) {
    if (!commit_chunk(number * kChunkBytes, chunk)) {
      return false;
    }
  }
  if (!base_.flush()) {
    return false;
  }
  chunks_.clear();
  return true;
}

bool OverlayStorage::commit_chunk(std::uint64_t first_byte, const Chunk& chunk) {
  for (std::size_t first = 0; first < kChunkSectors;) {
    std::size_t end = first;
    while (end < kChunkSectors && chunk.present[end]) {
      ++end;
    }
    const std::uint64_t start = first * kSectorBytes;
    const std::uint64_t size = (end - first) * kSectorBytes;
    if (size != 0 && !(chunk.bytes ? base_.write(first_byte + start, chunk.bytes->data() + start, size)
                                   : base_.write_zeroes(first_byte + start, size))) {
      return false;
    }
    first = end + 1;
  }
  return true;
}

}  // namespace ringside::model
