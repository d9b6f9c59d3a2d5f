#include "testbench/trace/debug_stop.h"

volatile unsigned ringside_debug_stops = 0;
const void* volatile ringside_debug_next = nullptr;

// Not inlined, and not seen to be empty: the debugger finds it by its name, and where it is called.
[[gnu::noinline, gnu::used]] void ringside_debug_stop() { asm volatile("" ::: "memory"); }

namespace ringside::trace {

void StopAtEvent::append(const Record& record) {
  sink_.append(record);
  if (matches(event_, record) && ++seen_ == event_.nth) {
    stop_here();
  }
}

}  // namespace ringside::trace
