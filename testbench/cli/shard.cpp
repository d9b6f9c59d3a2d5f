#include "testbench/cli/shard.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

constexpr std::size_t kMostShards = 10'000;

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = error == std::errc{} && end == text.data() + text.size() && value >= 1 && value <= kMostShards;
  return good ? std::optional(value) : std::nullopt;
}

}  // namespace

Shard Shard::parse(const std::string& text) {
  if (text.empty()) {
    return {};
  }
  const std::string_view whole = text;
  const std::size_t slash = whole.find('/');
  const auto one = whole_number(whole.substr(0, slash));
  const auto of = slash == std::string_view::npos ? std::nullopt : whole_number(whole.substr(slash + 1));
  if (!one || !of || *one > *of) {
    throw targets::InputError(
        fmt::format("--shard {}: expected I/N, as in 2/8, with I from 1 to N and N at most {}", text, kMostShards));
  }
  return {*one, *of};
}

}  // namespace ringside::cli
