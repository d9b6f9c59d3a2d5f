// The end of a run that cannot go on: how it was goes into the mailbox, and the CPU halts for good.
#pragma once

#include <cstdint>

namespace ringside::guest {

// The guest's own code gives up: it is told where, by the registers of the caller.
[[noreturn]] void panic(const char* text);

// What entries.S pushes, below what the CPU pushed (Intel SDM, volume 3, 6.14.2).
struct ExceptionFrame {
  std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
  std::uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
  std::uint64_t vector, error;
  std::uint64_t rip, cs, rflags, rsp, ss;
};

}  // namespace ringside::guest
