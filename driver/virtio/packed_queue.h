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
  // The same without freeing them, when the device may still write to them. Returns how many buffers that leaves.
  unsigned abandon();

  [[nodiscard]] QueueAddresses addresses() const { return {ring_.bus, driver_area_.bus, device_area_.bus}; }
  [[nodiscard]] std::uint16_t size() const { return static_cast<std::uint16_t>(size_); }
  [[nodiscard]] std::uint16_t free_descriptors() const { return static_cast<std::uint16_t>(free_count_); }
  [[nodiscard]] bool in_order() const { return in_order_; }
  [[nodiscard]] std::uint16_t in_flight() const { return static_cast<std::uint16_t>(in_flight_); }
  // In order: the head of the chain that has `older` older ones.
  [[nodiscard]] std::uint16_t flying(std::uint16_t older) const { return order_.at(older); }
  [[nodiscard]] bool is_in_flight(std::uint32_t id) const { return chains_[id].length != 0; }

  // Takes a buffer id for a chain; kNoDescriptor when fewer than `needed` descriptors are free.
  [[nodiscard]] std::uint16_t take_head(std::uint16_t needed);
  // Returns an id that was taken and not written.
  void give_back(std::uint32_t id);
  // Writes a chain of ordinary descriptors. The device does not see it before expose().
  void write_chain(std::uint16_t id, const Piece* pieces, std::uint16_t count);
  // Writes one entry of an indirect table; then write_indirect() writes one descriptor that points at it. In the table
  // only the order counts: ids and all flags but WRITE are reserved (2.8.7).
  static void write_entry(Memory memory, Descriptor* table, std::uint16_t index, const Piece& piece, bool) {
    const std::uint16_t flags = piece.device_writable ? VIRTQ_DESC_F_WRITE : std::uint16_t{0};
    memory.store(&table[index].address, hal::raw(piece.address));
    memory.store(&table[index].length_flags_next, pack(piece.length, 0, flags));  // le16 id, le16 flags
  }
  void write_indirect(std::uint32_t id, hal::BusAddress table, std::uint16_t count, bool repeated);
  // For a run of chains that are one descriptor each, no more than are free, and not in order: pop_free() and append()
  // stand for take_head() and offer(), and count_run() at the end for their counting.
  [[nodiscard]] std::uint32_t pop_free();
  void append(std::uint32_t) {}
  void count_run(std::uint16_t chains) {
    free_count_ -= chains;
    in_flight_ += chains;
  }
  // The chain that was written is complete.
  void offer(std::uint16_t id);
  // Hands over all that was offered. True when the device wants to be notified.
  [[nodiscard]] bool expose();
  // What a doorbell says with VIRTIO_F_NOTIFICATION_DATA: where the next chain will be, with the wrap counter (2.9).
  [[nodiscard]] std::uint16_t next_position() const { return packed(next_available_); }

  // 0 when nothing is used, else how many take() will give before the next look: 1, or more in order.
  [[nodiscard]] std::uint32_t look();
  // The same when something is known to be in flight.
  template <bool kInOrder>
  [[nodiscard]] std::uint32_t look_again();
  // Takes the next one; only as many as look() said. Its descriptors are free again when this returns `none`. In
  // order, one used descriptor may stand for several chains, and each comes by itself.
  [[nodiscard]] UsedError take(Used& used) { return in_order_ ? take_next<true>(used) : take_next<false>(used); }
  // The same where it is known whether the ring is in order.
  template <bool kInOrder>
  [[nodiscard]] UsedError take_next(Used& used);

  // Asks for an interrupt once `count` more chains are used (1 when the event index was not negotiated), or for none.
  // After arming, the caller looks again: what was used meanwhile raises no interrupt (2.8.20). Chains differ in
  // length, so the interrupt may come before the `count`-th, and never after it.
  void arm(std::uint16_t count);
  void disarm();

 private:
  static constexpr std::uint32_t kBothFlags = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;
  // A place in the ring, and the wrap counter there: as the flags of a descriptor that is made available or used in
  // that round. Either way VIRTQ_DESC_F_AVAIL is the counter, and both flags turn with it (2.8.1).
  struct Position {
    PackedDescriptor* entry = nullptr;
    std::uint32_t flags = VIRTQ_DESC_F_AVAIL;
    [[nodiscard]] bool wrap() const { return (flags & VIRTQ_DESC_F_AVAIL) != 0; }
  };

  // `distance` is at most the size.
  void advance(Position& position, std::uint32_t distance) const {
    PackedDescriptor* entry = position.entry + distance;
    if (entry >= end_) {
      entry -= size_;
      position.flags ^= hal::mutant(hal::Mutant::wrap_counter_lost) ? 0 : kBothFlags;
    }
    position.entry = entry;
  }
  [[nodiscard]] PackedDescriptor* first() const { return static_cast<PackedDescriptor*>(ring_.cpu); }
  [[nodiscard]] std::uint32_t offset(const Position& position) const {
    return static_cast<std::uint32_t>(position.entry - first());
  }
  // How far it is round the circle of both rounds: one with the wrap counter 1, one with 0.
  [[nodiscard]] std::uint32_t distance(const Position& from, const Position& to) const {
    const std::uint32_t start = place(from);
    const std::uint32_t end = place(to);
    return start <= end ? end - start : end + 2u * size_ - start;
  }
  [[nodiscard]] std::uint32_t place(const Position& position) const {
    return offset(position) + (position.wrap() ? 0u : size_);
  }
  // As in an event suppression structure: 15 bits of offset, and the wrap counter (2.8.10).
  [[nodiscard]] std::uint16_t packed(const Position& position) const {
    return static_cast<std::uint16_t>(offset(position) | (position.wrap() ? kWrapBit : 0u));
  }
  void write_descriptor(const Piece& piece, std::uint32_t id, unsigned flags);
  void advance_used(std::uint32_t id);
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
  FlightOrder order_;             // only with in_order_
  ChainState* chains_ = nullptr;  // per id
  // Full words, though 16 bits would do: each is a load and a store less on the path of a request.
  std::uint32_t free_id_ = kNoDescriptor;
  std::uint32_t size_ = 0;
  std::uint32_t free_count_ = 0;  // descriptors; there are never fewer free ids
  std::uint32_t in_flight_ = 0;
  PackedDescriptor* end_ = nullptr;  // of the ring
  Position next_available_;
  Position exposed_;  // up to here the device has been told
  Position next_used_;
  std::uint16_t private_size_ = 0;  // what the private arrays were made for
  std::uint16_t first_flags_ = 0;   // of the descriptor at exposed_: held back until expose()
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
    chains_ = static_cast<ChainState*>(machine.alloc_private(size_ * sizeof(ChainState), alignof(ChainState)));
    private_size_ = shape.size;
  }
  ring_ = machine.alloc_dma_buffer(size_ * sizeof(PackedDescriptor), kRingAlignment);
  driver_area_ = machine.alloc_dma_buffer(sizeof(std::uint32_t), kAreaAlignment);
  device_area_ = machine.alloc_dma_buffer(sizeof(std::uint32_t), kAreaAlignment);
  if (chains_ == nullptr || (shape.in_order && !order_.init(machine, shape.size)) || ring_.cpu == nullptr ||
      driver_area_.cpu == nullptr || device_area_.cpu == nullptr) {
    private_size_ = 0;
    release();
    return false;
  }
  event_index_ = shape.event_index;
  in_order_ = shape.in_order;
  for (std::uint32_t i = 0; i < size_; ++i) {
    chains_[i] = {i + 1, 0};
  }
  free_id_ = 0;
  free_count_ = size_;
  in_flight_ = 0;
  end_ = first() + size_;
  next_available_ = exposed_ = {first(), VIRTQ_DESC_F_AVAIL};
  next_used_ = {first(), kBothFlags};
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
unsigned PackedQueue<Memory>::abandon() {
  const unsigned buffers = ring_.cpu == nullptr ? 0 : 3;
  ring_ = driver_area_ = device_area_ = {};
  release();
  return buffers;
}

template <class Memory>
[[gnu::always_inline]] inline std::uint16_t PackedQueue<Memory>::take_head(std::uint16_t needed) {
  const bool full = free_count_ < needed && !hal::mutant(hal::Mutant::full_ring_overrun);
  return full ? kNoDescriptor : static_cast<std::uint16_t>(pop_free());
}

template <class Memory>
[[gnu::always_inline]] inline std::uint32_t PackedQueue<Memory>::pop_free() {
  const std::uint32_t id = free_id_;
  free_id_ = chains_[id].next;
  return id;
}

template <class Memory>
[[gnu::always_inline]] inline void PackedQueue<Memory>::give_back(std::uint32_t id) {
  chains_[id].next = free_id_;
  free_id_ = id;
}

// The flags come last, for they hand the descriptor over; but only those of the first descriptor since the last
// expose() matter, as the device stops at one that is not available. They wait until expose().
template <class Memory>
[[gnu::always_inline]] inline void PackedQueue<Memory>::write_descriptor(const Piece& piece, std::uint32_t id,
                                                                         unsigned flags) {
  PackedDescriptor* const here = next_available_.entry;
  const auto all_flags = static_cast<std::uint16_t>(flags | next_available_.flags |
                                                    (piece.device_writable ? unsigned{VIRTQ_DESC_F_WRITE} : 0u));
  memory_.store(&here->address, hal::raw(piece.address));
  memory_.store(&here->length, piece.length);
  memory_.store(&here->id, static_cast<std::uint16_t>(id));
  if (next_available_.entry == exposed_.entry) [[unlikely]] {  // the first, as there are never more than a ring full
    first_flags_ = all_flags;
  } else {
    memory_.store(&here->flags, all_flags);
  }
  advance(next_available_, 1);
}

template <class Memory>
void PackedQueue<Memory>::write_chain(std::uint16_t id, const Piece* pieces, std::uint16_t count) {
  for (std::uint16_t i = 0; i < count; ++i) {
    write_descriptor(pieces[i], id, i + 1 == count ? 0u : unsigned{VIRTQ_DESC_F_NEXT});
  }
  chains_[id].length = count;
}

template <class Memory>
[[gnu::always_inline]] inline void PackedQueue<Memory>::write_indirect(std::uint32_t id, hal::BusAddress table,
                                                                       std::uint16_t count, bool) {
  const auto bytes = static_cast<std::uint32_t>(count * sizeof(PackedDescriptor));
  write_descriptor({table, bytes, false}, id, VIRTQ_DESC_F_INDIRECT);
  chains_[id].length = 1;
}

template <class Memory>
void PackedQueue<Memory>::offer(std::uint16_t id) {
  if (in_order_) {
    order_.append(id);
  }
  free_count_ -= chains_[id].length;
  ++in_flight_;
}

template <class Memory>
bool PackedQueue<Memory>::expose() {
  if (place(next_available_) == place(exposed_)) {
    return false;
  }
  // Pairs with the device's read of these flags: whoever sees them sees all the descriptors behind them (2.8.21).
  memory_.template fence<hal::Fence::avail_publish>();
  memory_.store(&exposed_.entry->flags, first_flags_);
  // Pairs with the device, which writes its event suppression and then looks for descriptors again: without a full
  // fence both sides could miss the other's store, and both would sleep (2.8.21.3.1).
  memory_.template fence<hal::Fence::avail_notify>();
  const Position before = exposed_;
  exposed_ = next_available_;
  // Both halves in one read: the offset belongs to the flags.
  const std::uint32_t suppression = memory_.load(static_cast<const std::uint32_t*>(device_area_.cpu));
  const std::uint32_t flags = suppression >> 16 & 3;
  const std::uint32_t event = suppression & (kWrapBit - 1u);
  if (flags != RING_EVENT_FLAGS_DESC || !event_index_ || event >= size_) {
    return flags != RING_EVENT_FLAGS_DISABLE;  // a notification too many harms nobody
  }
  const Position wanted{first() + event, (suppression & kWrapBit) != 0 ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED};
  return distance(before, wanted) < distance(before, next_available_);
}

template <class Memory>
[[gnu::always_inline]] inline std::uint32_t PackedQueue<Memory>::look() {
  if (in_flight_ == 0) {
    return 0;  // nothing can have been used; and after release() there is no ring
  }
  return in_order_ ? look_again<true>() : look_again<false>();
}

template <class Memory>
template <bool kInOrder>
[[gnu::always_inline]] inline std::uint32_t PackedQueue<Memory>::look_again() {
  if (kInOrder && order_.reported() != 0) {
    return order_.reported();
  }
  const std::uint16_t flags = memory_.load(&next_used_.entry->flags);
  // Pairs with the device's release of these flags: id, length, status bytes and data are read after them.
  memory_.template fence<hal::Fence::used_consume>();
  // Used in this round: both bits equal the wrap counter (2.8.1).
  return (flags & kBothFlags) == next_used_.flags ? 1 : 0;
}

template <class Memory>
template <bool kInOrder>
[[gnu::always_inline]] inline UsedError PackedQueue<Memory>::take_next(Used& used) {
  if constexpr (kInOrder) {
    return take_in_order(used);
  }
  const UsedError error = read_used(used);
  if (error == UsedError::none) {
    advance_used(used.head);
  }
  return error;
}

template <class Memory>
[[gnu::always_inline]] inline UsedError PackedQueue<Memory>::read_used(Used& used) {
  const PackedDescriptor* const here = next_used_.entry;
  const std::uint32_t id = memory_.load(&here->id);
  used.length = memory_.load(&here->length);
  if (id >= size_ && !hal::mutant(hal::Mutant::used_id_range_unchecked)) {
    return UsedError::id_out_of_range;
  }
  used.head = id;
  const bool known = is_in_flight(used.head) || hal::mutant(hal::Mutant::used_id_flight_unchecked);
  return known ? UsedError::none : UsedError::id_not_in_flight;
}

// 2.8.8: the used descriptor of a batch lies where the batch begins, and names the batch's last chain. The next one
// lies behind all the descriptors of all of them.
template <class Memory>
UsedError PackedQueue<Memory>::take_in_order(Used& used) {
  if (order_.reported() == 0) {
    if (const UsedError error = read_used(used); error != UsedError::none) {
      return error;
    }
    if (!order_.report(static_cast<std::uint16_t>(used.head), in_flight_)) {
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
[[gnu::always_inline]] inline void PackedQueue<Memory>::advance_used(std::uint32_t id) {
  const std::uint32_t length = chains_[id].length;
  chains_[id].length = 0;
  advance(next_used_, length);
  free_count_ += length;
  give_back(id);
  --in_flight_;
}

template <class Memory>
void PackedQueue<Memory>::arm(std::uint16_t count) {
  Position last = next_used_;
  advance(last, count - 1u);
  const std::uint32_t suppression = event_index_ ? packed(last) | std::uint32_t{RING_EVENT_FLAGS_DESC} << 16
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
