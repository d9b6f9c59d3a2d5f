// How the time of a served function goes.
#pragma once

#include <cstdint>

namespace ringside::serve {

enum class Pace : std::uint8_t {
  free,  // what it has begun is over at once: its time goes as fast as the simulation does
  real,  // as the time of the world does, in which its client lives
};

}  // namespace ringside::serve
