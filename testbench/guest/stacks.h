// The stacks of boot.S, and the page below each that nothing is mapped at: running over ends there and not in data.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace ringside::guest {

extern "C" {
extern std::uint8_t main_stack_guard[];
extern std::uint8_t fault_stack_guard[];
extern std::uint8_t fault_stack_top[];  // exceptions
extern std::uint8_t interrupt_stack_guard[];
extern std::uint8_t interrupt_stack_top[];
}

inline constexpr std::uint64_t kPage = 4096;

[[nodiscard]] inline bool in_stack_guard(std::uint64_t address) {
  for (const std::uint8_t* guard : {main_stack_guard, fault_stack_guard, interrupt_stack_guard}) {
    if (address - reinterpret_cast<std::uint64_t>(guard) < kPage) {
      return true;
    }
  }
  return false;
}

}  // namespace ringside::guest
