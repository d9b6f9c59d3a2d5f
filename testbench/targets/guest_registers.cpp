#include "testbench/targets/guest_registers.h"

#include <array>
#include <cctype>
#include <charconv>
#include <string>
#include <utility>

namespace ringside::targets {
namespace {

using guest::Registers;

// As a 64-bit CPU has them; before that it prints EAX in the place of RAX.
constexpr std::array kNames{
    std::pair{"RAX", &Registers::rax}, std::pair{"RBX", &Registers::rbx}, std::pair{"RCX", &Registers::rcx},
    std::pair{"RDX", &Registers::rdx}, std::pair{"RSI", &Registers::rsi}, std::pair{"RDI", &Registers::rdi},
    std::pair{"RBP", &Registers::rbp}, std::pair{"RSP", &Registers::rsp}, std::pair{"R8 ", &Registers::r8},
    std::pair{"R9 ", &Registers::r9},  std::pair{"R10", &Registers::r10}, std::pair{"R11", &Registers::r11},
    std::pair{"R12", &Registers::r12}, std::pair{"R13", &Registers::r13}, std::pair{"R14", &Registers::r14},
    std::pair{"R15", &Registers::r15}, std::pair{"RIP", &Registers::rip}, std::pair{"RFL", &Registers::rflags},
    std::pair{"CR2", &Registers::cr2}, std::pair{"CR3", &Registers::cr3},
};

std::optional<std::uint64_t> value_of(std::string_view text, std::string_view name) {
  const std::string wanted = std::string(name) + "=";
  const std::size_t at = text.find(wanted);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const char* const begin = text.data() + at + wanted.size();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value, 16);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<Registers> parse_registers(std::string_view text) {
  Registers registers{};
  for (const auto& [name, member] : kNames) {
    std::string other(name);
    other[0] = 'E';
    registers.*member = value_of(text, name).value_or(value_of(text, other).value_or(0));
  }
  const bool found = value_of(text, "RIP") || value_of(text, "EIP");
  return found ? std::optional(registers) : std::nullopt;
}

}  // namespace ringside::targets
