// Sleeping until a device has used something: by interrupt or by polling, on one queue or on several.
//
// Interrupts are counters, and machine::wait watches one of them. So queues that share a vector are waited for
// together, and one queue on its own vector. Queues on different vectors are waited for by looking at them in turn,
// with hal::Machine::relax in between; their interrupts are asked for all the same, since they may be what ends a
// relax.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/controller.h"
#include "driver/block/request_queue.h"
#include "driver/hal/machine.h"

namespace ringside::block {

enum class Woken : std::uint8_t {
  look,     // there may be something to take; nothing to decide
  expired,  // a deadline has passed, and the request is not done
  inspect,  // an interrupt that no used buffer explains
  recheck,  // one that came while nobody waited; what was used then may have been taken before
};

template <class Ring>
class CompletionWait {
 public:
  CompletionWait(hal::Machine& machine, const Controller& controller, Counters& counters);

  // Until something is used on one of `queues` (`count` more, when it is one queue with an event index), a deadline
  // among them has passed, or something else happened. `all` are the device's queues.
  [[nodiscard]] Woken sleep(QueueRange<Ring> queues, QueueRange<Ring> all, std::size_t count);

 private:
  // Of an interrupt that came without a used buffer: did it come before we slept, or end our sleep?
  enum class Doubt : std::uint8_t { none, before, awake };

  [[nodiscard]] Woken sleep_by_looking(QueueRange<Ring> queues);
  [[nodiscard]] Woken wait_for_interrupt(QueueRange<Ring> queues, QueueRange<Ring> all, unsigned vector,
                                         std::uint64_t seen);
  [[nodiscard]] Woken sleep_through_storm(QueueRange<Ring> queues);
  [[nodiscard]] bool explained(QueueRange<Ring> queues, QueueRange<Ring> all, unsigned vector) const;
  [[nodiscard]] bool overdue(QueueRange<Ring> queues, std::uint64_t now) const;
  void begin_doubt(Doubt doubt, std::uint64_t now);
  [[nodiscard]] Woken explain(std::uint64_t now, bool woken);
  [[nodiscard]] Woken at_deadline(QueueRange<Ring> queues, std::uint64_t now, bool by_interrupt);
  void arm(QueueRange<Ring> queues, std::size_t count);
  [[nodiscard]] bool share_a_vector(QueueRange<Ring> queues) const;
  [[nodiscard]] std::uint64_t settle_interrupts(unsigned vector);
  [[nodiscard]] bool configuration_interrupt();

  hal::Machine* machine_;
  const Controller& controller_;
  Counters& counters_;
  std::uint64_t settled_ = 0;      // interrupts that were dealt with, when one vector tells of everything
  std::uint64_t config_seen_ = 0;  // those of the configuration, when it has a vector to itself
  std::uint64_t explain_by_ = 0;   // when the last one counts as one about something else
  Doubt doubt_ = Doubt::none;
  unsigned wakes_for_nothing_ = 0;  // in a row, as of the last that something explained
  bool nobody_there_ = false;       // the last interrupt was acknowledged by nobody
};

}  // namespace ringside::block
