#include "driver/block/request_queue.h"

#include <initializer_list>

#include "driver/block/controller.h"
#include "driver/block/request_path.h"
#include "driver/hal/memory.h"
#include "driver/hal/mutant.h"

namespace ringside::block {

// --- Life --------------------------------------------------------------------------------------------------------

template <class Ring>
bool RequestQueue<Ring>::allocate(hal::Machine& machine, const SlotLimits& limits) {
  machine_ = &machine;
  limits_ = limits;
  direct_ = DirectDma(machine.info().direct_dma);
  const std::size_t slots = limits.slots;
  slots_ = static_cast<Slot*>(machine.alloc_private(slots * sizeof(Slot), alignof(Slot)));
  mapped_ = static_cast<hal::BusAddress*>(
      machine.alloc_private(slots * limits.segments * sizeof(hal::BusAddress), alignof(hal::BusAddress)));
  frames_ = machine.alloc_dma_buffer(slots * sizeof(RequestFrame), alignof(std::uint64_t));
  statuses_ = machine.alloc_dma_buffer(slots, 1);
  if (limits.indirect) {
    tables_ = machine.alloc_dma_buffer(slots * table_bytes(), alignof(virtio::Descriptor) * 2);
  }
  if (slots_ == nullptr || mapped_ == nullptr || frames_.cpu == nullptr || statuses_.cpu == nullptr ||
      (tables_.cpu == nullptr && limits.indirect)) {
    return false;
  }
  for (std::size_t head = 0; head < slots; ++head) {
    Slot& slot = slots_[head];
    slot.frame = static_cast<RequestFrame*>(frames_.cpu) + head;
    slot.status = static_cast<std::uint8_t*>(statuses_.cpu) + head;
    if (limits.indirect) {
      const std::size_t place = head * table_bytes();
      slot.table = reinterpret_cast<virtio::Descriptor*>(static_cast<std::uint8_t*>(tables_.cpu) + place);
      slot.table_bus = tables_.bus + place;
    }
  }
  return true;
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
unsigned RequestQueue<Ring>::abandon() {
  unsigned buffers = ring_.abandon();
  for (hal::DmaBuffer* const buffer : {&frames_, &statuses_, &tables_}) {
    buffers += buffer->cpu != nullptr ? 1 : 0;
    *buffer = {};
  }
  return buffers;
}

template <class Ring>
bool RequestQueue<Ring>::start(const virtio::QueueShape& shape, bool indirect) {
  // The slots were made for what the device said first; brought up again, it may say something else.
  const bool fits = shape.size <= limits_.slots || hal::mutant(hal::Mutant::slots_unchecked);
  if (!fits || !ring_.init(*machine_, shape)) {
    return false;
  }
  counts_lengths_ = !shape.contiguous;
  indirect_ = indirect && tables_.cpu != nullptr;
  // By the letter a queue of two carries no data at all, not even behind an indirect table. Devices do not hold it to
  // that, and a disk that only flushes would be none: there one segment is allowed.
  const unsigned room = shape.size > kHeaderAndStatus ? unsigned{shape.size} - kHeaderAndStatus : 1u;
  most_segments_ = static_cast<std::uint16_t>(room < limits_.segments ? room : limits_.segments);
  earliest_ = kNever;
  for (std::size_t head = 0; head < limits_.slots; ++head) {
    slots_[head].table_length = 0;
    slots_[head].mapped = 0;
    slots_[head].replays = 0;
  }
  return true;
}

// --- What is sent ------------------------------------------------------------------------------------------------

template <class Ring>
hal::BusAddress RequestQueue<Ring>::map_segment(std::uint16_t head, const Request& request) {
  Slot& slot = slots_[head];
  const Segment& segment = request.segments[slot.mapped];
  const hal::BusAddress bus = machine_->map(segment.data, segment.size, direction_of(request.operation));
  if (bus != hal::kInvalidBusAddress) {
    mapped(head)[slot.mapped++] = bus;
  }
  return bus;
}

template <class Ring>
void RequestQueue<Ring>::unmap_segments(std::uint16_t head) {
  Slot& slot = slots_[head];
  for (std::uint16_t i = 0; i < slot.mapped; ++i) {
    machine_->unmap(mapped(head)[i], slot.request->segments[i].size, direction_of(slot.request->operation));
  }
  slot.mapped = 0;
}

template <class Ring>
template <class Write>
bool RequestQueue<Ring>::each_data_piece(std::uint16_t head, const Request& request, Write write) {
  const bool device_writes = device_writes_data(request.operation);
  std::uint32_t writable = 1;  // the status byte
  if (names_range(request.operation)) {
    write(range_piece(head));
  }
  const std::uint16_t segments = moves_data(request.operation) ? request.segment_count : std::uint16_t{0};
  for (std::uint16_t i = 0; i < segments; ++i) {
    const Segment& segment = request.segments[i];
    const hal::BusAddress bus =
        direct_.present() ? direct_.address_of(segment.data, segment.size) : map_segment(head, request);
    if (bus == hal::kInvalidBusAddress) {
      return false;
    }
    const std::uint32_t kept = hal::mutant(hal::Mutant::segment_size_in_16_bits) ? 0xffffu : 0xffff'ffffu;
    write(virtio::Piece{bus, segment.size & kept, device_writes != hal::mutant(hal::Mutant::data_direction_wrong)});
    writable += device_writes ? segment.size : 0;
  }
  slots_[head].writable = writable;
  return true;
}

template <class Ring>
void RequestQueue<Ring>::write_frame(const Slot& slot, const Request& request) {
  memory_.store(&slot.frame->type, std::uint64_t{type_of(request.operation)});
  memory_.store(&slot.frame->sector, header_sector(request));
  if (names_range(request.operation)) {
    memory_.store(&slot.frame->range_sector, request.sector);
    memory_.store(&slot.frame->range_count_flags, range_count_flags(request));
  }
  memory_.store(slot.status, kStatusUnset);
}

// All that the device reads comes before all that it writes (2.7.4.2).
template <class Ring>
bool RequestQueue<Ring>::write_table(std::uint16_t head, const Request& request) {
  Slot& slot = slots_[head];
  std::uint16_t count = 1;  // the header is the first
  const auto add = [&](const virtio::Piece& piece) { Ring::write_entry(memory_, slot.table, count++, piece, false); };
  if (!each_data_piece(head, request, add)) {
    return false;
  }
  finish_table(head, static_cast<std::uint16_t>(count + 1));
  return true;
}

template <class Ring>
bool RequestQueue<Ring>::write_chain(std::uint16_t head, const Request& request) {
  virtio::Piece pieces[kMaxSegments + kHeaderAndStatus];
  std::uint16_t count = 0;
  const auto add = [&](const virtio::Piece& piece) { pieces[count++] = piece; };
  add(header_piece(head));
  if (!each_data_piece(head, request, add)) {
    return false;
  }
  add(status_piece(head));
  ring_.write_chain(head, pieces, count);
  return true;
}

template <class Ring>
typename RequestQueue<Ring>::Sent RequestQueue<Ring>::send(Request& request, std::uint64_t deadline,
                                                           std::uint8_t replays) {
  const std::uint16_t head = ring_.take_head(indirect_ ? std::uint16_t{1} : pieces_of(request));
  if (head == virtio::kNoDescriptor) {
    return Sent::full;
  }
  Slot& slot = slots_[head];
  slot.request = &request;
  slot.deadline = deadline;
  slot.replays = replays;
  if (!(indirect_ ? write_table(head, request) : write_chain(head, request))) {
    unmap_segments(head);
    slot.replays = 0;
    ring_.give_back(head);
    return Sent::unmappable;
  }
  write_frame(slot, request);
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
void RequestQueue<Ring>::unmap_in_flight() {
  for (std::uint16_t head = 0; head < ring_.size(); ++head) {
    if (ring_.is_in_flight(head)) {
      unmap_segments(head);
    }
  }
}

// Too long is clamped: devices in the field overstate it. Too short is what the driver may not look behind (2.7.8.3):
// data that it does not cover is not there, whatever the status byte says. But a device that says 0, though it wrote
// that byte, does not count at all, and of a legacy one the length means nothing (2.7.8.1, 5.2.6.3).
template <class Ring>
Status RequestQueue<Ring>::odd_length(Slot& slot, std::uint32_t length, bool skipped, Status status,
                                      Counters& counters) const {
  if (skipped) {
    return status;
  }
  if (length > slot.writable && !hal::mutant(hal::Mutant::used_length_unchecked)) {
    ++counters.used_length_clamped;
    return status;
  }
  slot.request->used_length = length;
  const std::uint32_t data = slot.writable - 1;  // without the status byte
  const bool too_short = counts_lengths_ && length != 0 && length < data &&
                         !hal::mutant(hal::Mutant::short_read_taken_for_whole) &&
                         !hal::mutant(hal::Mutant::used_length_unchecked);
  if (!too_short || status != Status::ok) {
    return status;
  }
  ++counters.used_length_short;
  return Status::io_error;
}

template <class Ring>
void RequestQueue<Ring>::refresh_earliest(std::uint64_t now, std::uint64_t interval) {
  if (ring_.in_flight() == 0) {
    earliest_ = kNever;
    refreshed_ = now;
  } else if (now - refreshed_ >= interval) {
    earliest_ = kNever;
    for_each_in_flight([this](const Request&, std::uint64_t deadline, std::uint8_t) {
      earliest_ = deadline < earliest_ ? deadline : earliest_;
    });
    refreshed_ = now;
  }
}

template <class Ring>
bool RequestQueue<Ring>::has_expired(std::uint64_t now) {
  refresh_earliest(now, 0);
  return earliest_ <= now;
}

template class RequestQueue<virtio::SplitQueue<hal::Plain>>;
template class RequestQueue<virtio::SplitQueue<hal::Observed>>;
template class RequestQueue<virtio::PackedQueue<hal::Plain>>;
template class RequestQueue<virtio::PackedQueue<hal::Observed>>;

}  // namespace ringside::block
