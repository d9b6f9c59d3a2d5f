#include "driver/block/completion_wait.h"

#include <utility>

#include "driver/hal/memory.h"
#include "driver/hal/mutant.h"

namespace ringside::block {
namespace {

// An interrupt may announce what the driver has already taken; used buffers that it does not yet see follow soon. When
// they do not, the interrupt was about something else. Also how long a driver that sleeps on a queue's own vector
// leaves the configuration's out of sight.
constexpr std::uint64_t kExplanationTime = 200 * hal::kMillisecond;

// So many wakes in a row that nothing explains, and the driver looks for itself: a line that is stuck, or a device that
// does nothing but interrupt, would otherwise have the CPU to itself until a deadline.
constexpr unsigned kStorm = 64;

constexpr std::uint64_t earlier(std::uint64_t a, std::uint64_t b) { return a < b ? a : b; }

}  // namespace

template <class Ring>
CompletionWait<Ring>::CompletionWait(hal::Machine& machine, const Controller& controller, Counters& counters)
    : machine_(&machine), controller_(controller), counters_(counters) {
  const Interrupts& interrupts = controller_.interrupts();
  if (interrupts.per_queue()) {
    config_seen_ = machine.interrupts(interrupts.config_vector());
  } else if (interrupts.completion() != Completion::polled) {
    settled_ = machine.interrupts(interrupts.queue_vector(0));
  }
  if (interrupts.completion() == Completion::intx) {
    // Who used the line before us may have left it masked. Our device has just been reset and has nothing to tell, so
    // its ISR is not read.
    machine.acknowledge(interrupts.queue_vector(0));
  }
}

template <class Ring>
Woken CompletionWait<Ring>::sleep(QueueRange<Ring> queues, QueueRange<Ring> all, std::size_t count) {
  if (queues.in_flight() == 0) {
    return Woken::look;  // only refused requests are left, and those need no device
  }
  if (controller_.interrupts().completion() == Completion::polled) {
    machine_->relax(queues.earliest());
    return at_deadline(queues, machine_->now(), false);
  }
  if (!share_a_vector(queues)) {
    return sleep_by_looking(queues);
  }
  if (wakes_for_nothing_ >= kStorm) {
    return sleep_through_storm(queues);
  }
  // Counter first, then arm, then look once more: whatever happens in between is seen by one of the three.
  const unsigned vector = controller_.interrupts().queue_vector(queues.first->number());
  const std::uint64_t before = settled_;
  const std::uint64_t seen = settle_interrupts(vector);
  const bool nobody_there = std::exchange(nobody_there_, false);
  arm(queues, count);
  if (!hal::mutant(hal::Mutant::not_looked_after_arming) && queues.any_used()) {
    doubt_ = Doubt::none;
    return Woken::look;
  }
  if (nobody_there && !overdue(queues, machine_->now())) {
    return Woken::inspect;
  }
  if (settled_ != before) {
    begin_doubt(Doubt::before, machine_->now());
  }
  return wait_for_interrupt(queues, all, vector, seen);
}

template <class Ring>
bool CompletionWait<Ring>::share_a_vector(QueueRange<Ring> queues) const {
  const Interrupts& interrupts = controller_.interrupts();
  return interrupts.queue_vector(queues.first->number()) == interrupts.queue_vector((queues.last - 1)->number());
}

template <class Ring>
void CompletionWait<Ring>::arm(QueueRange<Ring> queues, std::size_t count) {
  const bool one = queues.last - queues.first == 1;
  for (RequestQueue<Ring>& queue : queues) {
    const std::uint16_t flying = queue.in_flight();
    if (flying != 0) {
      queue.arm(one && count < flying ? static_cast<std::uint16_t>(count) : one ? flying : std::uint16_t{1});
    }
  }
}

template <class Ring>
Woken CompletionWait<Ring>::sleep_by_looking(QueueRange<Ring> queues) {
  arm(queues, 1);
  // Before the relax: an interrupt that has come already ends none.
  if (!overdue(queues, machine_->now()) && configuration_interrupt()) {
    return Woken::inspect;
  }
  if (!queues.any_used()) {
    machine_->relax(queues.earliest());
  }
  return at_deadline(queues, machine_->now(), false);
}

// Nothing is acknowledged, so a line stays masked. Once something is used the interrupts are given a trial: one more
// that nothing explains, and it is a storm again.
template <class Ring>
Woken CompletionWait<Ring>::sleep_through_storm(QueueRange<Ring> queues) {
  if (!queues.any_used()) {
    machine_->relax(earlier(queues.earliest(), explain_by_));
  }
  const std::uint64_t now = machine_->now();
  if (now >= queues.earliest()) {
    return at_deadline(queues, now, false);
  }
  if (queues.any_used()) {
    wakes_for_nothing_ = kStorm - 1;
    return Woken::look;
  }
  if (now < explain_by_ && !configuration_interrupt()) {
    return Woken::look;
  }
  explain_by_ = now + kExplanationTime;
  return Woken::inspect;
}

// The counter up to which interrupts have been dealt with, where one vector tells of everything. An INTx that came
// while nobody waited is acknowledged here: its line stays masked until then, and the next one would never be seen.
template <class Ring>
std::uint64_t CompletionWait<Ring>::settle_interrupts(unsigned vector) {
  const std::uint64_t count = machine_->interrupts(vector);
  if (count != settled_ && !controller_.interrupts().per_queue()) {
    settled_ = count;
    if (controller_.interrupts().completion() == Completion::intx) {
      nobody_there_ = !controller_.acknowledge_interrupt();
    }
  }
  return count;
}

template <class Ring>
bool CompletionWait<Ring>::configuration_interrupt() {
  if (!controller_.interrupts().per_queue()) {
    return false;  // it cannot be told from the others
  }
  const std::uint64_t count = machine_->interrupts(controller_.interrupts().config_vector());
  const bool news = count != config_seen_;
  config_seen_ = count;
  return news;
}

template <class Ring>
bool CompletionWait<Ring>::overdue(QueueRange<Ring> queues, std::uint64_t now) const {
  return now >= queues.earliest() && !hal::mutant(hal::Mutant::deadline_behind_changes);
}

// By something used on one of `queues`; or on another queue that raises the vector too, and is not ours to take from.
template <class Ring>
bool CompletionWait<Ring>::explained(QueueRange<Ring> queues, QueueRange<Ring> all, unsigned vector) const {
  if (queues.any_used()) {
    return true;
  }
  for (RequestQueue<Ring>& queue : all) {
    const bool other = &queue < queues.first || &queue >= queues.last;
    if (other && controller_.interrupts().queue_vector(queue.number()) == vector && queue.look() != 0) {
      return true;
    }
  }
  return false;
}

// A line that is stuck wakes at once, again and again: so deadlines are looked at after a wake for nothing too.
template <class Ring>
Woken CompletionWait<Ring>::wait_for_interrupt(QueueRange<Ring> queues, QueueRange<Ring> all, unsigned vector,
                                               std::uint64_t seen) {
  std::uint64_t deadline = queues.earliest();
  if (doubt_ != Doubt::none) {
    deadline = earlier(deadline, explain_by_);
  }
  if (controller_.interrupts().per_queue()) {
    deadline = earlier(deadline, machine_->now() + kExplanationTime);
  }
  const bool woken = machine_->wait(vector, seen, deadline);
  // First, or a queue that is never idle would keep it from us; but not before a deadline, or a configuration that
  // never rests would keep that from us.
  if (!overdue(queues, machine_->now()) && configuration_interrupt()) {
    return Woken::inspect;
  }
  if (woken) {
    static_cast<void>(settle_interrupts(vector));
    const bool nobody_there = std::exchange(nobody_there_, false);
    if (explained(queues, all, vector)) {
      doubt_ = Doubt::none;
      wakes_for_nothing_ = 0;
      return Woken::look;
    }
    // The line of a device that has left may stay high: to wait for an explanation would be to wake for nothing, again
    // and again. Not beyond a deadline: a device whose ISR alone reads so is there.
    if (nobody_there && !overdue(queues, machine_->now())) {
      return Woken::inspect;
    }
  }
  const std::uint64_t now = machine_->now();
  if (now >= queues.earliest()) {
    return at_deadline(queues, now, true);
  }
  // Found in passing, by one who was up for another reason: nobody had said so.
  counters_.lost_interrupts += !woken && queues.any_used() ? 1 : 0;
  return explain(now, woken);
}

template <class Ring>
Woken CompletionWait<Ring>::explain(std::uint64_t now, bool woken) {
  if (woken) {
    begin_doubt(Doubt::awake, now);
    counters_.spurious_interrupts += ++wakes_for_nothing_ == kStorm ? 1 : 0;
  }
  if (doubt_ == Doubt::none || now < explain_by_) {
    return Woken::look;
  }
  const Woken verdict = doubt_ == Doubt::awake ? Woken::inspect : Woken::recheck;
  doubt_ = Doubt::none;
  return verdict;
}

// Interrupts that follow the first one put the answer off no longer.
template <class Ring>
void CompletionWait<Ring>::begin_doubt(Doubt doubt, std::uint64_t now) {
  if (doubt_ == Doubt::none) {
    explain_by_ = now + kExplanationTime;
  }
  doubt_ = doubt_ == Doubt::awake ? Doubt::awake : doubt;
}

template <class Ring>
Woken CompletionWait<Ring>::at_deadline(QueueRange<Ring> queues, std::uint64_t now, bool by_interrupt) {
  if (now < queues.earliest()) {
    return Woken::look;
  }
  if (queues.any_used()) {
    // The work is done, only nobody said so. A line may still be high, and must be lowered and re-armed as if the
    // interrupt had come, or none would ever come again.
    counters_.lost_interrupts += by_interrupt ? 1 : 0;
    controller_.acknowledge_interrupt();
    return Woken::look;
  }
  for (RequestQueue<Ring>& queue : queues) {
    queue.refresh_earliest(now, 0);
  }
  return queues.earliest() <= now ? Woken::expired : Woken::look;
}

template class CompletionWait<virtio::SplitQueue<hal::Plain>>;
template class CompletionWait<virtio::SplitQueue<hal::Observed>>;
template class CompletionWait<virtio::PackedQueue<hal::Plain>>;
template class CompletionWait<virtio::PackedQueue<hal::Observed>>;

}  // namespace ringside::block
