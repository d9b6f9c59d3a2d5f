// "Did you mean": the candidate nearest to a mistyped word.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ringside::targets {

// Empty when nothing is near enough to be worth suggesting.
[[nodiscard]] std::string near_name(std::string_view word, std::span<const std::string> candidates);

// ` (did you mean "X"?)`, or nothing.
[[nodiscard]] std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace ringside::targets
