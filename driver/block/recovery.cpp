#include "driver/block/recovery.h"

#include "driver/hal/memory.h"
#include "driver/hal/mutant.h"
#include "driver/hal/text.h"
#include "driver/virtio/spec.h"

namespace ringside::block {

using hal::mutant;
using hal::Mutant;

// --- Life --------------------------------------------------------------------------------------------------------

template <class Ring>
bool Recovery<Ring>::allocate(Queues queues, std::size_t slots) {
  queues_ = queues;
  return list_.allocate(*machine_, slots);
}

template <class Ring>
bool Recovery<Ring>::bring_up_queue(Queue& queue, std::uint16_t size) {
  if (mutant(Mutant::queue_size_read_twice)) {
    size = controller_.transport().max_queue_size(queue.number());
  }
  const virtio::QueueShape shape{size, controller_.has(virtio::VIRTIO_F_EVENT_IDX),
                                 controller_.has(virtio::VIRTIO_F_IN_ORDER), controller_.transport().is_legacy()};
  virtio::Doorbell doorbell;
  if (!controller_.find_doorbell(queue.number(), doorbell) ||
      !queue.start(shape, controller_.has(virtio::VIRTIO_F_INDIRECT_DESC)) ||
      !controller_.start_queue(queue.number(), size, queue.addresses())) {
    return false;
  }
  queue.set_doorbell(doorbell);
  return true;
}

template <class Ring>
bool Recovery<Ring>::bring_up() {
  if (!controller_.start_configuration()) {
    return false;
  }
  for (Queue& queue : queues_) {
    if (!bring_up_queue(queue, controller_.queue_size(queue.number()))) {
      return false;
    }
  }
  return controller_.go();
}

// What a device says after a reset may be something else: but it must go with the rings and queues that there are.
template <class Ring>
bool Recovery<Ring>::bring_back() {
  return controller_.negotiate() && controller_.has(virtio::VIRTIO_F_RING_PACKED) == Ring::kPacked &&
         controller_.info().queues >= queues_.size() && bring_up() && controller_.restore_write_cache();
}

template <class Ring>
void Recovery<Ring>::release() {
  for (Queue& queue : queues_) {
    queue.release();
  }
}

// --- Who is reset ------------------------------------------------------------------------------------------------

template <class Ring>
void Recovery<Ring>::recover_device() {
  restart_device({machine_->now(), options_.replays});
  send_again();
}

template <class Ring>
void Recovery<Ring>::recover_expired() {
  const Terms terms{machine_->now(), options_.replays};
  if (mutant(Mutant::expired_ended_in_flight)) {
    return end_in_flight(terms.now);
  }
  bool whole = any_expired(terms.now) && needs_device_reset();
  for (Queue& queue : queues_) {
    if (!whole && queue.has_expired(terms.now)) {
      whole = !restart(queue, queue.size(), terms);
      counters_.queue_resets += whole ? 0 : 1;
    }
  }
  if (whole) {
    restart_device(terms);
  }
  send_again();
}

// What Mutant::expired_ended_in_flight does in place of a reset.
template <class Ring>
void Recovery<Ring>::end_in_flight(std::uint64_t now) {
  for (Queue& queue : queues_) {
    queue.for_each_in_flight([&](Request& request, std::uint64_t deadline, std::uint8_t replays) {
      if (deadline <= now) {
        list_.add({&request, deadline, replays, Status::timed_out});
      }
    });
  }
}

template <class Ring>
bool Recovery<Ring>::any_expired(std::uint64_t now) const {
  for (Queue& queue : queues_) {
    if (queue.has_expired(now)) {
      return true;
    }
  }
  return false;
}

// Without decoding nobody would hear what is asked of the device, and without the bus nobody would answer.
template <class Ring>
Controller::Presence Recovery<Ring>::look_after() {
  const Controller::Presence presence = controller_.look_after();
  counters_.cut_off += presence == Controller::Presence::cut_off ? 1 : 0;
  return presence;
}

// A device that is broken as a whole is not asked to reset a part of itself.
template <class Ring>
bool Recovery<Ring>::needs_device_reset() {
  if (look_after() != Controller::Presence::there) {
    return true;  // gone, whatever is read where its registers were; or cut off, and nobody knows what it missed
  }
  const std::uint8_t status = controller_.transport().status();
  if (status != virtio::kStatusRemoved && (status & virtio::VIRTIO_CONFIG_S_NEEDS_RESET) != 0) {
    ++counters_.needs_reset;
    return true;
  }
  // One that is not DRIVER_OK has reset itself, and knows of no queue.
  const bool knows_queues = status != virtio::kStatusRemoved && (status & virtio::VIRTIO_CONFIG_S_DRIVER_OK) != 0;
  return !knows_queues || !controller_.has(virtio::VIRTIO_F_RING_RESET);
}

template <class Ring>
Status Recovery<Ring>::reset_queues(std::uint16_t size) {
  const Terms all_end{0, 0};
  for (Queue& queue : queues_) {
    if (!restart(queue, size == 0 ? queue.size() : size, all_end)) {
      restart_device(all_end);
      return Status::device_lost;
    }
  }
  return Status::ok;
}

template <class Ring>
void Recovery<Ring>::shut_down() {
  stop_device({0, 0}, false);
  dead_ = true;
}

// --- Stopping and starting ---------------------------------------------------------------------------------------

// A queue by itself (2.6.1). False when it did not come back, with its requests taken back if it let go of them.
template <class Ring>
bool Recovery<Ring>::restart(Queue& queue, std::uint16_t size, const Terms& terms) {
  if (!controller_.transport().reset_queue(queue.number())) {
    ++counters_.resets_unfinished;
    return false;
  }
  for (Queue& other : queues_) {
    if (&other == &queue || mutant(Mutant::other_queues_taken_back)) {
      take_back(other, terms);
    }
  }
  queue.stop();
  return bring_up_queue(queue, size);
}

template <class Ring>
void Recovery<Ring>::restart_device(const Terms& terms) {
  ++counters_.resets;
  const bool removed = look_after() == Controller::Presence::gone;
  // Nobody is there who could be late.
  stop_device(removed ? Terms{0, 0} : terms, removed);
  dead_ = dead_ || !bring_back();
}

// Afterwards every queue is empty, and its ring gone. A device that did not obey is dead.
template <class Ring>
void Recovery<Ring>::stop_device(const Terms& terms, bool removed) {
  const Stopped stopped = removed ? Stopped::silenced : controller_.stop();
  if (!dead_ && stopped != Stopped::obeyed) {
    ++(removed ? counters_.removals : counters_.resets_unfinished);
    dead_ = true;
  }
  for (Queue& queue : queues_) {
    take_back(queue, terms);
    if (stopped == Stopped::running && !mutant(Mutant::memory_freed_under_device)) {
      counters_.buffers_lost += queue.abandon();
    } else {
      queue.stop();
    }
  }
}

// --- Requests back, and out again --------------------------------------------------------------------------------

// Only when the device has let go of the queue.
template <class Ring>
void Recovery<Ring>::take_back(Queue& queue, const Terms& terms) {
  if (!mutant(Mutant::taken_back_while_mapped)) {
    queue.unmap_in_flight();
  }
  queue.for_each_in_flight([&](Request& request, std::uint64_t deadline, std::uint8_t replays) {
    list_.add({&request, deadline, replays, fate_of(deadline, replays, terms)});
  });
}

template <class Ring>
Status Recovery<Ring>::fate_of(std::uint64_t deadline, std::uint8_t replays, const Terms& terms) {
  if (deadline <= terms.now && !mutant(Mutant::expired_replayed)) {
    ++counters_.timeouts;
    return mutant(Mutant::expired_reported_done) ? Status::ok : Status::timed_out;
  }
  return replays < terms.replays ? Status::pending : Status::device_lost;
}

template <class Ring>
void Recovery<Ring>::send_again() {
  for (TakenBack& entry : list_) {
    if (&entry + 1 == list_.end() && mutant(Mutant::one_not_replayed)) {
      break;
    }
    if (entry.fate == Status::pending) {
      entry.fate = send_again(entry);
    }
  }
  for (Queue& queue : queues_) {
    if (!mutant(Mutant::replay_not_announced)) {
      queue.publish();
    }
  }
}

template <class Ring>
Status Recovery<Ring>::send_again(const TakenBack& entry) {
  if (dead_) {
    return Status::device_lost;
  }
  const std::uint64_t now = machine_->now();
  // The recovery itself may have taken what time there was.
  if (const Status fate = fate_of(entry.deadline, entry.replays, {now, options_.replays}); fate != Status::pending) {
    return fate;
  }
  Request& request = *entry.request;
  const Status verdict = admission_.verdict(request, queues_);
  if (verdict != Status::ok && !mutant(Mutant::replay_not_checked)) {
    return verdict;
  }
  const bool renewed = mutant(Mutant::deadline_renewed_at_replay);
  const auto replays = static_cast<std::uint8_t>(entry.replays + (mutant(Mutant::replays_not_counted) ? 0 : 1));
  const auto sent =
      queues_.first[request.queue].send(request, renewed ? now + options_.timeout : entry.deadline, replays);
  if (sent != Queue::Sent::yes) {
    return Status::device_lost;  // a smaller ring than before, or memory that can no longer be mapped
  }
  ++counters_.replays;
  return Status::pending;
}

template class Recovery<virtio::SplitQueue<hal::Plain>>;
template class Recovery<virtio::SplitQueue<hal::Observed>>;
template class Recovery<virtio::PackedQueue<hal::Plain>>;
template class Recovery<virtio::PackedQueue<hal::Observed>>;

}  // namespace ringside::block
