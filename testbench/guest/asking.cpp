#include "testbench/guest/asking.h"

#include <atomic>

#include "testbench/guest/bell.h"
#include "testbench/guest/clock.h"
#include "testbench/guest/cpu.h"
#include "testbench/guest/interrupts.h"

namespace ringside::guest {

std::uint64_t Asking::ask(scenarios::Ask what, std::uint64_t argument) {
  constexpr std::uint64_t kNap = 100'000;  // ns
  box_.ask_what = static_cast<std::uint32_t>(what);
  box_.ask_argument = argument;
  const std::uint32_t sequence = box_.ask_sequence + 1;
  // Release: the question is there when its number is. The answer is there when its number is: acquire.
  std::atomic_ref(box_.ask_sequence).store(sequence, std::memory_order_release);
  ring_bell(Ring::asked);
  while (std::atomic_ref(box_.answer_sequence).load(std::memory_order_acquire) != sequence) {
    disable_interrupts();
    sleep_until(now() + kNap);
  }
  return box_.answer;
}

}  // namespace ringside::guest
