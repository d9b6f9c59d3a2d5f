#include "testbench/cli/shard.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

constexpr std::size_t kMostShards = 10'000;

// 0 for what is no number from 1 to kMostShards.
std::size_t whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = error == std::errc{} && end == text.data() + text.size() && value <= kMostShards;
  return good ? value : 0;
}

}  // namespace

Shard Shard::parse(const std::string& text) {
  if (text.empty()) {
    return {};
  }
  const std::string_view whole = text;
  const std::size_t slash = std::min(whole.find('/'), whole.size());
  const Shard shard{whole_number(whole.substr(0, slash)),
                    whole_number(whole.substr(std::min(slash + 1, whole.size())))};
  if (shard.number == 0 || shard.of == 0 || shard.number > shard.of) {
    throw targets::InputError(
        fmt::format("--shard {}: expected I/N, as in 2/8, with I from 1 to N and N at most {}", text, kMostShards));
  }
  return shard;
}

}  // namespace ringside::cli
