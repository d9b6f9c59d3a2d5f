// The split virtqueue (VIRTIO 1.2, 2.7), driver's side, over a hot-memory policy.
//
// Trust: the device may write the used ring at any time, and may read but in practice also corrupt everything that lies
// in DMA memory. So the free list, what is in flight and our copies of the indices live in private memory; descriptors
// are written and never read back; a used element is read once and checked against our own records.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "driver/hal/machine.h"
#include "driver/hal/memory.h"
#include "driver/virtio/spec.h"
#include "driver/virtio/transport.h"

namespace ringside::virtio {

static_assert(std::endian::native == std::endian::little, "virtio 1.x is little-endian and so are we");

inline constexpr std::uint16_t kNoDescriptor = 0xffff;
inline constexpr std::uint32_t kUsedIndexJumped = 0x1'0000;  // more than 16 bits can count

// One element of a chain.
struct Piece {
  hal::BusAddress address;
  std::uint32_t length;
  bool device_writable;
};

enum class UsedError : std::uint8_t { none, id_out_of_range, id_not_in_flight };

struct Used {
  std::uint16_t head = kNoDescriptor;
  std::uint32_t length = 0;  // as claimed, unchecked
};

template <class Memory>
class SplitQueue {
 public:
  explicit SplitQueue(Memory memory) : memory_(memory) {}

  // Allocates the three parts and the private state. False when memory has run out, with everything given back.
  // `size` is a power of two, 2 .. 32768. Called again after release(), it keeps the private state if it is big enough.
  [[nodiscard]] bool init(hal::Machine& machine, std::uint16_t size, bool event_index);
  // Frees the shared parts and forgets what was in flight: only when the device no longer uses them.
  void release();

  [[nodiscard]] QueueAddresses addresses() const { return {descriptors_.bus, available_.bus, used_.bus}; }
  [[nodiscard]] std::uint16_t size() const { return size_; }
  [[nodiscard]] std::uint16_t free_descriptors() const { return free_count_; }
  [[nodiscard]] std::uint16_t in_flight() const { return in_flight_; }
  [[nodiscard]] bool is_in_flight(std::uint16_t head) const { return chain_length_[head] != 0; }

  // Takes a descriptor to head a chain; kNoDescriptor when fewer than `needed` are free.
  [[nodiscard]] std::uint16_t take_head(std::uint16_t needed);
  // Returns a head that was taken and not written.
  void give_back(std::uint16_t head);
  // Writes a chain of ordinary descriptors that starts at `head`; count - 1 more are taken.
  void write_chain(std::uint16_t head, const Piece* pieces, std::uint16_t count);
  // Writes one descriptor that points at an indirect table.
  void write_indirect(std::uint16_t head, hal::BusAddress table, std::uint16_t count);
  // Puts the chain into the available ring; the device does not see it before expose().
  void offer(std::uint16_t head);
  // Publishes all that was offered. True when the device wants to be notified.
  [[nodiscard]] bool expose();

  // How many used elements the driver has not taken. More than are in flight is an error of the device:
  // kUsedIndexJumped.
  [[nodiscard]] std::uint32_t look();
  // Takes the next one; only as many as look() said. Its descriptors are free again when this returns `none`.
  [[nodiscard]] UsedError take(Used& used);

  // Asks for an interrupt once `count` more elements are used (1 when the event index was not negotiated), or for none.
  // After arming, the caller looks again: what was used meanwhile raises no interrupt (2.7.7.1).
  void arm(std::uint16_t count);
  void disarm();

 private:
  void free_chain(std::uint16_t head);
  void write_descriptor(std::uint16_t index, hal::BusAddress address, std::uint32_t length, std::uint16_t flags,
                        std::uint16_t next);

  [[nodiscard]] std::uint16_t* available_word(std::size_t index) const {
    return static_cast<std::uint16_t*>(available_.cpu) + index;
  }
  [[nodiscard]] std::uint16_t* available_flags() const { return available_word(0); }
  [[nodiscard]] std::uint16_t* available_index() const { return available_word(1); }
  [[nodiscard]] std::uint16_t* available_ring(std::uint16_t slot) const { return available_word(2u + slot); }
  [[nodiscard]] std::uint16_t* used_event() const { return available_word(2u + size_); }
  [[nodiscard]] const std::uint16_t* used_flags() const { return static_cast<const std::uint16_t*>(used_.cpu); }
  [[nodiscard]] const std::uint16_t* used_index() const { return used_flags() + 1; }
  [[nodiscard]] const UsedElement* used_ring(std::uint16_t slot) const {
    return reinterpret_cast<const UsedElement*>(used_flags() + 2) + slot;
  }
  [[nodiscard]] const std::uint16_t* avail_event() const {
    return reinterpret_cast<const std::uint16_t*>(used_ring(size_));
  }
  [[nodiscard]] std::uint16_t slot(std::uint16_t index) const {
    return static_cast<std::uint16_t>(index & (size_ - 1u));
  }

  hal::Machine* machine_ = nullptr;
  [[no_unique_address]] Memory memory_;

  // Shared with the device.
  hal::DmaBuffer descriptors_;  // the device only reads it, if it is honest
  hal::DmaBuffer available_;    // likewise
  hal::DmaBuffer used_;         // the device writes it

  // Private.
  std::uint16_t* next_ = nullptr;          // per descriptor: next in its chain, or in the free list
  std::uint16_t* chain_length_ = nullptr;  // per head: ring descriptors of the chain in flight; 0 = not in flight
  std::uint16_t size_ = 0;
  std::uint16_t private_size_ = 0;  // what the private arrays were made for: a re-enabled queue may be smaller
  std::uint16_t free_head_ = kNoDescriptor;
  std::uint16_t free_count_ = 0;
  std::uint16_t in_flight_ = 0;
  std::uint16_t offered_ = 0;  // what avail.idx will be
  std::uint16_t exposed_ = 0;  // what avail.idx is
  std::uint16_t taken_ = 0;    // used elements consumed
  bool event_index_ = false;
  bool armed_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Memory>
bool SplitQueue<Memory>::init(hal::Machine& machine, std::uint16_t size, bool event_index) {
  constexpr std::size_t kDescriptorAlignment = 16;  // 2.7: descriptor table 16, available ring 2, used ring 4
  constexpr std::size_t kRingAlignment = 4;
  machine_ = &machine;
  if (private_size_ < size) {
    next_ = static_cast<std::uint16_t*>(machine.alloc_private(size * sizeof(std::uint16_t), alignof(std::uint16_t)));
    chain_length_ =
        static_cast<std::uint16_t*>(machine.alloc_private(size * sizeof(std::uint16_t), alignof(std::uint16_t)));
    private_size_ = size;
  }
  descriptors_ = machine.alloc_dma_buffer(size * sizeof(Descriptor), kDescriptorAlignment);
  available_ = machine.alloc_dma_buffer((3u + size) * sizeof(std::uint16_t), kRingAlignment);
  used_ = machine.alloc_dma_buffer(3 * sizeof(std::uint16_t) + size * sizeof(UsedElement), kRingAlignment);
  if (next_ == nullptr || chain_length_ == nullptr || descriptors_.cpu == nullptr || available_.cpu == nullptr ||
      used_.cpu == nullptr) {
    private_size_ = 0;
    release();
    return false;
  }
  size_ = size;
  event_index_ = event_index;
  for (std::uint16_t i = 0; i < size; ++i) {
    next_[i] = static_cast<std::uint16_t>(i + 1);
    chain_length_[i] = 0;
  }
  free_head_ = 0;
  free_count_ = size;
  in_flight_ = offered_ = exposed_ = taken_ = 0;
  armed_ = true;
  disarm();
  return true;
}

template <class Memory>
void SplitQueue<Memory>::release() {
  size_ = free_count_ = in_flight_ = 0;
  for (hal::DmaBuffer* const part : {&descriptors_, &available_, &used_}) {
    if (part->cpu != nullptr) {
      machine_->free_dma_buffer(*part);
    }
    *part = {};
  }
}

template <class Memory>
std::uint16_t SplitQueue<Memory>::take_head(std::uint16_t needed) {
  if (free_count_ < needed) {
    return kNoDescriptor;
  }
  const std::uint16_t head = free_head_;
  free_head_ = next_[head];
  --free_count_;
  return head;
}

template <class Memory>
void SplitQueue<Memory>::give_back(std::uint16_t head) {
  next_[head] = free_head_;
  free_head_ = head;
  ++free_count_;
}

template <class Memory>
void SplitQueue<Memory>::write_descriptor(std::uint16_t index, hal::BusAddress address, std::uint32_t length,
                                          std::uint16_t flags, std::uint16_t next) {
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
      next_[index] = following;
      index = following;
    }
  }
  chain_length_[head] = count;
}

template <class Memory>
void SplitQueue<Memory>::write_indirect(std::uint16_t head, hal::BusAddress table, std::uint16_t count) {
  const auto bytes = static_cast<std::uint32_t>(count * sizeof(Descriptor));
  write_descriptor(head, table, bytes, VIRTQ_DESC_F_INDIRECT, 0);
  chain_length_[head] = 1;
}

template <class Memory>
void SplitQueue<Memory>::offer(std::uint16_t head) {
  memory_.store(available_ring(slot(offered_)), head);
  ++offered_;
  ++in_flight_;
}

template <class Memory>
bool SplitQueue<Memory>::expose() {
  // Pairs with the device's read of avail.idx: whoever sees the new index sees the descriptors and ring entries.
  memory_.template fence<hal::Fence::avail_publish>();
  memory_.store(available_index(), offered_);
  // Pairs with the device, which moves avail_event (or clears NO_NOTIFY) and then re-reads avail.idx: without a full
  // fence both sides could miss the other's store, and both would sleep (2.7.13.4.1).
  memory_.template fence<hal::Fence::avail_notify>();
  const std::uint16_t before = exposed_;
  exposed_ = offered_;
  if (event_index_) {
    const std::uint16_t event = memory_.load(avail_event());
    return static_cast<std::uint16_t>(offered_ - event - 1u) < static_cast<std::uint16_t>(offered_ - before);
  }
  return (memory_.load(used_flags()) & VIRTQ_USED_F_NO_NOTIFY) == 0;
}

template <class Memory>
std::uint32_t SplitQueue<Memory>::look() {
  if (in_flight_ == 0) {
    return 0;  // nothing can have been used; and after release() there is no ring
  }
  const auto pending = static_cast<std::uint16_t>(memory_.load(used_index()) - taken_);
  // Pairs with the device's release of used.idx: elements, status bytes and data are read after the index.
  memory_.template fence<hal::Fence::used_consume>();
  return pending <= in_flight_ ? pending : kUsedIndexJumped;
}

template <class Memory>
UsedError SplitQueue<Memory>::take(Used& used) {
  const UsedElement* const element = used_ring(slot(taken_));
  const std::uint32_t id = memory_.load(&element->id);
  used.length = memory_.load(&element->length);
  ++taken_;
  if (id >= size_) {
    return UsedError::id_out_of_range;
  }
  used.head = static_cast<std::uint16_t>(id);
  if (!is_in_flight(used.head)) {
    return UsedError::id_not_in_flight;
  }
  free_chain(used.head);
  --in_flight_;
  return UsedError::none;
}

template <class Memory>
void SplitQueue<Memory>::free_chain(std::uint16_t head) {
  std::uint16_t tail = head;
  for (std::uint16_t i = 1; i < chain_length_[head]; ++i) {
    tail = next_[tail];
  }
  next_[tail] = free_head_;
  free_head_ = head;
  free_count_ = static_cast<std::uint16_t>(free_count_ + chain_length_[head]);
  chain_length_[head] = 0;
}

template <class Memory>
void SplitQueue<Memory>::arm(std::uint16_t count) {
  if (event_index_) {
    memory_.store(used_event(), static_cast<std::uint16_t>(taken_ + count - 1u));
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
