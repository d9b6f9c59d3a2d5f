// Where a debugger gets hold of a run: it sets its breakpoint on ringside_debug_stop, and the run calls that when the
// event has come that the debugger waits for.
#pragma once

#include <cstdint>

#include "testbench/trace/event.h"
#include "testbench/trace/record.h"

extern "C" {
// Does nothing.
void ringside_debug_stop();
// How often it has been called.
extern volatile unsigned ringside_debug_stops;
// What is called next, when the stop is before a function, else null: for the debugger's second breakpoint.
extern const void* volatile ringside_debug_next;
}

namespace ringside::trace {

inline void stop_here() {
  ringside_debug_stops = ringside_debug_stops + 1;
  ringside_debug_stop();
}

// Stops before a function that is called next.
template <class Function>
void stop_before(Function* function) {
  ringside_debug_next = reinterpret_cast<const void*>(function);
  stop_here();
  ringside_debug_next = nullptr;
}

// Passes records on and stops when the event is among them; its record is the last that has been written then.
class StopAtEvent final : public Sink {
 public:
  StopAtEvent(Sink& sink, const Event& event) : sink_(sink), event_(event) {}
  void append(const Record& record) override;

 private:
  Sink& sink_;
  Event event_;
  std::uint64_t seen_ = 0;
};

}  // namespace ringside::trace
