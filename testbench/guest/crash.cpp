#include "testbench/guest/crash.h"

#include <cstddef>
#include <cstring>
#include <iterator>
#include <string_view>

#include "driver/hal/text.h"
#include "testbench/guest/bell.h"
#include "testbench/guest/cpu.h"
#include "testbench/guest/mailbox.h"
#include "testbench/guest/stacks.h"

namespace ringside::guest {
namespace {

constexpr std::uint64_t kPageFault = 14;
constexpr std::uint64_t kWrite = 2;  // in a page fault's error code
constexpr std::uint64_t kFetch = 16;

// Intel SDM, volume 3, table 6-1.
constexpr const char* kNames[] = {
    "division error",
    "debug exception",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid opcode",
    "no coprocessor",
    "double fault",
    "coprocessor overrun",
    "invalid TSS",
    "segment not present",
    "stack-segment fault",
    "general protection",
    "page fault",
    "reserved exception",
    "floating-point error",
    "alignment check",
    "machine check",
    "SIMD floating-point error",
};

[[noreturn]] void give_up(std::string_view text, const Registers& registers) {
  Mailbox& box = mailbox();
  constexpr std::size_t kMost = sizeof(box.crash_text) - 1;
  const std::size_t taken = text.size() < kMost ? text.size() : kMost;
  std::memcpy(box.crash_text, text.data(), taken);
  box.crash_text[taken] = '\0';
  box.crash = registers;
  end_work(State::crashed);
}

std::uint64_t read_cr2() {
  std::uint64_t value;
  asm volatile("mov %%cr2, %0" : "=r"(value));
  return value;
}

std::uint64_t read_cr3() {
  std::uint64_t value;
  asm volatile("mov %%cr3, %0" : "=r"(value));
  return value;
}

Registers registers_of(const ExceptionFrame& frame) {
  return {frame.rax, frame.rbx,    frame.rcx,  frame.rdx,  frame.rsi,    frame.rdi,  frame.rbp, frame.rsp,
          frame.r8,  frame.r9,     frame.r10,  frame.r11,  frame.r12,    frame.r13,  frame.r14, frame.r15,
          frame.rip, frame.rflags, read_cr2(), read_cr3(), frame.vector, frame.error};
}

hal::Line page_fault_text(std::uint64_t address, std::uint64_t error) {
  hal::Line line;
  if (in_stack_guard(address)) {
    return line.text("stack overflow: nothing is mapped at ").hex(address, 1);
  }
  const char* const doing = (error & kFetch) != 0 ? "executing" : (error & kWrite) != 0 ? "writing" : "reading";
  return line.text("page fault: ").text(doing).text(" at ").hex(address, 1);
}

}  // namespace

// Not inlined: the frame is the caller's, whose address the return address tells.
[[gnu::noinline]] void panic(const char* text) {
  disable_interrupts();
  const auto* const frame = static_cast<const std::uint64_t*>(__builtin_frame_address(0));
  Registers registers{};
  registers.rbp = frame[0];
  registers.rsp = reinterpret_cast<std::uint64_t>(frame + 2);
  // In the call, not behind it: a function that ends with a call of this one ends there.
  registers.rip = frame[1] - 1;
  registers.cr3 = read_cr3();
  registers.vector = kPanic;
  give_up(text, registers);
}

extern "C" [[noreturn]] void ringside_guest_exception(const ExceptionFrame& frame) {
  const Registers registers = registers_of(frame);
  if (frame.vector == kPageFault) {
    const hal::Line line = page_fault_text(registers.cr2, frame.error);
    give_up({line.data(), line.size()}, registers);
  }
  give_up(frame.vector < std::size(kNames) ? kNames[frame.vector] : "reserved exception", registers);
}

}  // namespace ringside::guest
