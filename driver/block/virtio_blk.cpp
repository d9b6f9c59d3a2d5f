#include "driver/block/virtio_blk.h"

#include <initializer_list>
#include <new>

#include "driver/block/virtio_blk_spec.h"
#include "driver/hal/bits.h"
#include "driver/hal/memory.h"
#include "driver/hal/text.h"

namespace ringside::block {
namespace {

// An interrupt may announce what the driver has already taken; used buffers that it does not yet see follow soon. When
// they do not, the interrupt was about something else.
constexpr std::uint64_t kExplanationTime = 200 * hal::kMillisecond;

constexpr std::uint8_t kStatusUnset = 0xff;  // no status of the specification: shows a device that never wrote it
constexpr std::uint16_t kHeaderAndStatus = 2;

std::uint32_t type_of(Operation operation) {
  switch (operation) {
    case Operation::read:
      return VIRTIO_BLK_T_IN;
    case Operation::write:
      return VIRTIO_BLK_T_OUT;
    case Operation::flush:
      return VIRTIO_BLK_T_FLUSH;
    case Operation::get_id:
      return VIRTIO_BLK_T_GET_ID;
    case Operation::discard:
      return VIRTIO_BLK_T_DISCARD;
    case Operation::write_zeroes:
      return VIRTIO_BLK_T_WRITE_ZEROES;
    case Operation::secure_erase:
      return VIRTIO_BLK_T_SECURE_ERASE;
    case Operation::get_lifetime:
      return VIRTIO_BLK_T_GET_LIFETIME;
  }
  return VIRTIO_BLK_T_IN;
}

bool carries_data(Operation operation) {
  return operation == Operation::read || operation == Operation::write || operation == Operation::get_id;
}

bool carries_range(Operation operation) {
  return operation == Operation::discard || operation == Operation::write_zeroes;
}

bool device_writes_data(Operation operation) { return operation != Operation::write; }

hal::DmaDirection direction_of(Operation operation) {
  return device_writes_data(operation) ? hal::DmaDirection::from_device : hal::DmaDirection::to_device;
}

}  // namespace

// --- Life --------------------------------------------------------------------------------------------------------

template <class Memory>
VirtioBlk<Memory>* VirtioBlk<Memory>::new_from_pci(hal::Machine& machine, Memory memory, const pci::Bus& bus,
                                                   const pci::DeviceInfo& device, const Options& options) {
  void* const place = machine.alloc_private(sizeof(VirtioBlk), alignof(VirtioBlk));
  if (place == nullptr) {
    return nullptr;
  }
  auto* const disk = new (place) VirtioBlk(machine, memory);
  disk->options_ = options;
  if (!disk->controller_.init(bus, device, options) || !disk->controller_.negotiate()) {
    return nullptr;
  }
  if (!disk->allocate() || !disk->bring_up()) {
    disk->controller_.stop();
    disk->release();
    return nullptr;
  }
  return disk;
}

template <class Memory>
bool VirtioBlk<Memory>::allocate() {
  slot_count_ = controller_.transport().max_queue_size(kRequestQueue);  // a queue reset may enlarge the ring up to this
  if (slot_count_ > virtio::kMaxQueueSize || slot_count_ < info().queue_size) {
    return false;
  }
  segments_ = info().max_segments < kMaxSegments ? static_cast<std::uint16_t>(info().max_segments) : kMaxSegments;
  slots_ = static_cast<Slot*>(machine_->alloc_private(slot_count_ * sizeof(Slot), alignof(Slot)));
  mapped_ = static_cast<hal::BusAddress*>(machine_->alloc_private(
      slot_count_ * std::size_t{segments_} * sizeof(hal::BusAddress), alignof(hal::BusAddress)));
  refused_ = static_cast<Request**>(machine_->alloc_private(slot_count_ * sizeof(Request*), alignof(Request*)));
  frames_ = machine_->alloc_dma_buffer(slot_count_ * sizeof(Frame), alignof(std::uint64_t));
  statuses_ = machine_->alloc_dma_buffer(slot_count_, 1);
  if (controller_.has(virtio::VIRTIO_F_INDIRECT_DESC)) {
    const std::size_t entries = slot_count_ * (std::size_t{segments_} + kHeaderAndStatus);
    tables_ = machine_->alloc_dma_buffer(entries * sizeof(virtio::Descriptor), alignof(virtio::Descriptor) * 2);
  }
  const bool complete = slots_ != nullptr && mapped_ != nullptr && refused_ != nullptr && frames_.cpu != nullptr &&
                        statuses_.cpu != nullptr &&
                        (tables_.cpu != nullptr || !controller_.has(virtio::VIRTIO_F_INDIRECT_DESC));
  if (!complete) {
    hal::Line().text("[VirtIO] Block device cannot be used: out of memory").log_to(*machine_);
  }
  return complete;
}

template <class Memory>
void VirtioBlk<Memory>::release() {
  queue_.release();
  for (hal::DmaBuffer* const buffer : {&frames_, &statuses_, &tables_}) {
    if (buffer->cpu != nullptr) {
      machine_->free_dma_buffer(*buffer);
    }
    *buffer = {};
  }
}

template <class Memory>
bool VirtioBlk<Memory>::bring_up() {
  // The slots were made for what the device said first; brought up again, it may say something else.
  return info().queue_size <= slot_count_ &&
         queue_.init(*machine_, info().queue_size, controller_.has(virtio::VIRTIO_F_EVENT_IDX)) &&
         controller_.start(info().queue_size, queue_.addresses());
}

template <class Memory>
void VirtioBlk<Memory>::shutdown() {
  controller_.stop();
  for (std::uint16_t head = 0; head < queue_.size(); ++head) {
    if (queue_.is_in_flight(head)) {
      unmap_segments(head);
      end(*slots_[head].request, Status::device_lost);
    }
  }
  finish_refused();
  release();
  dead_ = true;
}

// --- What is sent ------------------------------------------------------------------------------------------------

template <class Memory>
bool VirtioBlk<Memory>::within_disk(std::uint64_t sector, std::uint64_t sectors) const {
  return sector <= info().sectors && sectors <= info().sectors - sector;  // never their sum: it may wrap
}

template <class Memory>
Status VirtioBlk<Memory>::check_data(const Request& request) const {
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < request.segment_count; ++i) {
    const Segment& segment = request.segments[i];
    if (segment.data == nullptr || segment.size == 0 || segment.size > info().max_segment_size) {
      return Status::refused;
    }
    bytes += segment.size;
  }
  if (request.operation == Operation::get_id) {
    return bytes == kIdSize ? Status::ok : Status::refused;
  }
  const std::uint64_t sectors = bytes / kSectorSize;
  const std::uint64_t alignment = info().block_size / kSectorSize;
  if (bytes == 0 || bytes > 0xffff'ffff || bytes % info().block_size != 0 || request.sector % alignment != 0 ||
      !within_disk(request.sector, sectors)) {
    return Status::refused;
  }
  return request.operation == Operation::write && info().read_only ? Status::refused : Status::ok;
}

template <class Memory>
Status VirtioBlk<Memory>::check_range(const Request& request, unsigned feature_bit, std::uint32_t limit) const {
  if (!controller_.has(feature_bit)) {
    return Status::unsupported;
  }
  const bool sensible = request.sector_count != 0 && request.sector_count <= limit &&
                        within_disk(request.sector, request.sector_count) && !info().read_only;
  return sensible ? Status::ok : Status::refused;
}

template <class Memory>
Status VirtioBlk<Memory>::check(const Request& request) const {
  // Our own arrays hold this many, whatever the caller wants to send. A chain is never longer than the queue, counted
  // with its indirect table (2.7.5.3.1).
  const unsigned limit =
      queue_.size() < segments_ + kHeaderAndStatus ? queue_.size() - unsigned{kHeaderAndStatus} : segments_;
  if (request.segment_count > limit || (request.segment_count != 0 && request.segments == nullptr)) {
    return Status::refused;
  }
  if (!options_.check_requests) {
    return Status::ok;
  }
  switch (request.operation) {
    case Operation::read:
    case Operation::write:
    case Operation::get_id:
      return check_data(request);
    case Operation::flush:
      return info().flush ? Status::ok : Status::unsupported;
    case Operation::discard:
      return check_range(request, VIRTIO_BLK_F_DISCARD, info().max_discard_sectors);
    case Operation::write_zeroes:
      return check_range(request, VIRTIO_BLK_F_WRITE_ZEROES, info().max_write_zeroes_sectors);
    case Operation::secure_erase:
    case Operation::get_lifetime:
      return Status::unsupported;
  }
  return Status::refused;
}

template <class Memory>
bool VirtioBlk<Memory>::map_segments(std::uint16_t head, const Request& request) {
  Slot& slot = slots_[head];
  hal::BusAddress* const bus = mapped(head);
  slot.mapped = 0;
  for (std::uint16_t i = 0; i < request.segment_count; ++i) {
    bus[i] = machine_->map(request.segments[i].data, request.segments[i].size, direction_of(request.operation));
    if (bus[i] == hal::kInvalidBusAddress) {
      return false;
    }
    ++slot.mapped;
  }
  return true;
}

template <class Memory>
void VirtioBlk<Memory>::unmap_segments(std::uint16_t head) {
  const Slot& slot = slots_[head];
  for (std::uint16_t i = 0; i < slot.mapped; ++i) {
    machine_->unmap(mapped(head)[i], slot.request->segments[i].size, direction_of(slot.request->operation));
  }
}

// Header, data or range, status (5.2.6): all that the device reads comes before all that it writes (2.7.4.2).
template <class Memory>
std::uint16_t VirtioBlk<Memory>::write_pieces(std::uint16_t head, const Request& request, virtio::Piece* pieces) {
  constexpr std::uint32_t kHeaderBytes = 16;
  constexpr std::uint32_t kRangeBytes = 16;
  const hal::BusAddress frame_bus = frames_.bus + head * sizeof(Frame);
  Frame* const frame_cpu = frame(head);
  const bool sector_counts = request.operation == Operation::read || request.operation == Operation::write;
  memory_.store(&frame_cpu->type, std::uint64_t{type_of(request.operation)});
  memory_.store(&frame_cpu->sector, sector_counts ? request.sector : 0);  // 5.2.6.1: 0 where it has no meaning
  std::uint16_t count = 0;
  pieces[count++] = {frame_bus, kHeaderBytes, false};

  std::uint32_t writable = 1;  // the status byte
  if (carries_data(request.operation)) {
    const bool device_writes = device_writes_data(request.operation);
    for (std::uint16_t i = 0; i < request.segment_count; ++i) {
      pieces[count++] = {mapped(head)[i], request.segments[i].size, device_writes};
      writable += device_writes ? request.segments[i].size : 0;
    }
  } else if (carries_range(request.operation)) {
    const bool unmap = request.unmap && request.operation == Operation::write_zeroes;  // reserved for discard (5.2.6.1)
    memory_.store(&frame_cpu->range_sector, request.sector);
    memory_.store(&frame_cpu->range_count_flags,
                  request.sector_count | std::uint64_t{unmap ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0u} << 32);
    pieces[count++] = {frame_bus + offsetof(Frame, range_sector), kRangeBytes, false};
  }
  memory_.store(status_byte(head), kStatusUnset);
  pieces[count++] = {statuses_.bus + head, 1, true};
  slots_[head].writable = writable;
  return count;
}

template <class Memory>
void VirtioBlk<Memory>::write_table(std::uint16_t head, const virtio::Piece* pieces, std::uint16_t count) {
  const std::size_t first = head * (std::size_t{segments_} + kHeaderAndStatus);
  virtio::Descriptor* const table = static_cast<virtio::Descriptor*>(tables_.cpu) + first;
  for (std::uint16_t i = 0; i < count; ++i) {
    const bool last = i + 1 == count;
    const unsigned flags = (pieces[i].device_writable ? virtio::VIRTQ_DESC_F_WRITE : 0u) |
                           (last ? 0u : unsigned{virtio::VIRTQ_DESC_F_NEXT});
    const auto next = last ? std::uint16_t{0} : static_cast<std::uint16_t>(i + 1);
    memory_.store(&table[i].address, hal::raw(pieces[i].address));
    memory_.store(&table[i].length_flags_next, virtio::pack(pieces[i].length, static_cast<std::uint16_t>(flags), next));
  }
  queue_.write_indirect(head, tables_.bus + first * sizeof(virtio::Descriptor), count);
}

template <class Memory>
typename VirtioBlk<Memory>::Sent VirtioBlk<Memory>::send(Request& request, std::uint64_t deadline) {
  const bool indirect = tables_.cpu != nullptr && controller_.has(virtio::VIRTIO_F_INDIRECT_DESC);
  const std::uint16_t data = carries_range(request.operation) ? std::uint16_t{1} : request.segment_count;
  const auto needed = static_cast<std::uint16_t>(indirect ? 1 : data + kHeaderAndStatus);
  const std::uint16_t head = queue_.take_head(needed);
  if (head == virtio::kNoDescriptor) {
    return Sent::full;
  }
  slots_[head].request = &request;
  slots_[head].deadline = deadline;
  if (!map_segments(head, request)) {
    unmap_segments(head);
    queue_.give_back(head);
    return Sent::unmappable;
  }
  virtio::Piece pieces[kMaxSegments + kHeaderAndStatus];
  const std::uint16_t count = write_pieces(head, request, pieces);
  if (indirect) {
    write_table(head, pieces, count);
  } else {
    queue_.write_chain(head, pieces, count);
  }
  queue_.offer(head);
  earliest_ = deadline < earliest_ ? deadline : earliest_;
  return Sent::yes;
}

// Requests that complete leave `earliest_` too early, which is safe but would wake a waiter for nothing: so it is made
// exact again when nothing flies, and otherwise often enough that it never lags by a whole timeout.
template <class Memory>
void VirtioBlk<Memory>::refresh_earliest(std::uint64_t now) {
  if (queue_.in_flight() == 0) {
    earliest_ = kNever;
    refreshed_ = now;
  } else if (now - refreshed_ > options_.timeout / 4) {
    earliest_ = earliest_deadline();
    refreshed_ = now;
  }
}

template <class Memory>
std::size_t VirtioBlk<Memory>::submit(Request* const* requests, std::size_t count) {
  const std::uint64_t now = machine_->now();
  refresh_earliest(now);
  std::size_t taken = 0;
  bool sent = false;
  for (; taken < count; ++taken) {
    Request& request = *requests[taken];
    const Status verdict = dead_ ? Status::device_lost : check(request);
    if (verdict != Status::ok) {
      if (refused_count_ == slot_count_) {
        break;
      }
      refuse(request, verdict);
      continue;
    }
    request.status = Status::pending;
    const Sent outcome = send(request, request.deadline != 0 ? request.deadline : now + options_.timeout);
    if (outcome == Sent::full || (outcome == Sent::unmappable && refused_count_ == slot_count_)) {
      break;
    }
    if (outcome == Sent::unmappable) {
      refuse(request, Status::refused);
    }
    sent = sent || outcome == Sent::yes;
  }
  if (sent && queue_.expose()) {
    controller_.doorbell().ring(0);
  }
  return taken;
}

// --- What comes back ---------------------------------------------------------------------------------------------

template <class Memory>
void VirtioBlk<Memory>::refuse(Request& request, Status status) {
  request.status = Status::pending;
  request.used_length = static_cast<std::uint32_t>(status);  // until it completes
  refused_[refused_count_++] = &request;
}

template <class Memory>
void VirtioBlk<Memory>::finish_refused() {
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

template <class Memory>
void VirtioBlk<Memory>::end(Request& request, Status status) {
  request.status = status;
  ++finished_;
  if (request.done != nullptr) {
    request.done(request);
  }
}

template <class Memory>
Status VirtioBlk<Memory>::status_of(std::uint8_t byte) {
  switch (byte) {
    case VIRTIO_BLK_S_OK:
      return Status::ok;
    case VIRTIO_BLK_S_IOERR:
      return Status::io_error;
    case VIRTIO_BLK_S_UNSUPP:
      return Status::unsupported;
    default:
      ++counters_.unknown_status;
      return Status::io_error;
  }
}

template <class Memory>
void VirtioBlk<Memory>::finish(std::uint16_t head, std::uint32_t used_length) {
  const Slot& slot = slots_[head];
  Request& request = *slot.request;
  // Clamped and counted, not fatal: devices in the field overstate it.
  if (used_length > slot.writable) {
    ++counters_.used_length_clamped;
    used_length = slot.writable;
  }
  request.used_length = used_length;
  unmap_segments(head);
  end(request, status_of(memory_.load(status_byte(head))));
}

template <class Memory>
void VirtioBlk<Memory>::count_error(virtio::UsedError error) {
  ++(error == virtio::UsedError::id_out_of_range ? counters_.used_id_out_of_range : counters_.used_id_not_in_flight);
}

template <class Memory>
std::size_t VirtioBlk<Memory>::poll() {
  finished_ = 0;
  finish_refused();
  const std::uint32_t pending = queue_.look();
  if (pending == virtio::kUsedIndexJumped) {
    ++counters_.used_index_jumped;
    recover(0);
    return finished_;
  }
  for (std::uint32_t i = 0; i < pending; ++i) {
    virtio::Used used;
    if (const virtio::UsedError error = queue_.take(used); error != virtio::UsedError::none) {
      count_error(error);
      recover(0);
      break;
    }
    finish(used.head, used.length);
  }
  return finished_;
}

template <class Memory>
std::size_t VirtioBlk<Memory>::wait(std::size_t count) {
  std::size_t completed = poll();
  while (completed < count && in_flight() != 0) {
    const std::size_t missing = count - completed;
    const std::uint16_t flying = queue_.in_flight();
    sleep(missing < flying ? static_cast<std::uint16_t>(missing) : flying);
    completed += finished_;
    completed += poll();
  }
  return completed;
}

// Sleeps until `count` more are used, something else happened, or the earliest deadline passed and has been dealt with.
template <class Memory>
void VirtioBlk<Memory>::sleep(std::uint16_t count) {
  finished_ = 0;
  if (count == 0) {
    return;  // only refused requests are left, and poll() ends those
  }
  if (controller_.completion() == Completion::polled) {
    machine_->relax(earliest_);
    if (machine_->now() >= earliest_) {
      expire();
    }
    return;
  }
  // Counter first, then arm, then look once more: whatever happens in between is seen by one of the three.
  const std::uint64_t seen = settle_interrupts();
  queue_.arm(count);
  if (queue_.look() == 0) {
    wait_for_interrupt(seen);
  }
}

// The counter up to which interrupts have been dealt with. An INTx that came while nobody waited is acknowledged here:
// its line stays masked until then, and the next one would never be seen.
template <class Memory>
std::uint64_t VirtioBlk<Memory>::settle_interrupts() {
  const std::uint64_t count = machine_->interrupts(controller_.vector());
  if (count != settled_) {
    settled_ = count;
    controller_.acknowledge_interrupt();
  }
  return count;
}

// A line that is stuck wakes at once, again and again: so deadlines are looked at after a wake for nothing too.
template <class Memory>
void VirtioBlk<Memory>::wait_for_interrupt(std::uint64_t seen) {
  const std::uint64_t deadline = unexplained_ && explain_by_ < earliest_ ? explain_by_ : earliest_;
  const bool woken = machine_->wait(controller_.vector(), seen, deadline);
  if (woken) {
    static_cast<void>(settle_interrupts());
    if (queue_.look() != 0) {
      unexplained_ = false;
      return;
    }
  }
  const std::uint64_t now = machine_->now();
  if (now >= earliest_) {
    expire();
  } else if (!unexplained_) {
    unexplained_ = woken;
    explain_by_ = now + kExplanationTime;
  } else if (now >= explain_by_) {
    unexplained_ = false;
    inspect_device();
  }
}

// An interrupt without a used buffer, and none after it: a configuration change, a device that broke, or nothing at
// all.
template <class Memory>
void VirtioBlk<Memory>::inspect_device() {
  const std::uint8_t status = controller_.transport().status();
  if (status == virtio::kStatusRemoved || (status & virtio::VIRTIO_CONFIG_S_NEEDS_RESET) != 0) {
    recover(0);
  } else if (controller_.refresh_configuration()) {
    ++counters_.config_changes;
  } else {
    ++counters_.spurious_interrupts;
  }
}

template <class Memory>
std::uint64_t VirtioBlk<Memory>::earliest_deadline() const {
  std::uint64_t earliest = kNever;
  for (std::uint16_t head = 0; head < queue_.size(); ++head) {
    if (queue_.is_in_flight(head) && slots_[head].deadline < earliest) {
      earliest = slots_[head].deadline;
    }
  }
  return earliest;
}

template <class Memory>
void VirtioBlk<Memory>::expire() {
  const std::uint64_t now = machine_->now();
  if (queue_.look() != 0) {
    // The work is done, only nobody said so. poll() takes it. A line may still be high, and must be lowered and
    // re-armed as if the interrupt had come, or none would ever come again.
    counters_.lost_interrupts += controller_.completion() == Completion::polled ? 0 : 1;
    controller_.acknowledge_interrupt();
    return;
  }
  earliest_ = earliest_deadline();
  if (earliest_ <= now) {
    recover(now);
  }
}

// Takes the device back and brings it up again. What it had ends: with timed_out where the deadline lies at or before
// `expired_before`, with device_lost otherwise; only after the reset, when the device can no longer touch its buffers.
template <class Memory>
void VirtioBlk<Memory>::recover(std::uint64_t expired_before) {
  ++counters_.resets;
  const bool obeyed = controller_.stop();
  const std::uint16_t size = queue_.size();
  for (std::uint16_t head = 0; head < size; ++head) {
    if (queue_.is_in_flight(head)) {
      unmap_segments(head);
    }
  }
  dead_ = true;  // callbacks may submit, but not to a device that is down
  for (std::uint16_t head = 0; head < size; ++head) {
    if (queue_.is_in_flight(head)) {
      const bool expired = slots_[head].deadline <= expired_before;
      counters_.timeouts += expired ? 1 : 0;
      end(*slots_[head].request, expired ? Status::timed_out : Status::device_lost);
    }
  }
  queue_.release();
  dead_ = !(obeyed && controller_.negotiate() && bring_up());
}

// --- The rest of the device --------------------------------------------------------------------------------------

template <class Memory>
Status VirtioBlk<Memory>::set_write_cache(bool write_back) {
  if (dead_ || !controller_.has(VIRTIO_BLK_F_CONFIG_WCE)) {
    return dead_ ? Status::device_lost : Status::unsupported;
  }
  controller_.transport().device_config().write8(kConfigWriteback, write_back ? 1 : 0);
  return write_cache() == write_back ? Status::ok : Status::io_error;
}

template <class Memory>
bool VirtioBlk<Memory>::write_cache() {
  if (controller_.has(VIRTIO_BLK_F_CONFIG_WCE)) {
    return controller_.transport().device_config().read8(kConfigWriteback) != 0;
  }
  return controller_.has(VIRTIO_BLK_F_FLUSH);  // 5.2.5.1: FLUSH without CONFIG_WCE means write-back
}

template <class Memory>
Status VirtioBlk<Memory>::reset_queue(std::uint16_t queue_size) {
  if (dead_ || !controller_.has(virtio::VIRTIO_F_RING_RESET)) {
    return dead_ ? Status::device_lost : Status::unsupported;
  }
  const std::uint16_t size = queue_size == 0 ? queue_.size() : queue_size;
  if (!hal::is_power_of_two(size) || size < 2 || size > slot_count_) {
    return Status::refused;
  }
  if (!controller_.transport().reset_queue(kRequestQueue)) {
    recover(0);
    return Status::device_lost;
  }
  for (std::uint16_t head = 0; head < queue_.size(); ++head) {
    if (queue_.is_in_flight(head)) {
      unmap_segments(head);
      end(*slots_[head].request, Status::device_lost);
    }
  }
  queue_.release();
  if (!queue_.init(*machine_, size, controller_.has(virtio::VIRTIO_F_EVENT_IDX)) ||
      !controller_.start_queue(size, queue_.addresses())) {
    recover(0);
    return Status::device_lost;
  }
  return Status::ok;
}

template class VirtioBlk<hal::Plain>;
template class VirtioBlk<hal::Observed>;

}  // namespace ringside::block
