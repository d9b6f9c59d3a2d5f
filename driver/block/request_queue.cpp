#include "driver/block/request_queue.h"

#include <initializer_list>

#include "driver/block/controller.h"
#include "driver/hal/memory.h"
#include "driver/hal/mutant.h"

namespace ringside::block {

// --- Life --------------------------------------------------------------------------------------------------------

template <class Ring>
bool RequestQueue<Ring>::allocate(hal::Machine& machine, const SlotLimits& limits) {
  machine_ = &machine;
  limits_ = limits;
  const std::size_t slots = limits.slots;
  slots_ = static_cast<Slot*>(machine.alloc_private(slots * sizeof(Slot), alignof(Slot)));
  mapped_ = static_cast<hal::BusAddress*>(
      machine.alloc_private(slots * limits.segments * sizeof(hal::BusAddress), alignof(hal::BusAddress)));
  frames_ = machine.alloc_dma_buffer(slots * sizeof(RequestFrame), alignof(std::uint64_t));
  statuses_ = machine.alloc_dma_buffer(slots, 1);
  if (limits.indirect) {
    tables_ =
        machine.alloc_dma_buffer(slots * table_entries() * sizeof(virtio::Descriptor), alignof(virtio::Descriptor) * 2);
  }
  return slots_ != nullptr && mapped_ != nullptr && frames_.cpu != nullptr && statuses_.cpu != nullptr &&
         (tables_.cpu != nullptr || !limits.indirect);
}

template <class Ring>
void RequestQueue<Ring>::release() {
  ring_.release();
  for (hal::DmaBuffer* const buffer : {&frames_, &statuses_, &tables_}) {
    if (buffer->cpu != nullptr) {
      machine_->free_dma_buffer(*buffer);
    }
    *buffer = {};
  }
}

template <class Ring>
bool RequestQueue<Ring>::start(const virtio::QueueShape& shape, bool indirect) {
  // The slots were made for what the device said first; brought up again, it may say something else.
  if (shape.size > limits_.slots || !ring_.init(*machine_, shape)) {
    return false;
  }
  indirect_ = indirect && tables_.cpu != nullptr;
  // By the letter a queue of two carries no data at all, not even behind an indirect table. Devices do not hold it to
  // that, and a disk that only flushes would be none: there one segment is allowed.
  const unsigned room = shape.size > kHeaderAndStatus ? unsigned{shape.size} - kHeaderAndStatus : 1u;
  most_segments_ = static_cast<std::uint16_t>(room < limits_.segments ? room : limits_.segments);
  earliest_ = kNever;
  return true;
}

// --- What is sent ------------------------------------------------------------------------------------------------

template <class Ring>
bool RequestQueue<Ring>::map_segments(std::uint16_t head, const Request& request) {
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

template <class Ring>
void RequestQueue<Ring>::unmap_segments(std::uint16_t head) {
  const Slot& slot = slots_[head];
  for (std::uint16_t i = 0; i < slot.mapped; ++i) {
    machine_->unmap(mapped(head)[i], slot.request->segments[i].size, direction_of(slot.request->operation));
  }
}

// All that the device reads comes before all that it writes (2.7.4.2).
template <class Ring>
std::uint16_t RequestQueue<Ring>::write_pieces(std::uint16_t head, const Request& request, virtio::Piece* pieces) {
  const hal::BusAddress frame_bus = frames_.bus + head * sizeof(RequestFrame);
  RequestFrame* const frame_cpu = frame(head);
  memory_.store(&frame_cpu->type, std::uint64_t{type_of(request.operation)});
  memory_.store(&frame_cpu->sector, header_sector(request));
  std::uint16_t count = 0;
  pieces[count++] = {frame_bus, kHeaderBytes, false};

  std::uint32_t writable = 1;  // the status byte
  if (moves_data(request.operation)) {
    const bool device_writes = device_writes_data(request.operation);
    for (std::uint16_t i = 0; i < request.segment_count; ++i) {
      const std::uint32_t kept = hal::mutant(hal::Mutant::segment_size_in_16_bits) ? 0xffffu : 0xffff'ffffu;
      pieces[count++] = {mapped(head)[i], request.segments[i].size & kept,
                         device_writes != hal::mutant(hal::Mutant::data_direction_wrong)};
      writable += device_writes ? request.segments[i].size : 0;
    }
  } else if (names_range(request.operation)) {
    memory_.store(&frame_cpu->range_sector, request.sector);
    memory_.store(&frame_cpu->range_count_flags, range_count_flags(request));
    pieces[count++] = {frame_bus + offsetof(RequestFrame, range_sector), kRangeBytes, false};
  }
  memory_.store(status_byte(head), kStatusUnset);
  pieces[count++] = {statuses_.bus + head, 1, true};
  slots_[head].writable = writable;
  return count;
}

template <class Ring>
void RequestQueue<Ring>::write_table(std::uint16_t head, const virtio::Piece* pieces, std::uint16_t count) {
  const std::size_t first = head * table_entries();
  Ring::write_table(memory_, static_cast<virtio::Descriptor*>(tables_.cpu) + first, pieces, count);
  ring_.write_indirect(head, tables_.bus + first * sizeof(virtio::Descriptor), count);
}

template <class Ring>
typename RequestQueue<Ring>::Sent RequestQueue<Ring>::send(Request& request, std::uint64_t deadline) {
  const std::uint16_t head = ring_.take_head(indirect_ ? std::uint16_t{1} : pieces_of(request));
  if (head == virtio::kNoDescriptor) {
    return Sent::full;
  }
  slots_[head].request = &request;
  slots_[head].deadline = deadline;
  if (!map_segments(head, request)) {
    unmap_segments(head);
    ring_.give_back(head);
    return Sent::unmappable;
  }
  virtio::Piece pieces[kMaxSegments + kHeaderAndStatus];
  const std::uint16_t count = write_pieces(head, request, pieces);
  if (indirect_) {
    write_table(head, pieces, count);
  } else {
    ring_.write_chain(head, pieces, count);
  }
  ring_.offer(head);
  earliest_ = deadline < earliest_ ? deadline : earliest_;
  return Sent::yes;
}

template <class Ring>
void RequestQueue<Ring>::publish() {
  if (ring_.expose()) {
    doorbell_.ring(ring_.next_position());
  }
}

// --- What comes back ---------------------------------------------------------------------------------------------

template <class Ring>
Status RequestQueue<Ring>::status_of(std::uint8_t byte, Counters& counters) {
  switch (byte) {
    case VIRTIO_BLK_S_OK:
      return Status::ok;
    case VIRTIO_BLK_S_IOERR:
      return Status::io_error;
    case VIRTIO_BLK_S_UNSUPP:
      return Status::unsupported;
    default:
      ++counters.unknown_status;
      return Status::io_error;
  }
}

template <class Ring>
std::uint32_t RequestQueue<Ring>::written(const Slot& slot, const virtio::Used& used, Counters& counters) const {
  if (used.skipped) {
    return slot.writable;
  }
  // Clamped and counted, not fatal: devices in the field overstate it.
  if (used.length > slot.writable) {
    ++counters.used_length_clamped;
    return slot.writable;
  }
  return used.length;
}

template <class Ring>
Finished RequestQueue<Ring>::take(Counters& counters) {
  virtio::Used used;
  if (const virtio::UsedError error = ring_.take(used); error != virtio::UsedError::none) {
    return {error, nullptr, Status::device_lost};
  }
  const Slot& slot = slots_[used.head];
  slot.request->used_length = written(slot, used, counters);
  unmap_segments(used.head);
  if (hal::mutant(hal::Mutant::status_byte_not_read)) {
    return {virtio::UsedError::none, slot.request, Status::ok};
  }
  return {virtio::UsedError::none, slot.request, status_of(memory_.load(status_byte(used.head)), counters)};
}

template <class Ring>
void RequestQueue<Ring>::unmap_in_flight() {
  for (std::uint16_t head = 0; head < ring_.size(); ++head) {
    if (ring_.is_in_flight(head)) {
      unmap_segments(head);
    }
  }
}

template <class Ring>
void RequestQueue<Ring>::refresh_earliest(std::uint64_t now, std::uint64_t interval) {
  if (ring_.in_flight() == 0) {
    earliest_ = kNever;
    refreshed_ = now;
  } else if (now - refreshed_ >= interval) {
    earliest_ = kNever;
    for_each_in_flight(
        [this](const Request&, std::uint64_t deadline) { earliest_ = deadline < earliest_ ? deadline : earliest_; });
    refreshed_ = now;
  }
}

template class RequestQueue<virtio::SplitQueue<hal::Plain>>;
template class RequestQueue<virtio::SplitQueue<hal::Observed>>;
template class RequestQueue<virtio::PackedQueue<hal::Plain>>;
template class RequestQueue<virtio::PackedQueue<hal::Observed>>;

}  // namespace ringside::block
