// What most requests pass on their way onto the ring and back: the members of RequestQueue that are inlined into a
// device's loops. A call for each would cost as much as what it does.
#pragma once

#include "driver/block/request_queue.h"
#include "driver/block/virtio_rules.h"
#include "driver/hal/mutant.h"

namespace ringside::block {

// --- What is sent ------------------------------------------------------------------------------------------------

// Nothing in the loop is a call, so that what it needs stays in registers; and the operation is known, so that nothing
// asks for it.
template <class Ring>
template <Operation kOperation>
[[gnu::always_inline]] inline std::size_t RequestQueue<Ring>::send_plain(Request* const* requests, std::size_t count,
                                                                         const PlainLimits& limits,
                                                                         std::uint64_t deadline) {
  static_assert(kOperation == Operation::read || kOperation == Operation::write);
  constexpr std::uint16_t kPieces = 3;
  constexpr bool kDeviceWrites = device_writes_data(kOperation);
  const std::size_t room = ring_.free_descriptors();
  Request* const* const end = requests + (count < room ? count : room);
  Request* const* next = requests;
  for (; next != end; ++next) {
    Request& request = **next;
    if (request.operation != kOperation || request.queue != number_ || request.deadline != 0 ||
        !is_plain(limits, request)) {
      break;
    }
    const Segment& segment = *request.segments;
    if (!direct_.holds(segment.data, segment.size)) {
      break;
    }
    const std::uint32_t head = ring_.pop_free();
    Slot& slot = slots_[head];
    slot.request = &request;
    slot.deadline = deadline;
    slot.writable = 1 + (kDeviceWrites ? segment.size : 0);
    Ring::write_entry(memory_, slot.table, 1, {direct_.bus_of(segment.data), segment.size, kDeviceWrites}, false);
    finish_table(head, kPieces);
    memory_.store(&slot.frame->type, std::uint64_t{type_of(kOperation)});
    memory_.store(&slot.frame->sector, request.sector);
    memory_.store(slot.status, kStatusUnset);
    ring_.append(head);
    request.status = Status::pending;
  }
  if (next != requests) {
    ring_.count_run(static_cast<std::uint16_t>(next - requests));
    earliest_ = deadline < earliest_ ? deadline : earliest_;
  }
  return static_cast<std::size_t>(next - requests);
}

// Where the header and the status byte lie never changes: a table as long as the slot's last one has them already. A
// device that spoils it goes astray by itself.
template <class Ring>
[[gnu::always_inline]] inline void RequestQueue<Ring>::finish_table(std::uint32_t head, std::uint16_t count) {
  Slot& slot = slots_[head];
  const bool repeated = slot.table_length == count;
  if (!repeated) {
    slot.table_length = count;
    Ring::write_entry(memory_, slot.table, 0, header_piece(head), false);
    Ring::write_entry(memory_, slot.table, static_cast<std::uint16_t>(count - 1), status_piece(head), true);
  }
  ring_.write_indirect(head, slot.table_bus, count, repeated);
}

// --- What comes back ---------------------------------------------------------------------------------------------

template <class Ring>
[[gnu::always_inline]] inline Status RequestQueue<Ring>::status_of(std::uint8_t byte, Counters& counters) {
  if (byte == VIRTIO_BLK_S_OK) {
    return Status::ok;
  }
  if (byte == VIRTIO_BLK_S_UNSUPP) {
    return Status::unsupported;
  }
  counters.unknown_status += byte == VIRTIO_BLK_S_IOERR ? 0 : 1;
  return Status::io_error;
}

template <class Ring>
template <bool kInOrder>
[[gnu::always_inline]] inline Finished RequestQueue<Ring>::take(Counters& counters) {
  virtio::Used used;
  if (const virtio::UsedError error = ring_.template take_next<kInOrder>(used); error != virtio::UsedError::none) {
    return {error, nullptr, Status::device_lost};
  }
  Slot& slot = slots_[used.head];
  slot.request->used_length = slot.writable;
  if (slot.mapped != 0 || slot.replays != 0) {  // side by side, so that it is one comparison
    if (!hal::mutant(hal::Mutant::error_left_mapped) || memory_.load(slot.status) == VIRTIO_BLK_S_OK) {
      unmap_segments(static_cast<std::uint16_t>(used.head));
      slot.replays = 0;
    }
  }
  if (hal::mutant(hal::Mutant::status_byte_not_read)) {
    return {virtio::UsedError::none, slot.request, Status::ok};
  }
  const Status status = status_of(memory_.load(slot.status), counters);
  if (used.length != slot.writable) [[unlikely]] {
    if (hal::mutant(hal::Mutant::length_checked_strictly)) {
      return {virtio::UsedError::id_not_in_flight, nullptr, Status::device_lost};
    }
    // By value: a reference would put the element into memory, on the way of every request.
    return {virtio::UsedError::none, slot.request, odd_length(slot, used.length, used.skipped, status, counters)};
  }
  return {virtio::UsedError::none, slot.request, status};
}

}  // namespace ringside::block
