// std::has_single_bit asks libgcc for a population count, which a freestanding link does not have.
#pragma once

#include <concepts>

namespace ringside::hal {

template <std::unsigned_integral T>
[[nodiscard]] constexpr bool is_power_of_two(T value) {
  return value != 0 && (value & (value - 1)) == 0;
}

}  // namespace ringside::hal
