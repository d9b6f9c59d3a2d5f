// Which requirements a QEMU breaks by what it is known to do otherwise: the names are those of the model's quirks,
// which have the versions. What a monitor finds on a device with that quirk is then explained.
#pragma once

#include <span>
#include <string_view>

namespace ringside::checks {

struct Departure {
  std::string_view quirk;
  std::string_view clause;  // as monitors name it
};
[[nodiscard]] std::span<const Departure> known_departures();

}  // namespace ringside::checks
