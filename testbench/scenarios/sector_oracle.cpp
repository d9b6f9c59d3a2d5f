#include "testbench/scenarios/sector_oracle.h"

#include "driver/block/block_device.h"
#include "testbench/scenarios/data.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint64_t kStep = 0x9e37'79b9'7f4a'7c15;  // Random's: one word of a generated disk further
constexpr std::uint64_t kWordsPerSector = block::kSectorSize / sizeof(std::uint64_t);

constexpr std::uint64_t key_of(SectorOracle::Write write, std::uint64_t sector) {
  return (std::uint64_t{write} << 32 | sector) * 0xd1b5'4a32'd192'ed03;
}

// What a write puts into a sector: words that differ from each other's and from those of other sectors and writes. They
// follow from each other by an addition, so that a vector of them is made and compared at once.
void fill_words(std::uint8_t* data, std::uint64_t key) {
  for (std::uint64_t i = 0; i < kWordsPerSector; ++i) {
    const std::uint64_t word = key + i * kStep;
    __builtin_memcpy(data + i * sizeof word, &word, sizeof word);
  }
}

bool holds_words(const std::uint8_t* data, std::uint64_t key) {
  std::uint64_t difference = 0;
  for (std::uint64_t i = 0; i < kWordsPerSector; ++i) {
    std::uint64_t word;
    __builtin_memcpy(&word, data + i * sizeof word, sizeof word);
    difference |= word ^ (key + i * kStep);
  }
  return difference == 0;
}

}  // namespace

SectorOracle::Write SectorOracle::begin(std::uint64_t sector, std::uint32_t count, Contents contents) {
  const std::uint64_t first = sector < kSectors ? sector : kSectors;
  const std::uint64_t end = count < kSectors - first ? first + count : kSectors;
  ++clock_;
  changed_end_ = end > changed_end_ && first < end ? static_cast<std::uint32_t>(end) : changed_end_;
  const bool room = changes_count_ < kMostWrites;
  const Write write = room ? changes_count_++ : Write{0};
  if (room) {
    changes_[write] = {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(end - first), contents, clock_,
                       kNever};
  }
  for (std::uint64_t at = first; at < end; ++at) {
    if (room) {
      add(sectors_[at], write);
    } else {
      sectors_[at].unknown = true;
    }
  }
  return write;
}

void SectorOracle::add(Sector& sector, Write write) const {
  if (sector.count == 0) {
    sector.candidates[sector.count++] = {};
  }
  for (unsigned i = 0; i < sector.count;) {
    if (sector.candidates[i].dropped < oldest_) {
      sector.candidates[i] = sector.candidates[--sector.count];
    } else {
      ++i;
    }
  }
  if (sector.count == kMostCandidates) {
    sector.unknown = true;
    return;
  }
  sector.candidates[sector.count++] = {kNever, write};
}

void SectorOracle::end(Write write, bool took_effect) {
  if (write == 0) {
    return;
  }
  Change& change = changes_[write];
  change.ended = ++clock_;
  for (unsigned i = 0; took_effect && i < change.count; ++i) {
    settle(sectors_[change.sector + i], write);
  }
}

// What had ended before this one began is written over.
void SectorOracle::settle(Sector& sector, Write write) {
  for (unsigned i = 0; i < sector.count; ++i) {
    Candidate& candidate = sector.candidates[i];
    const bool pristine = candidate.write == 0;
    if (candidate.dropped == kNever && candidate.write != write &&
        (pristine || changes_[candidate.write].ended < changes_[write].begun)) {
      candidate.dropped = clock_;
    }
  }
}

void SectorOracle::fill_sector(std::uint8_t* data, Write write, std::uint64_t sector) const {
  fill_words(data, key_of(write, sector));
}

bool SectorOracle::is(const Candidate& candidate, std::uint64_t sector, const std::uint8_t* data) const {
  if (candidate.write == 0) {
    return is_filled(data, block::kSectorSize, pristine_ + sector * kWordsPerSector * kStep);
  }
  switch (changes_[candidate.write].contents) {
    case Contents::data:
      return holds_words(data, key_of(candidate.write, sector));
    case Contents::zeroes:
      return is_zero(data, block::kSectorSize);
    case Contents::anything:
      break;
  }
  return true;
}

bool SectorOracle::allows(std::uint64_t sector, const std::uint8_t* data, std::uint32_t since) const {
  if (sector >= kSectors || sectors_[sector].unknown) {
    return true;
  }
  const Sector& known = sectors_[sector];
  if (known.count == 0) {
    return is({}, sector, data);
  }
  for (unsigned i = 0; i < known.count; ++i) {
    if (known.candidates[i].dropped > since && is(known.candidates[i], sector, data)) {
      return true;
    }
  }
  return false;
}

}  // namespace ringside::scenarios
