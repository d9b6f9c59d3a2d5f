#include "model/power_cut.h"

#include <algorithm>

namespace ringside::model {
namespace {

bool apply(OverlayStorage& disk, const WriteLogEntry& entry, std::uint64_t offset, std::uint64_t size) {
  return entry.kind == WriteKind::write ? disk.write(offset, entry.data + (offset - entry.offset), size)
                                        : disk.write_zeroes(offset, size);
}

}  // namespace

void PowerCut::entry(const WriteLogEntry& entry) {
  if (entry.kind != WriteKind::flush) {
    change(entry);
  } else if (entry.done) {
    sound_ = everything_.commit() && sound_;
    survivors_.discard_changes();
  }
}

// Also what ended with a media error may have changed any of its sectors.
void PowerCut::change(const WriteLogEntry& entry) {
  sound_ = apply(everything_, entry, entry.offset, entry.size) && sound_;
  const std::uint64_t end = entry.offset + entry.size;
  for (std::uint64_t offset = entry.offset; offset < end;) {
    const std::uint64_t size = std::min(end - offset, kSectorBytes - offset % kSectorBytes);
    change_sector(entry, offset, size);
    offset += size;
  }
}

// A sector is written whole or not at all: one whose data came in pieces shares one fate.
void PowerCut::change_sector(const WriteLogEntry& entry, std::uint64_t offset, std::uint64_t size) {
  const bool continued = offset == end_ && offset % kSectorBytes != 0;
  last_lives_ = continued ? last_lives_ : random_.next() % 100 < percent_;
  end_ = offset + size;
  if (last_lives_) {
    sound_ = apply(survivors_, entry, offset, size) && sound_;
  }
}

bool PowerCut::cut() {
  everything_.discard_changes();
  return survivors_.commit() && sound_;
}

}  // namespace ringside::model
