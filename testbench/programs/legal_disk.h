// One disk of a random program: what it is, and what the generator knows of its contents.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "testbench/programs/legal.h"
#include "testbench/scenarios/context.h"

namespace ringside::programs {

// What its properties make of it.
struct DiskShape {
  std::string properties;  // as --device takes them
  std::uint64_t queues = 1;
  std::uint64_t block = 1;  // sectors of a logical block
  std::uint64_t queue_size = 256;
  bool packed = false;
  bool indirect = true;
  bool legacy = true;  // has that interface
  bool modern = true;
  bool read_only = false;
  bool write_zeroes = true;
  bool secure_erase = false;
  bool lifetime = false;
};

// `alone`: the only disk, which may sit anywhere. Several stay on the root bus, where the order in which a scan meets
// them is the order in which they are given.
[[nodiscard]] DiskShape random_shape(scenarios::Random& random, bool q35, bool alone, const Reach& reach);

// What each sector holds: a key that was written there, zeroes, or what nobody knows.
class Contents {
 public:
  static constexpr std::uint64_t kUnknown = 0;
  static constexpr std::uint64_t kZero = ~std::uint64_t{0};

  explicit Contents(std::uint64_t sectors) : keys_(sectors, kUnknown) {}

  [[nodiscard]] std::uint64_t sectors() const { return keys_.size(); }
  void hold(std::uint64_t sector, std::uint64_t count, std::uint64_t key);
  // The one thing that all of them hold; kUnknown when they do not.
  [[nodiscard]] std::uint64_t of(std::uint64_t sector, std::uint64_t count) const;

 private:
  std::vector<std::uint64_t> keys_;
};

// Requests that may be in the device at the same time, in any order: none may touch what another one changes.
class Overlaps {
 public:
  void clear() { ranges_.clear(); }
  [[nodiscard]] bool conflict(std::uint64_t sector, std::uint64_t count, bool changes) const;
  void add(std::uint64_t sector, std::uint64_t count, bool changes) { ranges_.push_back({sector, count, changes}); }
  [[nodiscard]] std::size_t count() const { return ranges_.size(); }

 private:
  struct Range {
    std::uint64_t sector;
    std::uint64_t count;
    bool changes;
  };
  std::vector<Range> ranges_;
};

}  // namespace ringside::programs
