#include "testbench/campaign/outcome.h"

#include <algorithm>
#include <array>

namespace ringside::campaign {
namespace {

constexpr std::array<std::string_view, kOutcomes> kNames = {
    "not-fired", "unnoticed",   "counted", "error",       "replayed",    "reset",     "refused", "given-up",
    "removed",   "power-lost",  "misled",  "hung",        "late",        "corrupted", "crashed", "spun",
    "leak",      "stray-write", "monitor", "calm-failed", "unaccounted", "broken"};

}  // namespace

std::string_view to_string(Outcome outcome) { return kNames[static_cast<std::size_t>(outcome)]; }

std::optional<Outcome> outcome_named(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  return found == kNames.end() ? std::nullopt : std::optional(static_cast<Outcome>(found - kNames.begin()));
}

}  // namespace ringside::campaign
