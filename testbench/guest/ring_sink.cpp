#include "testbench/guest/ring_sink.h"

#include <atomic>

#include "testbench/guest/bell.h"
#include "testbench/guest/cpu.h"

namespace ringside::guest {

void RingSink::append(const trace::Record& record) {
  wait_for_room();
  reinterpret_cast<trace::Record*>(kEventsBase)[produced_ % kEventCapacity] = record;
  ++produced_;
  // Release: pairs with the bench's acquire, so that it sees the record that is counted.
  std::atomic_ref(box_.events_produced).store(produced_, std::memory_order_release);
}

// Acquire: what the bench has consumed it has read, and may be overwritten.
void RingSink::wait_for_room() {
  const std::atomic_ref consumed(box_.events_consumed);
  const std::uint64_t filled = produced_ - consumed.load(std::memory_order_acquire);
  if (filled == kEventCapacity / 2 || filled >= kEventCapacity) {
    ring_bell(Ring::events);
  }
  while (produced_ - consumed.load(std::memory_order_acquire) >= kEventCapacity) {
    pause();
  }
}

}  // namespace ringside::guest
