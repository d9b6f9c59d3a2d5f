// Where each deliberate mistake shows best, and why those that a comparison cannot see are out of its sight.
#pragma once

#include <span>
#include <string_view>

namespace ringside::cli {

struct MutantNote {
  const char* name;
  const char* shows_in;              // a case of `ringside regress`, tried first; empty: left to campaigns
  const char* out_of_sight = "";     // of compare: why
  const char* not_by_campaign = "";  // of the driver's: why no fault campaign finds it, or makes it small
};

// Null for one that nobody has written down yet.
[[nodiscard]] const MutantNote* note_on(std::string_view mutant);

// All of driver/hal/mutant.h.
[[nodiscard]] std::span<const MutantNote> notes_on_driver();

}  // namespace ringside::cli
