#include "driver/block/virtio_blk.h"

#include <new>

#include "driver/block/request_path.h"
#include "driver/block/virtio_blk_spec.h"
#include "driver/block/virtio_rules.h"
#include "driver/hal/bits.h"
#include "driver/hal/memory.h"
#include "driver/hal/mutant.h"
#include "driver/hal/text.h"

namespace ringside::block {
namespace {

constexpr std::size_t kTableBudget = std::size_t{64} << 20;  // bytes of indirect tables, of all queues together

// Segments per request that the tables of `slots` requests (not 0) have room for.
std::uint16_t segments_within_budget(std::size_t slots, std::uint32_t wanted) {
  const std::size_t entries = kTableBudget / sizeof(virtio::Descriptor) / slots;
  const std::size_t room = entries > kHeaderAndStatus ? entries - kHeaderAndStatus : 1;
  const std::size_t most = room < kMaxSegments ? room : kMaxSegments;
  return static_cast<std::uint16_t>(wanted < most ? wanted : most);
}

}  // namespace

// --- Life --------------------------------------------------------------------------------------------------------

template <class Ring>
VirtioBlk<Ring>* VirtioBlk<Ring>::create(hal::Machine& machine, Memory memory, Controller& controller,
                                         const Options& options) {
  void* const place = machine.alloc_private(sizeof(VirtioBlk), alignof(VirtioBlk));
  auto* const disk = place == nullptr ? nullptr : new (place) VirtioBlk(machine, controller, options);
  if (disk == nullptr || !disk->allocate(memory) || !disk->bring_up()) {
    controller.stop();
    if (disk != nullptr) {
      disk->release();
    }
    return nullptr;
  }
  return disk;
}

template <class Ring>
bool VirtioBlk<Ring>::allocate(Memory memory) {
  const std::uint16_t count = info().queues;
  queues_ = static_cast<Queue*>(machine_->alloc_private(count * sizeof(Queue), alignof(Queue)));
  std::size_t slots = 0;
  for (std::uint16_t queue = 0; queue < count; ++queue) {
    slots += controller_.most_queue_size(queue);
  }
  if (slots == 0) {
    return false;
  }
  const std::uint16_t segments = segments_within_budget(slots, info().max_segments);
  controller_.limit_segments(segments);
  refused_limit_ = controller_.most_queue_size(0);
  refused_ = static_cast<Request**>(machine_->alloc_private(refused_limit_ * sizeof(Request*), alignof(Request*)));
  bool complete = queues_ != nullptr && refused_ != nullptr;
  while (complete && queue_count_ < count) {
    Queue* const queue = new (queues_ + queue_count_) Queue(memory, queue_count_);
    complete = queue->allocate(*machine_, {controller_.most_queue_size(queue_count_), segments,
                                           controller_.has(virtio::VIRTIO_F_INDIRECT_DESC)});
    ++queue_count_;
  }
  if (!complete) {
    hal::Line().text("[VirtIO] Block device cannot be used: out of memory").log_to(*machine_);
  }
  return complete;
}

template <class Ring>
void VirtioBlk<Ring>::release() {
  for (Queue& queue : all()) {
    queue.release();
  }
}

template <class Ring>
bool VirtioBlk<Ring>::bring_up_queue(Queue& queue, std::uint16_t size) {
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
bool VirtioBlk<Ring>::bring_up() {
  if (!controller_.start_configuration()) {
    return false;
  }
  for (Queue& queue : all()) {
    if (!bring_up_queue(queue, controller_.queue_size(queue.number()))) {
      return false;
    }
  }
  controller_.go();
  return true;
}

template <class Ring>
void VirtioBlk<Ring>::shutdown() {
  controller_.stop();
  dead_ = true;
  for (Queue& queue : all()) {
    queue.unmap_in_flight();
    queue.for_each_in_flight([this](Request& request, std::uint64_t) { end(request, Status::device_lost); });
  }
  finish_refused();
  release();
}

template <class Ring>
QueueRange<Ring> VirtioBlk<Ring>::only(std::uint16_t queue) const {
  return queue < queue_count_ ? Queues{queues_ + queue, queues_ + queue + 1} : all();
}

// --- What is sent ------------------------------------------------------------------------------------------------

template <class Ring>
bool VirtioBlk<Ring>::misaligned(const Request& request) const {
  std::uintptr_t addresses = 0;
  for (std::uint16_t i = 0; i < request.segment_count && misaligned_ != 0; ++i) {
    addresses |= reinterpret_cast<std::uintptr_t>(request.segments[i].data);
  }
  return (addresses & misaligned_) != 0;
}

template <class Ring>
Status VirtioBlk<Ring>::check(const Request& request) const {
  if (dead_) {
    return Status::device_lost;
  }
  // Our own arrays hold this many, whatever the caller wants to send.
  if (request.queue >= queue_count_ || request.segment_count > queues_[request.queue].most_segments() ||
      (request.segment_count != 0 && request.segments == nullptr)) {
    return Status::refused;
  }
  if (!options_.check_requests) {
    return Status::ok;
  }
  return misaligned(request) ? Status::refused : verdict_on(info(), request);
}

// What is not sent: whoever takes such requests gets it, or it ends in the next poll(). False when neither is possible.
template <class Ring>
bool VirtioBlk<Ring>::turn_away(Request& request, Status status) {
  if (status == Status::refused && options_.divert != nullptr) {
    if (const Diverted where = options_.divert(request, options_.divert_user); where != Diverted::no) {
      return where == Diverted::taken;
    }
  }
  return refuse(request, status);
}

// False when there is no room on the list.
template <class Ring>
bool VirtioBlk<Ring>::refuse(Request& request, Status status) {
  if (refused_count_ == refused_limit_) {
    return false;
  }
  request.status = Status::pending;
  request.used_length = static_cast<std::uint32_t>(status);  // until it completes
  refused_[refused_count_++] = &request;
  return true;
}

// Onto its ring, or wherever else it goes. False when that has no room.
template <class Ring>
bool VirtioBlk<Ring>::take(Request& request, std::uint64_t deadline) {
  const bool swallowed = request.operation == Operation::flush && hal::mutant(hal::Mutant::flush_not_sent);
  const Status verdict = check(request);
  if (verdict != Status::ok || swallowed) {
    return turn_away(request, verdict);
  }
  switch (queues_[request.queue].send(request, request.deadline != 0 ? request.deadline : deadline)) {
    case Queue::Sent::yes:
      request.status = Status::pending;
      return true;
    case Queue::Sent::full:
      return false;
    case Queue::Sent::unmappable:
      break;
  }
  return turn_away(request, Status::refused);
}

template <class Ring>
std::size_t VirtioBlk<Ring>::submit(Request* const* requests, std::size_t count) {
  const std::uint64_t now = machine_->now();
  std::uint64_t touched = 0;  // a bit per queue
  static_assert(kMaxQueues <= 64);
  const bool ordinary = !dead_ && options_.check_requests && misaligned_ == 0;
  const PlainLimits limits(info(), queues_[0].most_plain_bytes());
  std::size_t taken = 0;
  while (taken < count) {
    Request& request = *requests[taken];
    if (request.queue < queue_count_) {
      const std::uint64_t bit = std::uint64_t{1} << request.queue;
      Queue& queue = queues_[request.queue];
      if ((touched & bit) == 0) {
        queue.refresh_earliest(now, options_.timeout / 4);
      }
      touched |= bit;
      if (ordinary && limits.most_bytes != 0 && (request.operation == Operation::read || !limits.read_only)) {
        const std::uint64_t deadline = now + options_.timeout;
        const std::size_t sent =
            request.operation == Operation::read
                ? queue.template send_plain<Operation::read>(requests + taken, count - taken, limits, deadline)
                : queue.template send_plain<Operation::write>(requests + taken, count - taken, limits, deadline);
        taken += sent;
        if (sent != 0) {
          continue;
        }
      }
    }
    if (!take(request, now + options_.timeout)) {
      break;
    }
    ++taken;
  }
  for (std::uint16_t queue = 0; touched != 0; ++queue, touched >>= 1) {
    if ((touched & 1) != 0) {
      queues_[queue].publish();
    }
  }
  return taken;
}

// --- What comes back ---------------------------------------------------------------------------------------------

template <class Ring>
std::size_t VirtioBlk<Ring>::in_flight() const {
  return all().in_flight() + refused_count_;
}

template <class Ring>
void VirtioBlk<Ring>::finish_refused() {
  // A callback may submit, and so refuse, again: only those that wait now.
  const std::size_t count = refused_count_;
  for (std::size_t i = 0; i < count; ++i) {
    Request& request = *refused_[i];
    const auto status = static_cast<Status>(request.used_length);
    request.used_length = 0;
    end(request, status);
  }
  for (std::size_t i = count; i < refused_count_; ++i) {
    refused_[i - count] = refused_[i];
  }
  refused_count_ -= count;
}

template <class Ring>
void VirtioBlk<Ring>::end(Request& request, Status status) {
  request.status = status;
  ++finished_;
  if (request.done != nullptr) {
    request.done(request);
  }
}

template <class Ring>
void VirtioBlk<Ring>::count_error(virtio::UsedError error) {
  switch (error) {
    case virtio::UsedError::none:
      return;
    case virtio::UsedError::id_out_of_range:
      ++counters_.used_id_out_of_range;
      return;
    case virtio::UsedError::id_not_in_flight:
      ++counters_.used_id_not_in_flight;
      return;
    case virtio::UsedError::out_of_order:
      ++counters_.used_out_of_order;
      return;
  }
}

// Not more than are in flight now: a callback may submit, and a fast device would keep us here for ever.
template <class Ring>
template <bool kInOrder>
void VirtioBlk<Ring>::take_used(Queue& queue) {
  std::uint32_t budget = queue.in_flight();
  if constexpr (Ring::kLookCountsAll) {
    const std::uint32_t pending = queue.look();
    if (pending == virtio::kUsedIndexJumped) {
      ++counters_.used_index_jumped;
      recover(0);
      return;
    }
    budget = pending < budget ? pending : budget;
  }
  for (; budget != 0; --budget) {
    if constexpr (!Ring::kLookCountsAll) {
      if (queue.template look_again<kInOrder>() == 0) {
        return;
      }
    }
    const Finished finished = queue.template take<kInOrder>(counters_);
    if (finished.error != virtio::UsedError::none) {
      count_error(finished.error);
      recover(0);
      return;
    }
    end(*finished.request, finished.status);
  }
}

template <class Ring>
std::size_t VirtioBlk<Ring>::poll(Queues queues) {
  finished_ = 0;
  if (in_flight() == 0) {
    notice_change();
    return 0;
  }
  finish_refused();
  for (Queue& queue : queues) {
    queue.in_order() ? take_used<true>(queue) : take_used<false>(queue);
  }
  return finished_;
}

template <class Ring>
std::size_t VirtioBlk<Ring>::wait(Queues queues, std::size_t count) {
  std::size_t completed = poll(queues);
  while (completed < count && queues.in_flight() + refused_count_ != 0) {
    sleep(queues, count - completed);
    completed += finished_;
    completed += poll(queues);
  }
  return completed;
}

// Until some more are used, something else happened, or the earliest deadline passed and has been dealt with.
template <class Ring>
void VirtioBlk<Ring>::sleep(Queues queues, std::size_t count) {
  finished_ = 0;
  switch (wait_.sleep(queues, all(), count)) {
    case Woken::look:
      return;
    case Woken::expired:
      recover(machine_->now());
      return;
    case Woken::inspect:
      inspect_device();
      return;
  }
}

template <class Ring>
std::size_t VirtioBlk<Ring>::poll() {
  return poll(all());
}

template <class Ring>
std::size_t VirtioBlk<Ring>::wait(std::size_t count) {
  return wait(all(), count);
}

template <class Ring>
std::size_t VirtioBlk<Ring>::poll_queue(std::uint16_t queue) {
  return poll(only(queue));
}

template <class Ring>
std::size_t VirtioBlk<Ring>::wait_queue(std::uint16_t queue, std::size_t count) {
  return wait(only(queue), count);
}

// --- When something is wrong or has changed ------------------------------------------------------------------------

// An interrupt without a used buffer, and none after it: a configuration change, a device that broke, or nothing at
// all.
template <class Ring>
void VirtioBlk<Ring>::inspect_device() {
  const std::uint8_t status = controller_.transport().status();
  if (status == virtio::kStatusRemoved || (status & virtio::VIRTIO_CONFIG_S_NEEDS_RESET) != 0) {
    recover(0);
  } else if (controller_.refresh_configuration()) {
    report_change();
  } else {
    ++counters_.spurious_interrupts;
  }
}

// With nothing in flight no interrupt is waited for, so who polls then asks the device itself.
template <class Ring>
void VirtioBlk<Ring>::notice_change() {
  if (!dead_ && controller_.refresh_configuration()) {
    report_change();
  }
}

template <class Ring>
void VirtioBlk<Ring>::report_change() {
  ++counters_.config_changes;
  if (options_.changed != nullptr) {
    options_.changed(*this, options_.changed_user);
  }
}

// Takes the device back and brings it up again. What it had ends: with timed_out where the deadline lies at or before
// `expired_before`, with device_lost otherwise and when the device is gone; only after the reset, when it can no longer
// touch its buffers.
template <class Ring>
void VirtioBlk<Ring>::recover(std::uint64_t expired_before) {
  ++counters_.resets;
  const bool removed = controller_.is_gone();
  const bool obeyed = !removed && controller_.stop();
  for (Queue& queue : all()) {
    queue.unmap_in_flight();
  }
  dead_ = true;  // callbacks may submit, but not to a device that is down
  for (Queue& queue : all()) {
    queue.for_each_in_flight([this, removed, expired_before](Request& request, std::uint64_t deadline) {
      const bool expired = !removed && deadline <= expired_before;
      counters_.timeouts += expired ? 1 : 0;
      end(request, expired ? Status::timed_out : Status::device_lost);
    });
    queue.stop();
  }
  dead_ = !(obeyed && bring_back());
}

// What a device says after a reset may be something else: but it must go with the rings and queues that there are.
template <class Ring>
bool VirtioBlk<Ring>::bring_back() {
  return controller_.negotiate() && controller_.has(virtio::VIRTIO_F_RING_PACKED) == Ring::kPacked &&
         info().queues >= queue_count_ && bring_up();
}

// --- The rest of the device --------------------------------------------------------------------------------------

template <class Ring>
Status VirtioBlk<Ring>::set_write_cache(bool write_back) {
  if (dead_ || !controller_.has(VIRTIO_BLK_F_CONFIG_WCE)) {
    return dead_ ? Status::device_lost : Status::unsupported;
  }
  controller_.transport().device_config().write8(kConfigWriteback, write_back ? 1 : 0);
  return write_cache() == write_back ? Status::ok : Status::io_error;
}

template <class Ring>
bool VirtioBlk<Ring>::write_cache() {
  if (controller_.has(VIRTIO_BLK_F_CONFIG_WCE)) {
    return controller_.transport().device_config().read8(kConfigWriteback) != 0;
  }
  return controller_.has(VIRTIO_BLK_F_FLUSH);  // 5.2.5.1: FLUSH without CONFIG_WCE means write-back
}

template <class Ring>
Status VirtioBlk<Ring>::reset_queue(std::uint16_t queue_size) {
  if (dead_ || !controller_.has(virtio::VIRTIO_F_RING_RESET)) {
    return dead_ ? Status::device_lost : Status::unsupported;
  }
  for (const Queue& queue : all()) {
    const std::uint16_t size = queue_size == 0 ? queue.size() : queue_size;
    if (!hal::is_power_of_two(size) || size < 2 || size > queue.slots()) {
      return Status::refused;
    }
  }
  dead_ = true;  // callbacks may submit, but not to a queue that is down
  bool up = true;
  for (Queue& queue : all()) {
    const std::uint16_t size = queue_size == 0 ? queue.size() : queue_size;
    up = up && controller_.transport().reset_queue(queue.number());
    if (up) {
      queue.unmap_in_flight();
      queue.for_each_in_flight([this](Request& request, std::uint64_t) { end(request, Status::device_lost); });
      queue.stop();
      up = bring_up_queue(queue, size);
    }
  }
  dead_ = false;
  if (!up) {
    recover(0);
    return Status::device_lost;
  }
  return Status::ok;
}

template class VirtioBlk<virtio::SplitQueue<hal::Plain>>;
template class VirtioBlk<virtio::SplitQueue<hal::Observed>>;
template class VirtioBlk<virtio::PackedQueue<hal::Plain>>;
template class VirtioBlk<virtio::PackedQueue<hal::Observed>>;

}  // namespace ringside::block
