// The packed virtqueue (VIRTIO 1.2, 2.8), driver's side, over a hot-memory policy.
//
// One ring of descriptors that both sides write: the driver makes chains available from next_available_ on, the device
// overwrites the first descriptor of a used chain with the chain's id. Wrap counters tell one round from the next.
//
// Trust: the device may write the whole ring at any time. So a chain's length, which ids are in flight and both
// positions live in private memory; a descriptor is never read back but for what the device reports in it, and that is
// read once and checked against our own records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "driver/hal/machine.h"
#include "driver/hal/memory.h"
#include "driver/hal/mutant.h"
#include "driver/virtio/flight_order.h"
#include "driver/virtio/queue.h"
#include "driver/virtio/spec.h"
#include "driver/virtio/transport.h"

namespace ringside::virtio {

template <class Memory>
class PackedQueue {
 public:
  using MemoryPolicy = Memory;
  // A used descriptor tells of itself only; where the next one will be depends on the length of this one's chain.
  static constexpr bool kLookCountsAll = false;
  static constexpr bool kPacked = true;

  explicit PackedQueue(Memory memory) : memory_(memory) {}

  // Allocates the ring, both event suppression structures and the private state. False when memory has run out, with
  // everything given back. Called again after release(), it keeps the private state if it is big enough.
  [[nodiscard]] bool init(hal::Machine& machine, const QueueShape& shape);
  // Frees the shared parts and forgets what was in flight: only when the device no longer uses them.
  void release();

  [[nodiscard]] QueueAddresses addresses() const { return {ring_.bus, driver_area_.bus, device_area_.bus}; }
  [[nodiscard]] std::uint16_t size() const { return size_; }
  [[nodiscard]] std::uint16_t free_descriptors() const { return free_count_; }
  [[nodiscard]] std::uint16_t in_flight() const { return in_flight_; }
  [[nodiscard]] bool is_in_flight(std::uint16_t id) const { return chain_length_[id] != 0; }

  // Takes a buffer id for a chain; kNoDescriptor when fewer than `needed` descriptors are free.
  [[nodiscard]] std::uint16_t take_head(std::uint16_t needed);
  // Returns an id that was taken and not written.
  void give_back(std::uint16_t id);
  // Writes a chain of ordinary descriptors. The device does not see it before expose().
  void write_chain(std::uint16_t id, const Piece* pieces, std::uint16_t count);
  // Fills an indirect table, then writes one descriptor that points at it. In the table only the order counts: ids and
  // all flags but WRITE are reserved (2.8.7).
  static void write_table(Memory memory, Descriptor* table, const Piece* pieces, std::uint16_t count);
  void write_indirect(std::uint16_t id, hal::BusAddress table, std::uint16_t count);
  // The chain that was written is complete.
  void offer(std::uint16_t id);
  // Hands over all that was offered. True when the device wants to be notified.
  [[nodiscard]] bool expose();
  // What a doorbell says with VIRTIO_F_NOTIFICATION_DATA: where the next chain will be, with the wrap counter (2.9).
  [[nodiscard]] std::uint16_t next_position() const { return packed(next_available_); }

  // 0 when nothing is used, else how many take() will give before the next look: 1, or more in order.
  [[nodiscard]] std::uint32_t look();
  // Takes the next one; only as many as look() said. Its descriptors are free again when this returns `none`. In
  // order, one used descriptor may stand for several chains, and each comes by itself.
  [[nodiscard]] UsedError take(Used& used);

  // Asks for an interrupt once `count` more chains are used (1 when the event index was not negotiated), or for none.
  // After arming, the caller looks again: what was used meanwhile raises no interrupt (2.8.20). Chains differ in
  // length, so the interrupt may come before the `count`-th, and never after it.
  void arm(std::uint16_t count);
  void disarm();

 private:
  // A place in the ring: 0 .. size-1 while the wrap counter is 1, as in the first round, and size .. 2*size-1 while it
  // is 0. So two rounds make a circle, and a distance is one subtraction.
  using Place = std::uint32_t;

  [[nodiscard]] Place forward(Place place, std::uint32_t distance) const {
    const Place sum = place + distance;  // distance is at most 2 * size
    return sum < circle_ ? sum : sum - circle_;
  }
  [[nodiscard]] bool wrap_counter(Place place) const {
    return place < size_ || hal::mutant(hal::Mutant::wrap_counter_lost);
  }
  [[nodiscard]] std::uint16_t offset(Place place) const {
    return static_cast<std::uint16_t>(place < size_ ? place : place - size_);
  }
  // As in an event suppression structure: 15 bits of offset, and the wrap counter (2.8.10).
  [[nodiscard]] std::uint16_t packed(Place place) const {
    return static_cast<std::uint16_t>(offset(place) | (wrap_counter(place) ? kWrapBit : 0u));
  }
  [[nodiscard]] std::uint16_t available_flags(Place place) const {
    return wrap_counter(place) ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED;
  }
  [[nodiscard]] PackedDescriptor* descriptor(Place place) const {
    return static_cast<PackedDescriptor*>(ring_.cpu) + offset(place);
  }

  void write_descriptor(const Piece& piece, std::uint16_t id, unsigned flags);
  void advance_used(std::uint16_t id);
  [[nodiscard]] UsedError read_used(Used& used);
  [[nodiscard]] UsedError take_in_order(Used& used);

  static constexpr std::uint16_t kWrapBit = 0x8000;

  hal::Machine* machine_ = nullptr;
  [[no_unique_address]] Memory memory_;

  // Shared with the device.
  hal::DmaBuffer ring_;         // both sides write it
  hal::DmaBuffer driver_area_;  // the device only reads it, if it is honest
  hal::DmaBuffer device_area_;  // the device writes it

  // Private.
  FlightOrder order_;                      // only with in_order_
  std::uint16_t* next_ = nullptr;          // per id: the next free one
  std::uint16_t* chain_length_ = nullptr;  // per id: ring descriptors of the chain in flight; 0 = not in flight
  std::uint16_t size_ = 0;
  std::uint16_t private_size_ = 0;  // what the private arrays were made for
  std::uint16_t free_id_ = kNoDescriptor;
  std::uint16_t free_count_ = 0;  // descriptors; there are never fewer free ids
  std::uint16_t in_flight_ = 0;
  std::uint16_t first_flags_ = 0;  // of the descriptor at exposed_: held back until expose()
  Place circle_ = 0;               // 2 * size
  Place next_available_ = 0;
  Place exposed_ = 0;  // up to here the device has been told
  Place next_used_ = 0;
  std::uint32_t batch_length_ = 0;  // what the used descriptor of the batch being taken said
  bool event_index_ = false;
  bool in_order_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Memory>
bool PackedQueue<Memory>::init(hal::Machine& machine, const QueueShape& shape) {
  constexpr std::size_t kRingAlignment = 16;  // 2.8: descriptor ring 16, event suppression 4
  constexpr std::size_t kAreaAlignment = 4;
  machine_ = &machine;
  size_ = shape.size;
  if (private_size_ < size_) {
    next_ = static_cast<std::uint16_t*>(machine.alloc_private(size_ * sizeof(std::uint16_t), alignof(std::uint16_t)));
    chain_length_ =
        static_cast<std::uint16_t*>(machine.alloc_private(size_ * sizeof(std::uint16_t), alignof(std::uint16_t)));
    private_size_ = size_;
  }
  ring_ = machine.alloc_dma_buffer(size_ * sizeof(PackedDescriptor), kRingAlignment);
  driver_area_ = machine.alloc_dma_buffer(sizeof(std::uint32_t), kAreaAlignment);
  device_area_ = machine.alloc_dma_buffer(sizeof(std::uint32_t), kAreaAlignment);
  if (next_ == nullptr || chain_length_ == nullptr || (shape.in_order && !order_.init(machine, size_)) ||
      ring_.cpu == nullptr || driver_area_.cpu == nullptr || device_area_.cpu == nullptr) {
    private_size_ = 0;
    release();
    return false;
  }
  event_index_ = shape.event_index;
  in_order_ = shape.in_order;
  for (std::uint16_t i = 0; i < size_; ++i) {
    next_[i] = static_cast<std::uint16_t>(i + 1);
    chain_length_[i] = 0;
  }
  free_id_ = 0;
  free_count_ = size_;
  in_flight_ = 0;
  circle_ = 2u * size_;
  next_available_ = exposed_ = next_used_ = 0;  // both wrap counters start at 1 (2.8.1)
  disarm();
  return true;
}

template <class Memory>
void PackedQueue<Memory>::release() {
  size_ = free_count_ = in_flight_ = 0;
  for (hal::DmaBuffer* const part : {&ring_, &driver_area_, &device_area_}) {
    if (part->cpu != nullptr) {
      machine_->free_dma_buffer(*part);
    }
    *part = {};
  }
}

template <class Memory>
std::uint16_t PackedQueue<Memory>::take_head(std::uint16_t needed) {
  if (free_count_ < needed) {
    return kNoDescriptor;
  }
  const std::uint16_t id = free_id_;
  free_id_ = next_[id];
  return id;
}

template <class Memory>
void PackedQueue<Memory>::give_back(std::uint16_t id) {
  next_[id] = free_id_;
  free_id_ = id;
}

// The flags come last, for they hand the descriptor over; but only those of the first descriptor since the last
// expose() matter, as the device stops at one that is not available. They wait until expose().
template <class Memory>
void PackedQueue<Memory>::write_descriptor(const Piece& piece, std::uint16_t id, unsigned flags) {
  PackedDescriptor* const here = descriptor(next_available_);
  const auto all_flags = static_cast<std::uint16_t>(flags | available_flags(next_available_) |
                                                    (piece.device_writable ? unsigned{VIRTQ_DESC_F_WRITE} : 0u));
  memory_.store(&here->address, hal::raw(piece.address));
  memory_.store(&here->length, piece.length);
  memory_.store(&here->id, id);
  if (next_available_ == exposed_) {
    first_flags_ = all_flags;
  } else {
    memory_.store(&here->flags, all_flags);
  }
  next_available_ = forward(next_available_, 1);
}

template <class Memory>
void PackedQueue<Memory>::write_chain(std::uint16_t id, const Piece* pieces, std::uint16_t count) {
  for (std::uint16_t i = 0; i < count; ++i) {
    write_descriptor(pieces[i], id, i + 1 == count ? 0u : unsigned{VIRTQ_DESC_F_NEXT});
  }
  chain_length_[id] = count;
  free_count_ = static_cast<std::uint16_t>(free_count_ - count);
}

template <class Memory>
void PackedQueue<Memory>::write_table(Memory memory, Descriptor* table, const Piece* pieces, std::uint16_t count) {
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::uint16_t flags = pieces[i].device_writable ? VIRTQ_DESC_F_WRITE : std::uint16_t{0};
    memory.store(&table[i].address, hal::raw(pieces[i].address));
    memory.store(&table[i].length_flags_next, pack(pieces[i].length, 0, flags));  // le16 id, le16 flags
  }
}

template <class Memory>
void PackedQueue<Memory>::write_indirect(std::uint16_t id, hal::BusAddress table, std::uint16_t count) {
  const auto bytes = static_cast<std::uint32_t>(count * sizeof(PackedDescriptor));
  write_descriptor({table, bytes, false}, id, VIRTQ_DESC_F_INDIRECT);
  chain_length_[id] = 1;
  --free_count_;
}

template <class Memory>
void PackedQueue<Memory>::offer(std::uint16_t id) {
  ++in_flight_;
  if (in_order_) {
    order_.append(id);
  }
}

template <class Memory>
bool PackedQueue<Memory>::expose() {
  if (next_available_ == exposed_) {
    return false;
  }
  // Pairs with the device's read of these flags: whoever sees them sees all the descriptors behind them (2.8.21).
  memory_.template fence<hal::Fence::avail_publish>();
  memory_.store(&descriptor(exposed_)->flags, first_flags_);
  // Pairs with the device, which writes its event suppression and then looks for descriptors again: without a full
  // fence both sides could miss the other's store, and both would sleep (2.8.21.3.1).
  memory_.template fence<hal::Fence::avail_notify>();
  const Place before = exposed_;
  exposed_ = next_available_;
  // Both halves in one read: the offset belongs to the flags.
  const std::uint32_t suppression = memory_.load(static_cast<const std::uint32_t*>(device_area_.cpu));
  const std::uint32_t flags = suppression >> 16 & 3;
  const std::uint32_t event = suppression & (kWrapBit - 1u);
  if (flags != RING_EVENT_FLAGS_DESC || !event_index_ || event >= size_) {
    return flags != RING_EVENT_FLAGS_DISABLE;  // a notification too many harms nobody
  }
  const Place wanted = (suppression & kWrapBit) != 0 ? event : event + size_;
  return forward(wanted, circle_ - before) < forward(next_available_, circle_ - before);
}

template <class Memory>
std::uint32_t PackedQueue<Memory>::look() {
  if (in_flight_ == 0) {
    return 0;  // nothing can have been used; and after release() there is no ring
  }
  if (in_order_ && order_.reported() != 0) {
    return order_.reported();
  }
  const std::uint16_t flags = memory_.load(&descriptor(next_used_)->flags);
  // Pairs with the device's release of these flags: id, length, status bytes and data are read after them.
  memory_.template fence<hal::Fence::used_consume>();
  // Used in this round: both bits equal the wrap counter (2.8.1).
  const std::uint16_t both = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;
  return (flags & both) == (wrap_counter(next_used_) ? both : 0) ? 1 : 0;
}

template <class Memory>
UsedError PackedQueue<Memory>::take(Used& used) {
  if (in_order_) {
    return take_in_order(used);
  }
  const UsedError error = read_used(used);
  if (error == UsedError::none) {
    advance_used(used.head);
  }
  return error;
}

template <class Memory>
UsedError PackedQueue<Memory>::read_used(Used& used) {
  const PackedDescriptor* const here = descriptor(next_used_);
  const std::uint16_t id = memory_.load(&here->id);
  used.length = memory_.load(&here->length);
  if (id >= size_) {
    return UsedError::id_out_of_range;
  }
  used.head = id;
  return is_in_flight(id) ? UsedError::none : UsedError::id_not_in_flight;
}

// 2.8.8: the used descriptor of a batch lies where the batch begins, and names the batch's last chain. The next one
// lies behind all the descriptors of all of them.
template <class Memory>
UsedError PackedQueue<Memory>::take_in_order(Used& used) {
  if (order_.reported() == 0) {
    if (const UsedError error = read_used(used); error != UsedError::none) {
      return error;
    }
    if (!order_.report(used.head, in_flight_)) {
      return UsedError::out_of_order;
    }
    batch_length_ = used.length;
  }
  used.head = order_.take();
  used.skipped = order_.reported() != 0;
  used.length = batch_length_;
  advance_used(used.head);
  return UsedError::none;
}

template <class Memory>
void PackedQueue<Memory>::advance_used(std::uint16_t id) {
  const std::uint16_t length = chain_length_[id];
  chain_length_[id] = 0;
  next_used_ = forward(next_used_, length);
  free_count_ = static_cast<std::uint16_t>(free_count_ + length);
  give_back(id);
  --in_flight_;
}

template <class Memory>
void PackedQueue<Memory>::arm(std::uint16_t count) {
  const std::uint32_t suppression =
      event_index_ ? packed(forward(next_used_, count - 1u)) | std::uint32_t{RING_EVENT_FLAGS_DESC} << 16
                   : std::uint32_t{RING_EVENT_FLAGS_ENABLE} << 16;
  memory_.store(static_cast<std::uint32_t*>(driver_area_.cpu), suppression);
  // Pairs with the device, which writes used descriptors and then reads the suppression: see expose().
  memory_.template fence<hal::Fence::used_rearm>();
}

template <class Memory>
void PackedQueue<Memory>::disarm() {
  memory_.store(static_cast<std::uint32_t*>(driver_area_.cpu), std::uint32_t{RING_EVENT_FLAGS_DISABLE} << 16);
}

}  // namespace ringside::virtio
