#include "testbench/trace/debug_stop.h"

const void* volatile ringside_debug_next = nullptr;

// Not inlined and never merged or emptied: the debugger finds it by its name.
[[gnu::noinline, gnu::noipa, gnu::used]] void ringside_debug_stop() { asm volatile("" ::: "memory"); }

namespace ringside::trace {

void StopAtEvent::append(const Record& record) {
  sink_.append(record);
  if (matches(event_, record) && ++seen_ == event_.nth) {
    ringside_debug_stop();
  }
}

}  // namespace ringside::trace
