// What one shard of several takes of things that have names.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "testbench/cli/shard.h"
#include "testbench/targets/target.h"

namespace ringside::cli {

// By the order of their names, so that in whichever order things are named, shards are disjoint and complete. What is
// left is in the order it was in. `name_of(thing)` is a string. Throws targets::InputError when nothing is left.
template <class Thing, class NameOf>
[[nodiscard]] std::vector<Thing> sharded(const std::vector<Thing>& all, const Shard& shard, NameOf&& name_of) {
  if (shard.whole()) {
    return all;
  }
  std::vector<std::pair<std::string, std::size_t>> ranked;
  for (std::size_t i = 0; i < all.size(); ++i) {
    ranked.emplace_back(name_of(all[i]), i);
  }
  std::ranges::sort(ranked);
  std::vector<std::size_t> taken;
  for (std::size_t rank = 0; rank < ranked.size(); ++rank) {
    if (shard.takes(rank)) {
      taken.push_back(ranked[rank].second);
    }
  }
  if (taken.empty()) {
    throw targets::InputError(
        fmt::format("--shard {}/{}: nothing is left for it: {} selected in all", shard.number, shard.of, all.size()));
  }
  std::ranges::sort(taken);
  std::vector<Thing> result;
  result.reserve(taken.size());
  for (const std::size_t index : taken) {
    result.push_back(all[index]);
  }
  return result;
}

}  // namespace ringside::cli
