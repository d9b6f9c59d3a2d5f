// What each sector may hold while requests are in flight together, fail, and take effect more than once
// (block::Request says what is promised): the last write that completed, or any that was in flight with it or since, or
// one that failed since, which may have taken effect or not. Freestanding; lives in private memory.
#pragma once

#include <cstdint>

namespace ringside::scenarios {

class SectorOracle {
 public:
  static constexpr std::uint32_t kSectors = 256;  // from sector 0 on; nothing is claimed of those behind
  static constexpr std::uint16_t kMostWrites = 1024;

  // Names what is written. Write 0 is what the disk held at the start.
  using Write = std::uint16_t;
  enum class Contents : std::uint8_t {
    data,  // what fill_sector() makes
    zeroes,
    anything,  // a discarded sector holds what the device likes (VIRTIO 1.2, 5.2.6.2)
  };

  // `pristine`: the seed of a generated disk, whose contents follow from it and the place alone.
  explicit SectorOracle(std::uint64_t pristine) : pristine_(pristine) {}

  // Before a request that changes [sector, sector + count) is sent. 0 when no more can be followed: of the sectors
  // nothing is claimed then.
  [[nodiscard]] Write begin(std::uint64_t sector, std::uint32_t count, Contents contents);
  // It has ended, and took effect for sure or perhaps.
  void end(Write write, bool took_effect);
  void fill_sector(std::uint8_t* data, Write write, std::uint64_t sector) const;

  // When a read is sent; what it may find afterwards is what was possible at some time since. `oldest` of such reads
  // in flight bounds what has to be remembered.
  [[nodiscard]] std::uint32_t now() const { return clock_; }
  void forget_before(std::uint32_t oldest) { oldest_ = oldest; }
  // No sector from this one on has been changed.
  [[nodiscard]] std::uint32_t changed_end() const { return changed_end_; }
  [[nodiscard]] bool allows(std::uint64_t sector, const std::uint8_t* data, std::uint32_t since) const;

 private:
  static constexpr unsigned kMostCandidates = 8;
  static constexpr std::uint32_t kNever = 0xffff'ffff;

  struct Change {
    std::uint16_t sector = 0;
    std::uint16_t count = 0;
    Contents contents = Contents::data;
    std::uint32_t begun = 0;
    std::uint32_t ended = kNever;
  };
  struct Candidate {
    std::uint32_t dropped = kNever;  // when something else was written over it for sure
    Write write = 0;
  };
  struct Sector {
    Candidate candidates[kMostCandidates];
    std::uint8_t count = 0;  // 0: nobody has touched it
    bool unknown = false;    // more candidates than there is room for
  };

  void add(Sector& sector, Write write) const;
  void settle(Sector& sector, Write write);
  [[nodiscard]] bool is(const Candidate& candidate, std::uint64_t sector, const std::uint8_t* data) const;

  std::uint64_t pristine_;
  std::uint32_t clock_ = 1;
  std::uint32_t oldest_ = 0;
  std::uint16_t changes_count_ = 1;
  std::uint32_t changed_end_ = 0;
  Change changes_[kMostWrites];
  Sector sectors_[kSectors];
};

}  // namespace ringside::scenarios
