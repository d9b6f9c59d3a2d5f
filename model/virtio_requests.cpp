// From the doorbell to the used ring: how requests are fetched, when they complete, and in which order.
#include <algorithm>

#include "model/mutants.h"
#include "model/virtio_blk_pci.h"

namespace ringside::model {

void VirtioBlkPci::drop_in_flight() {
  if (faults_ == nullptr) {
    requests_.clear();
  } else {
    requests_.drop_if([](Request& request) {
      request.orphan = request.outlives_reset;
      return !request.orphan;
    });
  }
  for (std::size_t i = 0; i < queues_in_use_; ++i) {
    queues_[i].in_flight = 0;
    queues_[i].stalled = false;
  }
  stalled_ = false;
}

void VirtioBlkPci::doorbell(std::uint32_t index, std::uint32_t value, Picoseconds at) {
  if (tap_ != nullptr) {
    tap_->doorbell(at, static_cast<std::uint16_t>(index), value);
  }
  if (index >= queues_in_use_ || !queues_[index].registers.enabled || broken_ || !dma.bus_master()) {
    return;
  }
  if (mutant(Mutant::last_queue_deaf) && index != 0 && index == queues_in_use_ - 1) {
    return;
  }
  if (queues_[index].at_zero && quirks_.fires(Quirk::queue_at_zero_is_none, at)) {
    return;
  }
  // 3.1.1: before DRIVER_OK the device consumes nothing, unless for a legacy driver (3.1.2).
  if ((status_ & VIRTIO_CONFIG_S_DRIVER_OK) != 0 || (shape_.legacy && !accepted(VIRTIO_F_VERSION_1)) ||
      quirks_.fires(Quirk::kick_before_driver_ok, at)) {
    fetch_requests(static_cast<std::uint16_t>(index), at);
  }
}

void VirtioBlkPci::fetch_requests(std::uint16_t index, Picoseconds at) {
  Virtqueue& queue = queues_[index];
  queue.stalled = false;
  dma.seek(std::max(at, fetch_free_));
  // What look() admits is at most a queue full, and what is in flight too: the work of one doorbell is bounded.
  for (;;) {
    if (!requests_.room()) {
      stalled_ = queue.stalled = true;
      break;
    }
    const Look look = queue.look();
    if (look == Look::nothing) {
      // 2.7.10: from here on the next chain rings the bell. A driver that runs beside the device may have made one
      // available before it saw that.
      queue.ask_for_notification();
      dma.order_store_before_load();
      if (!dma.is_beside_driver() || queue.empty()) {
        break;
      }
      continue;
    }
    if (look == Look::malformed || !fetch_one(index)) {
      break_device(dma.at());
      return;
    }
  }
  fetch_free_ = dma.at();
}

bool VirtioBlkPci::fetch_one(std::uint16_t index) {
  Virtqueue& queue = queues_[index];
  if (queue.in_flight >= queue.registers.size) {
    return false;
  }
  Request& request = requests_.next();
  Chain chain;
  chain.segments = requests_.scratch();
  request.queue = index;
  request.ordinal = queue.fetched();
  request.announced = request.outlives_reset = request.orphan = false;
  if (!queue.fetch(chain) || !blk_.start(chain, request)) {
    return false;
  }
  if (tap_ != nullptr) {
    tap_->fetch(dma.at(), {index, request.ordinal, request.type, request.sector, request.bytes});
  }
  ++queue.in_flight;
  schedule(request, queue);
  requests_.add(request);
  return true;
}

// A queue that was left with chains in it, because there was no room for them.
void VirtioBlkPci::fetch_what_stalled(Picoseconds at) {
  stalled_ = false;
  for (std::size_t i = 0; i < queues_in_use_ && !stalled_; ++i) {
    if (queues_[i].stalled) {
      fetch_requests(static_cast<std::uint16_t>(i), at);
    }
  }
}

// Media work in parallel; what they deliver shares one link.
void VirtioBlkPci::schedule(Request& request, Virtqueue& queue) {
  const Picoseconds fetched = dma.at();
  const Picoseconds ready = blk_.media_done(request, fetched);
  const Picoseconds link = blk_.link_time(request) + queue.completion_cost(latencies_);
  link_free_ = std::max(link_free_, fetched) + link;
  request.due = std::max(ready + link, link_free_);
  if (accepted(VIRTIO_F_IN_ORDER) && !mutant(Mutant::in_order_broken)) {
    request.due = std::max(request.due, queue.last_due);
  }
  queue.last_due = request.due;
  if (faults_ != nullptr) {
    const Delay delay = faults_->delay(request.queue);
    request.due += delay.by;
    request.outlives_reset = delay.outlives_reset;
  }
  if (tap_ != nullptr && ready != fetched) {
    tap_->media(fetched, request.sector, request.bytes, request.type != VIRTIO_BLK_T_IN, ready - fetched);
  }
}

void VirtioBlkPci::complete_due(Picoseconds until) {
  while (!requests_.empty() && dma.bus_master() && requests_.at(0).due <= until) {
    Request& request = requests_.take(0);
    faults_ == nullptr ? complete(request, request.due) : complete_faultily(request);
  }
}

void VirtioBlkPci::complete_faultily(Request& request) {
  if (request.orphan) {
    complete_orphan(request);
    return;
  }
  Virtqueue& queue = queues_[request.queue];
  const Picoseconds ahead = request.announced ? 0 : faults_->interrupt_ahead(request.queue);
  if (ahead != 0) {
    notify_queue(queue, request.due);
    request.announced = true;
    request.due += ahead;
    requests_.put_back(request);
    return;
  }
  const Finish finish = faults_->finish(request.queue);
  if (finish == Finish::never) {
    requests_.give_back(request);  // its chain stays with the device
    return;
  }
  if (finish == Finish::twice) {
    queue.put_used(request.token, 1);
    queue.publish_used();
  }
  complete(request, request.due);
}

// There is no ring any more to return its chain to.
void VirtioBlkPci::complete_orphan(Request& request) {
  dma.seek(request.due);
  blk_.write_data(request);
  blk_.write_status(request);
  requests_.give_back(request);
}

// Data, status, used element, used index, then the interrupt: the order in which a driver may rely on them (2.7.8.2).
void VirtioBlkPci::complete(Request& request, Picoseconds at) {
  Virtqueue& queue = queues_[request.queue];
  dma.seek(at);
  blk_.write_data(request);
  blk_.write_status(request);
  queue.put_used(request.token, request.used_length);
  queue.publish_used();
  if (tap_ != nullptr) {
    tap_->complete(at, request.queue, request.ordinal, request.status, request.used_length);
    tap_->used(at, request.queue, queue.used_index());
  }
  if (!mutant(Mutant::in_flight_kept) || request.type != VIRTIO_BLK_T_GET_ID) {
    --queue.in_flight;
  }
  const bool announced = request.announced;
  requests_.give_back(request);
  dma.order_store_before_load();
  if (interrupt_wanted(queue) && !announced) {
    notify_queue(queue, at);
  }
  if (stalled_) {
    fetch_what_stalled(at);
  }
}

int VirtioBlkPci::place_of(std::uint32_t ordinal, std::uint16_t queue) const {
  for (unsigned i = 0; i < requests_.count(); ++i) {
    if (requests_.at(i).ordinal == ordinal && requests_.at(i).queue == queue) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

Picoseconds VirtioBlkPci::due(std::uint32_t ordinal, std::uint16_t queue) const {
  const int place = place_of(ordinal, queue);
  return place < 0 ? kNever : requests_.at(static_cast<unsigned>(place)).due;
}

bool VirtioBlkPci::complete_one(std::uint32_t ordinal, Picoseconds at, std::uint16_t queue) {
  const int place = place_of(ordinal, queue);
  if (place < 0 || !dma.bus_master()) {
    return false;
  }
  complete(requests_.take(static_cast<unsigned>(place)), at);
  return true;
}

// When the first completion is due that its queue wants an interrupt for. Each queue counts its own.
Picoseconds VirtioBlkPci::next_interrupt() {
  unsigned queues_waiting = 0;
  for (std::size_t i = 0; i < queues_in_use_; ++i) {
    const Virtqueue& queue = queues_[i];
    slots_left_[i] = 0;
    if (queue.in_flight != 0 && interrupt_possible(queue)) {
      // With NOTIFY_ON_EMPTY any of them may be the one after which nothing is left.
      slots_left_[i] = accepted(VIRTIO_F_NOTIFY_ON_EMPTY) ? 1 : queue.slots_to_interrupt();
      queues_waiting += slots_left_[i] != 0 ? 1 : 0;
    }
  }
  for (unsigned i = 0; queues_waiting != 0 && i < requests_.count(); ++i) {
    const Request& request = requests_.at(i);
    unsigned& left = slots_left_[request.queue];
    if (left != 0 && left <= request.token.slots) {
      return request.due;
    }
    left -= left != 0 ? request.token.slots : 0;
  }
  return kNever;
}

bool VirtioBlkPci::arm() {
  const bool idle = requests_.empty() || held_ || !dma.bus_master();
  const Picoseconds when = idle ? kNever : next_interrupt();
  if (when != armed_) {
    armed_ = when;
    wake_.cancel();
    if (when != kNever) {
      const Picoseconds now = clock_.now();
      wake_.notify(to_sc_time(when > now ? when - now : 0));
    }
  }
  return when != kNever;
}

void VirtioBlkPci::finish() {
  armed_ = kNever;
  catch_up(clock_.now());
}

}  // namespace ringside::model
