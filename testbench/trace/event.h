// One event of a run by its logical name: the n-th record of a kind, of a queue of a device. So said it means the same
// on every target, and survives a change of speed. Freestanding, because a bare-metal guest looks for them too.
#pragma once

#include <cstdint>

#include "testbench/trace/record.h"

namespace ringside::trace {

struct Event {
  Kind kind = Kind::none;
  std::uint64_t nth = 1;
  std::uint8_t unit = 0;    // of a record that belongs to a device
  std::uint16_t queue = 0;  // of a record that belongs to a queue
};

// A record that belongs to no device or to no queue is one event for all of them.
[[nodiscard]] constexpr bool is_of_a_unit(Kind kind) {
  return kind <= Kind::msix_vector || (kind >= Kind::avail_publish && kind <= Kind::avail_flags);
}

[[nodiscard]] constexpr bool is_of_a_queue(Kind kind) {
  return (kind >= Kind::doorbell && kind <= Kind::queue_disabled) ||
         (kind >= Kind::avail_publish && kind <= Kind::avail_flags);
}

// Is the record one of those among which the event is the n-th?
[[nodiscard]] constexpr bool matches(const Event& event, const Record& record) {
  return record.tap == Tap::driver && record.kind == event.kind &&
         (record.unit == event.unit || !is_of_a_unit(event.kind)) &&
         (record.queue == event.queue || !is_of_a_queue(event.kind));
}

}  // namespace ringside::trace
