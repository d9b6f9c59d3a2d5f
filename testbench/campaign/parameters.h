// What a campaign is, apart from how fast it is done: its result depends on nothing else. Kept beside the results, so
// that a campaign can be resumed and merged with its other shards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "testbench/faults/plan.h"

namespace ringside::campaign {

// Seeds [first, end).
struct Seeds {
  std::uint64_t first = 0;
  std::uint64_t end = 0;

  // "A..B": both are run. One number is that seed alone. Throws targets::InputError.
  [[nodiscard]] static Seeds parse(const std::string& text);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::uint64_t count() const { return end - first; }
};

struct Parameters {
  Seeds seeds;
  std::string target = "model";
  // Below it a seed is one fault at one opportunity; then combinations; then swarm.
  std::uint64_t systematic_until = 0;
  std::uint64_t random_until = 0;
  std::string plan;     // the text of --faults: one plan for all seeds; empty: a plan for each
  std::string version;  // of Ringside

  // Where the boundaries lie unless somebody says so: every fault at each of the first opportunities of every kind.
  void set_default_boundaries();

  // As a file, and back. parse throws trace::FileError.
  [[nodiscard]] std::string print() const;
  [[nodiscard]] static Parameters parse(const std::string& text, const std::string& path);
  // The first thing in which they differ, in words; empty when results of one are results of the other. `seeds` counts.
  [[nodiscard]] std::string difference(const Parameters& other) const;
};

}  // namespace ringside::campaign
