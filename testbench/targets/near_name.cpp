#include "testbench/targets/near_name.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace ringside::targets {
namespace {

constexpr std::size_t kLongestWord = 64;  // a longer one is no typing mistake, and the distance is quadratic

// Levenshtein's: insertions, deletions and replacements that make one word of the other.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string near_name(std::string_view word, std::span<const std::string> candidates) {
  if (word.size() > kLongestWord) {
    return {};
  }
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const bool starts_so = word.size() >= 2 && candidate.starts_with(word);
    const std::size_t distance = starts_so ? 0 : edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, std::span<const std::string> candidates) {
  const std::string near = near_name(word, candidates);
  return near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near);
}

}  // namespace ringside::targets
