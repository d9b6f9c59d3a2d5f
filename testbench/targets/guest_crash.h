// What is said of a guest that crashed or hangs: where it was, by registers and by the frames on its stack.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "testbench/guest/mailbox.h"
#include "testbench/targets/guest_symbols.h"

namespace ringside::targets {

// Addresses of code, the innermost first: the instruction pointer, then the calls that led there. Follows frame
// pointers through `ram`, which begins at address 0, and stops where they make no sense.
[[nodiscard]] std::vector<std::uint64_t> call_chain(std::span<const std::uint8_t> ram,
                                                    const guest::Registers& registers);

// "<what>, in <function> (<file>:<line>)", the calls, the registers. Lines after the first begin with two blanks.
[[nodiscard]] std::string crash_report(const std::string& what, std::span<const std::uint8_t> ram,
                                       const guest::Registers& registers, const GuestSymbols& symbols);

}  // namespace ringside::targets
