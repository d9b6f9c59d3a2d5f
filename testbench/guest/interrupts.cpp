// Compiled without SSE: handlers run in the midst of code that uses it.
#include "testbench/guest/interrupts.h"

#include "testbench/guest/clock.h"
#include "testbench/guest/cpu.h"
#include "testbench/guest/crash.h"
#include "testbench/guest/interrupt_lines.h"
#include "testbench/guest/local_apic.h"

namespace ringside::guest {
namespace {

constexpr unsigned kFirstMessageVector = 0x40;  // as the CPU sees it
static_assert(kFirstMessageVector >= kFirstLineVector + kLines);
static_assert(kFirstMessageVector + kMsiVectors <= (kTimerVector & 0xf0u));

// Written by handlers only.
std::uint64_t g_messages[kMsiVectors];
std::uint64_t g_lines[kLines];

// When the timer will fire; kNever: it is not running. Moves in handlers, and with interrupts disabled.
constexpr std::uint64_t kNever = ~std::uint64_t{0};
std::uint64_t g_timer_fires = kNever;

void count(std::uint64_t& counter) { __atomic_store_n(&counter, counter + 1, __ATOMIC_RELEASE); }

bool is_line(unsigned vector) { return vector >= hal::kFirstLineVector; }

unsigned index_of(unsigned vector) {
  const unsigned index = is_line(vector) ? vector - hal::kFirstLineVector : vector;
  if (index >= (is_line(vector) ? kLines : kMsiVectors)) {
    panic("the driver named an interrupt vector that this machine does not have");
  }
  return index;
}

// At least one: none would stop the timer.
std::uint32_t ticks_until(std::uint64_t deadline) {
  const std::uint64_t time = now();
  const std::uint64_t ticks = time < deadline ? timer_ticks(deadline - time) + 1 : 1;
  return ticks < kMostTicks ? static_cast<std::uint32_t>(ticks) : kMostTicks;
}

}  // namespace

void start_interrupts(bool deaf) {
  start_lines();
  start_local_apic(deaf);
}

hal::MsiMessage message_of(unsigned vector) {
  if (is_line(vector)) {
    panic("the driver wants messages for an interrupt vector that is a line");
  }
  return {kMessageAddress, kFirstMessageVector + index_of(vector)};
}

// Acquire: what the device wrote before its interrupt is visible after it.
std::uint64_t interrupt_count(unsigned vector) {
  const unsigned index = index_of(vector);
  return __atomic_load_n(is_line(vector) ? &g_lines[index] : &g_messages[index], __ATOMIC_ACQUIRE);
}

void acknowledge_interrupt(unsigned vector) {
  if (is_line(vector)) {
    disable_interrupts();  // the handler changes the same mask
    rearm_line(index_of(vector));
    enable_interrupts();
  }
}

// The timer mostly runs already, for an earlier sleep whose deadline was not reached: that ends this one early, and the
// next begins with a timer of its own. So it is not set for every sleep.
void sleep_until(std::uint64_t deadline) {
  if (g_timer_fires > deadline) {
    g_timer_fires = deadline;
    start_timer(ticks_until(deadline));
  }
  enable_interrupts_and_halt();
}

extern "C" void ringside_guest_interrupt(std::uint64_t vector) {
  if (vector - kFirstMessageVector < kMsiVectors) {
    count(g_messages[vector - kFirstMessageVector]);
    end_of_interrupt();
  } else if (vector - kFirstLineVector < kLines) {
    const auto line = static_cast<unsigned>(vector - kFirstLineVector);
    if (deliver_line(line)) {
      count(g_lines[line]);
    }
  } else if (vector == kTimerVector) {
    g_timer_fires = kNever;
    end_of_interrupt();
  } else if (vector != kSpuriousVector) {
    panic("an interrupt came by a vector that nobody was given");
  }
}

}  // namespace ringside::guest
