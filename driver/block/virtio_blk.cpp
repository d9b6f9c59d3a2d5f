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

// As far as who uses it can tell.
bool same_disk(const DiskInfo& a, const DiskInfo& b) {
  return a.sectors == b.sectors && a.block_size == b.block_size && a.read_only == b.read_only &&
         a.features == b.features;
}

}  // namespace

// --- Life --------------------------------------------------------------------------------------------------------

template <class Ring>
VirtioBlk<Ring>* VirtioBlk<Ring>::create(hal::Machine& machine, Memory memory, Controller& controller,
                                         const Options& options) {
  void* const place = machine.alloc_private(sizeof(VirtioBlk), alignof(VirtioBlk));
  if (place == nullptr) {
    controller.stop();
    return nullptr;
  }
  auto* const disk = new (place) VirtioBlk(machine, controller, options);
  if (!disk->allocate(memory) || !disk->recovery_.bring_up()) {
    disk->recovery_.shut_down();
    if (!hal::mutant(hal::Mutant::rings_leaked_at_refusal)) {
      disk->recovery_.release();
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
  complete = recovery_.allocate(all(), slots) && complete;
  if (!complete) {
    hal::Line().text("[VirtIO] Block device cannot be used: out of memory").log_to(*machine_);
  }
  return complete;
}

template <class Ring>
void VirtioBlk<Ring>::shutdown() {
  recovery_.shut_down();
  refused_limit_ = 0;  // a callback finds that nothing is taken any more
  recovery_.end_taken_back([this](Request& request, Status status) { end(request, status); });
  finish_refused();
  recovery_.release();
}

template <class Ring>
QueueRange<Ring> VirtioBlk<Ring>::only(std::uint16_t queue) const {
  return queue < queue_count_ ? Queues{queues_ + queue, queues_ + queue + 1} : all();
}

// --- What is sent ------------------------------------------------------------------------------------------------

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
  if (refused_count_ >= refused_limit_) {
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
  const Status verdict = recovery_.is_dead() ? Status::device_lost : admission_.verdict(request, all());
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
  const bool ordinary = !recovery_.is_dead() && admission_.plain();
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
  return awaited() + recovery_.ending();
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
      recover_device();
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
      recover_device();
      return;
    }
    end(*finished.request, finished.status);
  }
}

template <class Ring>
std::size_t VirtioBlk<Ring>::poll(Queues queues) {
  finished_ = 0;
  if (awaited() == 0) {
    notice_change();
    return 0;
  }
  finish_refused();
  for (Queue& queue : queues) {
    queue.in_order() ? take_used<true>(queue) : take_used<false>(queue);
    if (hal::mutant(hal::Mutant::only_first_queue_polled)) {
      break;
    }
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
  switch (const Woken why = wait_.sleep(queues, all(), count); why) {
    case Woken::look:
      return;
    case Woken::expired:
      // What is used by now on any queue counts, and need not be done twice.
      for (Queue& queue : all()) {
        queue.in_order() ? take_used<true>(queue) : take_used<false>(queue);
      }
      recover_expired();
      return;
    case Woken::inspect:
    case Woken::recheck:
      inspect_device(why);
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
void VirtioBlk<Ring>::inspect_device(Woken why) {
  const std::uint8_t status = controller_.transport().status();
  if (status == virtio::kStatusRemoved) {
    recover_device();
    return;
  }
  if ((status & virtio::VIRTIO_CONFIG_S_NEEDS_RESET) != 0 && !hal::mutant(hal::Mutant::needs_reset_overlooked)) {
    ++counters_.needs_reset;
    recover_device();
    return;
  }
  switch (controller_.refresh_configuration()) {
    case ConfigLook::changed:
      return report_change();
    case ConfigLook::unreadable:
      ++counters_.config_unreadable;
      return;
    case ConfigLook::same:
      counters_.spurious_interrupts += why == Woken::inspect ? 1 : 0;
      return;
  }
}

// With nothing in flight no interrupt is waited for, so who polls then asks the device itself.
template <class Ring>
void VirtioBlk<Ring>::notice_change() {
  if (recovery_.is_dead()) {
    return;
  }
  const ConfigLook look = controller_.refresh_configuration();
  counters_.config_unreadable += look == ConfigLook::unreadable ? 1 : 0;
  if (look == ConfigLook::changed) {
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

template <class Ring>
void VirtioBlk<Ring>::recover_device() {
  const DiskInfo before = info();
  recovery_.recover_device();
  end_recovery(before);
}

template <class Ring>
void VirtioBlk<Ring>::recover_expired() {
  const DiskInfo before = info();
  recovery_.recover_expired();
  end_recovery(before);
}

// A device that was reset may come back as another one: who is told of changes hears of it before any request ends.
template <class Ring>
void VirtioBlk<Ring>::end_recovery(const DiskInfo& before) {
  if (!recovery_.is_dead() && !same_disk(before, info())) {
    report_change();
  }
  recovery_.end_taken_back([this](Request& request, Status status) { end(request, status); });
}

// --- The rest of the device --------------------------------------------------------------------------------------

template <class Ring>
Status VirtioBlk<Ring>::set_write_cache(bool write_back) {
  if (recovery_.is_dead() || !controller_.has(VIRTIO_BLK_F_CONFIG_WCE)) {
    return recovery_.is_dead() ? Status::device_lost : Status::unsupported;
  }
  return controller_.set_write_cache(write_back) ? Status::ok : Status::io_error;
}

template <class Ring>
bool VirtioBlk<Ring>::write_cache() {
  return controller_.write_cache();
}

template <class Ring>
Status VirtioBlk<Ring>::reset_queue(std::uint16_t queue_size) {
  if (recovery_.is_dead() || !controller_.has(virtio::VIRTIO_F_RING_RESET)) {
    return recovery_.is_dead() ? Status::device_lost : Status::unsupported;
  }
  for (const Queue& queue : all()) {
    const std::uint16_t size = queue_size == 0 ? queue.size() : queue_size;
    if (!hal::is_power_of_two(size) || size < 2 || size > queue.slots()) {
      return Status::refused;
    }
  }
  const Status status = recovery_.reset_queues(queue_size);
  recovery_.end_taken_back([this](Request& request, Status fate) { end(request, fate); });
  return status;
}

template class VirtioBlk<virtio::SplitQueue<hal::Plain>>;
template class VirtioBlk<virtio::SplitQueue<hal::Observed>>;
template class VirtioBlk<virtio::PackedQueue<hal::Plain>>;
template class VirtioBlk<virtio::PackedQueue<hal::Observed>>;

}  // namespace ringside::block
