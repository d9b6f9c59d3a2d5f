// The split virtqueue (VIRTIO 1.2, 2.7), driver's side, over a hot-memory policy.
//
// Trust: the device may write the used ring at any time, and may read but in practice also corrupt everything that lies
// in DMA memory. So the free list, what is in flight and our copies of the indices live in private memory; descriptors
// are written and never read back; a used element is read once and checked against our own records.
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
class SplitQueue {
 public:
  using MemoryPolicy = Memory;
  // used.idx says how many chains are used, so one look suffices for all of them.
  static constexpr bool kLookCountsAll = true;
  static constexpr bool kPacked = false;

  explicit SplitQueue(Memory memory) : memory_(memory) {}

  // Allocates the three parts and the private state. False when memory has run out, with everything given back.
  // Called again after release(), it keeps the private state if it is big enough.
  [[nodiscard]] bool init(hal::Machine& machine, const QueueShape& shape);
  // Frees the shared parts and forgets what was in flight: only when the device no longer uses them.
  void release();
  // The same without freeing them, when the device may still write to them. Returns how many buffers that leaves.
  unsigned abandon();

  [[nodiscard]] QueueAddresses addresses() const { return {descriptors_.bus, available_.bus, used_.bus}; }
  [[nodiscard]] std::uint16_t size() const { return static_cast<std::uint16_t>(size_); }
  [[nodiscard]] std::uint16_t free_descriptors() const { return static_cast<std::uint16_t>(free_count_); }
  [[nodiscard]] bool in_order() const { return in_order_; }
  [[nodiscard]] std::uint16_t in_flight() const { return static_cast<std::uint16_t>(in_flight_); }
  // In order: the head of the chain that has `older` older ones.
  [[nodiscard]] std::uint16_t flying(std::uint16_t older) const { return order_.at(older); }
  [[nodiscard]] bool is_in_flight(std::uint32_t head) const { return chains_[head].length != 0; }

  // Takes a descriptor to head a chain; kNoDescriptor when fewer than `needed` are free.
  [[nodiscard]] std::uint16_t take_head(std::uint16_t needed);
  // Returns a head that was taken and not written.
  void give_back(std::uint16_t head);
  // Writes a chain of ordinary descriptors that starts at `head`; count - 1 more are taken.
  void write_chain(std::uint16_t head, const Piece* pieces, std::uint16_t count);
  // Writes one entry of an indirect table (2.7.5.3); then write_indirect() writes one descriptor that points at it.
  // `repeated`: the last table of this head lay there too, and was as long.
  static void write_entry(Memory memory, Descriptor* table, std::uint16_t index, const Piece& piece, bool last) {
    const unsigned flags =
        (piece.device_writable ? VIRTQ_DESC_F_WRITE : 0u) | (last ? 0u : unsigned{VIRTQ_DESC_F_NEXT});
    const auto next = last ? std::uint16_t{0} : static_cast<std::uint16_t>(index + 1);
    memory.store(&table[index].address, hal::raw(piece.address));
    memory.store(&table[index].length_flags_next, pack(piece.length, static_cast<std::uint16_t>(flags), next));
  }
  void write_indirect(std::uint32_t head, hal::BusAddress table, std::uint16_t count, bool repeated);
  // For a run of chains that are one descriptor each, no more than are free, and not in order: pop_free() and append()
  // stand for take_head() and offer(), and count_run() at the end for their counting.
  [[nodiscard]] std::uint32_t pop_free();
  void append(std::uint32_t head);
  void count_run(std::uint16_t chains) {
    free_count_ -= chains;
    in_flight_ += chains;
  }
  // Puts the chain into the available ring; the device does not see it before expose().
  void offer(std::uint16_t head);
  // Publishes all that was offered. True when the device wants to be notified.
  [[nodiscard]] bool expose();
  // What a doorbell says with VIRTIO_F_NOTIFICATION_DATA: the next available index (2.9).
  [[nodiscard]] std::uint16_t next_position() const { return static_cast<std::uint16_t>(offered_); }

  // How many used elements the driver has not taken. More than are in flight is an error of the device:
  // kUsedIndexJumped.
  [[nodiscard]] std::uint32_t look();
  // Takes the next one; only as many as look() said. Its descriptors are free again when this returns `none`. In
  // order, one used element may stand for several chains, and each comes by itself.
  [[nodiscard]] UsedError take(Used& used) { return in_order_ ? take_next<true>(used) : take_next<false>(used); }
  // The same where it is known whether the ring is in order.
  template <bool kInOrder>
  [[nodiscard]] UsedError take_next(Used& used);

  // Asks for an interrupt once `count` more elements are used (1 when the event index was not negotiated), or for none.
  // After arming, the caller looks again: what was used meanwhile raises no interrupt (2.7.7.1).
  void arm(std::uint16_t count);
  void disarm();

 private:
  [[nodiscard]] bool allocate_parts(bool contiguous);
  [[nodiscard]] UsedError read_element(Used& used);
  [[nodiscard]] UsedError take_in_order(Used& used);
  void free_chain(std::uint32_t head);
  [[nodiscard]] std::uint32_t next_of(const ChainState* chain) const;
  void write_descriptor(std::uint32_t index, hal::BusAddress address, std::uint32_t length, std::uint16_t flags,
                        std::uint16_t next);

  [[nodiscard]] std::uint16_t* available_word(std::size_t index) const {
    return static_cast<std::uint16_t*>(available_.cpu) + index;
  }
  [[nodiscard]] std::uint16_t* available_flags() const { return available_word(0); }
  [[nodiscard]] std::uint16_t* available_index() const { return available_word(1); }
  [[nodiscard]] std::uint16_t* available_ring(std::uint32_t slot) const { return available_word(2u + slot); }
  [[nodiscard]] std::uint16_t* used_event() const { return available_word(2u + size_); }
  [[nodiscard]] const std::uint16_t* used_flags() const { return static_cast<const std::uint16_t*>(used_.cpu); }
  [[nodiscard]] const std::uint16_t* used_index() const { return used_flags() + 1; }
  [[nodiscard]] const UsedElement* used_ring(std::uint32_t slot) const {
    return reinterpret_cast<const UsedElement*>(used_flags() + 2) + slot;
  }
  [[nodiscard]] const std::uint16_t* avail_event() const {
    return reinterpret_cast<const std::uint16_t*>(used_ring(size_));
  }
  [[nodiscard]] std::uint32_t slot(std::uint32_t index) const { return index & mask_; }

  hal::Machine* machine_ = nullptr;
  [[no_unique_address]] Memory memory_;

  // Shared with the device.
  hal::DmaBuffer descriptors_;  // the device only reads it, if it is honest
  hal::DmaBuffer available_;    // likewise
  hal::DmaBuffer used_;         // the device writes it
  hal::DmaBuffer whole_;        // legacy layout: the one allocation that the three are parts of

  // Private.
  FlightOrder order_;             // only with in_order_
  ChainState* chains_ = nullptr;  // per descriptor; `next` also links the descriptors of a chain
  // Full words, though 16 bits would do: each is a load and a store less on the path of a request.
  std::uint32_t free_head_ = kNoDescriptor;
  std::uint32_t mask_ = 0;     // size - 1, where a size is a power of two
  std::uint32_t offered_ = 0;  // what avail.idx will be, in its lower half
  std::uint32_t taken_ = 0;    // used elements consumed, likewise
  std::uint32_t size_ = 0;
  std::uint32_t free_count_ = 0;
  std::uint32_t in_flight_ = 0;
  std::uint16_t private_size_ = 0;  // what the private arrays were made for: a re-enabled queue may be smaller
  std::uint16_t exposed_ = 0;       // what avail.idx is
  std::uint16_t seen_ = 0;          // used.idx as look() last read it
  std::uint32_t batch_length_ = 0;  // what the used element of the batch being taken said
  bool event_index_ = false;
  bool in_order_ = false;
  bool armed_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Memory>
bool SplitQueue<Memory>::init(hal::Machine& machine, const QueueShape& shape) {
  machine_ = &machine;
  size_ = shape.size;
  mask_ = size_ - 1;
  if (private_size_ < size_) {
    chains_ = static_cast<ChainState*>(machine.alloc_private(size_ * sizeof(ChainState), alignof(ChainState)));
    private_size_ = shape.size;
  }
  if (chains_ == nullptr || (shape.in_order && !order_.init(machine, shape.size)) ||
      !allocate_parts(shape.contiguous)) {
    private_size_ = 0;
    release();
    return false;
  }
  event_index_ = shape.event_index;
  in_order_ = shape.in_order;
  // In order, descriptors are used round and round the table (2.7.9): then free_chain() leaves this circle as it is.
  for (std::uint32_t i = 0; i < size_; ++i) {
    chains_[i] = {slot(i + 1), 0};
  }
  free_head_ = 0;
  free_count_ = size_;
  in_flight_ = offered_ = taken_ = 0;
  exposed_ = seen_ = 0;
  armed_ = true;
  disarm();
  return true;
}

template <class Memory>
bool SplitQueue<Memory>::allocate_parts(bool contiguous) {
  constexpr std::size_t kDescriptorAlignment = 16;  // 2.7: descriptor table 16, available ring 2, used ring 4
  constexpr std::size_t kRingAlignment = 4;
  const std::size_t descriptor_bytes = size_ * sizeof(Descriptor);
  const unsigned words_beside = hal::mutant(hal::Mutant::available_header_not_counted) ? 0 : 3;
  const std::size_t available_bytes = (words_beside + size_) * sizeof(std::uint16_t);
  const std::size_t used_bytes = 3 * sizeof(std::uint16_t) + size_ * sizeof(UsedElement);
  if (!contiguous) {
    descriptors_ = machine_->alloc_dma_buffer(descriptor_bytes, kDescriptorAlignment);
    available_ = machine_->alloc_dma_buffer(available_bytes, kRingAlignment);
    used_ = machine_->alloc_dma_buffer(used_bytes, kRingAlignment);
    return descriptors_.cpu != nullptr && available_.cpu != nullptr && used_.cpu != nullptr;
  }
  // 2.7.2: the available ring, header and used_event counted, follows the table; the used ring begins a page.
  const std::size_t used_offset = (descriptor_bytes + available_bytes + kLegacyAlignment - 1) & ~(kLegacyAlignment - 1);
  whole_ = machine_->alloc_dma_buffer(used_offset + used_bytes, kLegacyAlignment);
  if (whole_.cpu == nullptr) {
    return false;
  }
  auto* const start = static_cast<std::uint8_t*>(whole_.cpu);
  descriptors_ = {start, whole_.bus, descriptor_bytes};
  available_ = {start + descriptor_bytes, whole_.bus + descriptor_bytes, available_bytes};
  used_ = {start + used_offset, whole_.bus + used_offset, used_bytes};
  return true;
}

template <class Memory>
void SplitQueue<Memory>::release() {
  size_ = free_count_ = in_flight_ = 0;
  if (whole_.cpu != nullptr) {
    machine_->free_dma_buffer(whole_);
    whole_ = descriptors_ = available_ = used_ = {};
  }
  for (hal::DmaBuffer* const part : {&descriptors_, &available_, &used_}) {
    if (part->cpu != nullptr) {
      machine_->free_dma_buffer(*part);
    }
    *part = {};
  }
}

template <class Memory>
unsigned SplitQueue<Memory>::abandon() {
  const unsigned buffers = descriptors_.cpu == nullptr ? 0 : whole_.cpu != nullptr ? 1 : 3;
  whole_ = descriptors_ = available_ = used_ = {};
  release();
  return buffers;
}

template <class Memory>
[[gnu::always_inline]] inline std::uint16_t SplitQueue<Memory>::take_head(std::uint16_t needed) {
  if (free_count_ < needed && !hal::mutant(hal::Mutant::full_ring_overrun)) {
    return kNoDescriptor;
  }
  --free_count_;
  return static_cast<std::uint16_t>(pop_free());
}

template <class Memory>
[[gnu::always_inline]] inline std::uint32_t SplitQueue<Memory>::pop_free() {
  const std::uint32_t head = free_head_;
  free_head_ = chains_[head].next;
  return head;
}

template <class Memory>
[[gnu::always_inline]] inline void SplitQueue<Memory>::give_back(std::uint16_t head) {
  chains_[head].next = free_head_;
  free_head_ = head;
  ++free_count_;
}

template <class Memory>
[[gnu::always_inline]] inline void SplitQueue<Memory>::write_descriptor(std::uint32_t index, hal::BusAddress address,
                                                                        std::uint32_t length, std::uint16_t flags,
                                                                        std::uint16_t next) {
  Descriptor* const descriptor = static_cast<Descriptor*>(descriptors_.cpu) + index;
  memory_.store(&descriptor->address, hal::raw(address));
  memory_.store(&descriptor->length_flags_next, pack(length, flags, next));
}

template <class Memory>
void SplitQueue<Memory>::write_chain(std::uint16_t head, const Piece* pieces, std::uint16_t count) {
  std::uint16_t index = head;
  for (std::uint16_t i = 0; i < count; ++i) {
    const bool last = i + 1 == count;
    const std::uint16_t following = last ? std::uint16_t{0} : take_head(1);
    const unsigned flags =
        (pieces[i].device_writable ? VIRTQ_DESC_F_WRITE : 0u) | (last ? 0u : unsigned{VIRTQ_DESC_F_NEXT});
    write_descriptor(index, pieces[i].address, pieces[i].length, static_cast<std::uint16_t>(flags), following);
    if (!last) {
      chains_[index].next = following;
      index = following;
    }
  }
  chains_[head].length = count;
}

template <class Memory>
[[gnu::always_inline]] inline void SplitQueue<Memory>::write_indirect(std::uint32_t head, hal::BusAddress table,
                                                                      std::uint16_t count, bool repeated) {
  if (!repeated) {
    const auto bytes = static_cast<std::uint32_t>(count * sizeof(Descriptor));
    write_descriptor(head, table, bytes, VIRTQ_DESC_F_INDIRECT, 0);
  }
  chains_[head].length = 1;
}

template <class Memory>
[[gnu::always_inline]] inline void SplitQueue<Memory>::append(std::uint32_t head) {
  memory_.store(available_ring(slot(offered_)), static_cast<std::uint16_t>(head));
  ++offered_;
  if (offered_ % 64 == 0 && hal::mutant(hal::Mutant::head_published_twice)) {
    memory_.store(available_ring(slot(offered_)), static_cast<std::uint16_t>(head));
    ++offered_;
  }
}

template <class Memory>
void SplitQueue<Memory>::offer(std::uint16_t head) {
  append(head);
  ++in_flight_;
  if (in_order_) {
    order_.append(head);
  }
}

template <class Memory>
bool SplitQueue<Memory>::expose() {
  const auto offered = static_cast<std::uint16_t>(offered_);
  if (offered == exposed_) {
    return false;
  }
  // Pairs with the device's read of avail.idx: whoever sees the new index sees the descriptors and ring entries.
  memory_.template fence<hal::Fence::avail_publish>();
  memory_.store(available_index(), offered);
  // Pairs with the device, which moves avail_event (or clears NO_NOTIFY) and then re-reads avail.idx: without a full
  // fence both sides could miss the other's store, and both would sleep (2.7.13.4.1).
  memory_.template fence<hal::Fence::avail_notify>();
  const std::uint16_t before = exposed_;
  exposed_ = offered;
  if (event_index_) {
    const std::uint16_t event = memory_.load(avail_event());
    if (hal::mutant(hal::Mutant::kick_compared_plainly)) {
      return before <= event && event < offered;
    }
    return static_cast<std::uint16_t>(offered - event - 1u) < static_cast<std::uint16_t>(offered - before);
  }
  return (memory_.load(used_flags()) & VIRTQ_USED_F_NO_NOTIFY) == 0;
}

template <class Memory>
[[gnu::always_inline]] inline std::uint32_t SplitQueue<Memory>::look() {
  if (in_flight_ == 0) {
    return 0;  // nothing can have been used; and after release() there is no ring
  }
  seen_ = memory_.load(used_index());
  auto pending = static_cast<std::uint16_t>(seen_ - taken_);
  if (hal::mutant(hal::Mutant::used_index_compared_plainly) && seen_ < static_cast<std::uint16_t>(taken_)) {
    pending = 0;
  }
  // Pairs with the device's release of used.idx: elements, status bytes and data are read after the index.
  memory_.template fence<hal::Fence::used_consume>();
  return pending <= in_flight_ ? pending : kUsedIndexJumped;
}

template <class Memory>
template <bool kInOrder>
[[gnu::always_inline]] inline UsedError SplitQueue<Memory>::take_next(Used& used) {
  if constexpr (kInOrder) {
    return take_in_order(used);
  }
  const UsedError error = read_element(used);
  ++taken_;
  if (error == UsedError::none) {
    free_chain(used.head);
    --in_flight_;
  }
  return error;
}

template <class Memory>
[[gnu::always_inline]] inline UsedError SplitQueue<Memory>::read_element(Used& used) {
  const UsedElement* const element = used_ring(slot(taken_));
  const std::uint32_t id = memory_.load(&element->id);
  used.length = memory_.load(&element->length);
  if (id >= size_ && !hal::mutant(hal::Mutant::used_id_range_unchecked)) {
    return UsedError::id_out_of_range;
  }
  used.head = id;
  const bool known = is_in_flight(used.head) || hal::mutant(hal::Mutant::used_id_flight_unchecked);
  return known ? UsedError::none : UsedError::id_not_in_flight;
}

// 2.7.9: the element of a batch lies where the batch begins, and names the batch's last chain. The next one lies behind
// the places of all of them.
template <class Memory>
UsedError SplitQueue<Memory>::take_in_order(Used& used) {
  if (order_.reported() == 0) {
    if (const UsedError error = read_element(used); error != UsedError::none) {
      return error;
    }
    const auto pending = static_cast<std::uint16_t>(seen_ - taken_);  // what look() checked, not a second read
    if (!order_.report(static_cast<std::uint16_t>(used.head), pending)) {
      return UsedError::out_of_order;
    }
    batch_length_ = used.length;
  }
  used.head = order_.take();
  used.skipped = order_.reported() != 0;
  used.length = batch_length_;
  ++taken_;
  free_chain(used.head);
  --in_flight_;
  return UsedError::none;
}

template <class Memory>
[[gnu::always_inline]] inline void SplitQueue<Memory>::free_chain(std::uint32_t head) {
  ChainState& chain = chains_[head];
  const std::uint32_t length = hal::mutant(hal::Mutant::chain_freed_by_half) ? 1u : chain.length;
  chain.length = 0;
  free_count_ += length;
  if (in_order_) {
    return;
  }
  ChainState* tail = &chain;
  for (std::uint32_t left = length; left > 1; --left) {
    tail = &chains_[next_of(tail)];
  }
  tail->next = free_head_;
  free_head_ = head;
}

// The table says it too, but that is memory which the device may write.
template <class Memory>
[[gnu::always_inline]] inline std::uint32_t SplitQueue<Memory>::next_of(const ChainState* chain) const {
  if (hal::mutant(hal::Mutant::next_read_from_table)) {
    const auto* const table = static_cast<const Descriptor*>(descriptors_.cpu);
    return static_cast<std::uint32_t>(memory_.load(&table[chain - chains_].length_flags_next) >> 48);
  }
  return chain->next;
}

template <class Memory>
void SplitQueue<Memory>::arm(std::uint16_t count) {
  if (event_index_) {
    const unsigned mistake = hal::mutant(hal::Mutant::used_event_one_too_far) ? 1 : 0;
    if (!hal::mutant(hal::Mutant::used_event_never_moved)) {
      memory_.store(used_event(), static_cast<std::uint16_t>(taken_ + count - 1u + mistake));
    }
  } else if (!armed_) {
    memory_.store(available_flags(), std::uint16_t{0});
  }
  armed_ = true;
  // Pairs with the device, which publishes used.idx and then reads the suppression: see expose().
  memory_.template fence<hal::Fence::used_rearm>();
}

template <class Memory>
void SplitQueue<Memory>::disarm() {
  if (!armed_) {
    return;
  }
  armed_ = false;
  if (event_index_) {
    // 2.7.7.1: the flags field is 0. An index just passed is not crossed again for 65,535 elements.
    memory_.store(used_event(), static_cast<std::uint16_t>(taken_ - 1u));
  } else {
    memory_.store(available_flags(), VIRTQ_AVAIL_F_NO_INTERRUPT);
  }
}

}  // namespace ringside::virtio
