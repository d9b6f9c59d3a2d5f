#include "model/packed_queue.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "model/mutants.h"

namespace ringside::model {

void PackedQueue::reset() {
  head_valid_ = false;
  outstanding_ = 0;
  fetched_ = 0;
  asked_ = false;
  if (!mutant(Mutant::queue_reset_keeps_index)) {
    next_ = {};
    used_ = {};
    used_count_ = 0;
  }
}

void PackedQueue::set_features(std::uint64_t features) {
  event_index_ = (features & VIRTIO_F_EVENT_IDX) != 0;
  indirect_ = (features & VIRTIO_F_INDIRECT_DESC) != 0;
}

void PackedQueue::advance(Position& position, std::uint16_t slots) const {
  const unsigned index = unsigned{position.index} + slots;
  if (index >= place_.size) {
    position.index = static_cast<std::uint16_t>(index - place_.size);
    position.wrap = !position.wrap;
  } else {
    position.index = static_cast<std::uint16_t>(index);
  }
}

// 2.8.1: available when the AVAIL flag equals the wrap counter and the USED flag does not.
Look PackedQueue::look() {
  if (head_valid_) {
    return Look::something;
  }
  if (!dma_.load(address(next_.index), head_)) {
    return Look::malformed;
  }
  const bool available = ((head_.flags & VIRTQ_DESC_F_AVAIL) != 0) == next_.wrap;
  const bool used = ((head_.flags & VIRTQ_DESC_F_USED) != 0) == next_.wrap;
  if (!available || used) {
    return Look::nothing;
  }
  // The flags vouch for the rest, which may have been read before them.
  if (dma_.is_beside_driver()) {
    dma_.order_loads();
    if (!dma_.load(address(next_.index), head_)) {
      return Look::malformed;
    }
  }
  // Every descriptor is with the device already: the driver has made one available that it does not own.
  if (outstanding_ >= place_.size) {
    return Look::malformed;
  }
  head_valid_ = true;
  return Look::something;
}

bool PackedQueue::fetch(Chain& chain) {
  PvirtqDesc descriptor = head_;
  head_valid_ = false;
  ++fetched_;
  std::uint16_t index = next_.index;
  for (std::uint16_t slots = 1; slots <= place_.size - outstanding_; ++slots) {
    const bool indirect = (descriptor.flags & VIRTQ_DESC_F_INDIRECT) != 0 &&
                          (slots == 1 || !quirks_.fires(Quirk::indirect_in_head_only, dma_.at()));
    const bool last = indirect || (descriptor.flags & VIRTQ_DESC_F_NEXT) == 0;
    // 2.8.7: a table stands alone, it is no member of a list.
    if (indirect ? slots != 1 || !fetch_indirect(chain, descriptor)
                 : !chain.add(dma_, descriptor.addr, descriptor.len, descriptor.flags)) {
      return false;
    }
    if (last) {
      // 2.8.6: the id of a list is in its last descriptor.
      const bool of_first = descriptor.id != head_.id && quirks_.fires(Quirk::packed_id_of_first, dma_.at());
      chain.token = {of_first ? head_.id : descriptor.id, slots};
      outstanding_ = static_cast<std::uint16_t>(outstanding_ + slots);
      advance(next_, slots);
      return true;
    }
    index = static_cast<std::uint16_t>(index + 1 == place_.size ? 0 : index + 1);
    if (!dma_.load(address(index), descriptor)) {
      return false;
    }
  }
  return false;  // longer than what the ring has left
}

// 2.8.7: the entries of a table follow one another; of their flags only WRITE counts.
bool PackedQueue::fetch_indirect(Chain& chain, const PvirtqDesc& descriptor) {
  const std::uint32_t count = descriptor.len / static_cast<std::uint32_t>(sizeof(PvirtqDesc));
  const bool next = (descriptor.flags & VIRTQ_DESC_F_NEXT) != 0;
  if (next && !quirks_.fires(Quirk::indirect_with_next_accepted, dma_.at())) {
    return false;
  }
  const bool negotiated = indirect_ || quirks_.fires(Quirk::indirect_unnegotiated, dma_.at());
  if (!negotiated || count == 0 || count > kMaxChain || descriptor.len % sizeof(PvirtqDesc) != 0 ||
      !dma_.read(descriptor.addr, table_.packed.data(), descriptor.len)) {
    return false;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const PvirtqDesc& entry = table_.packed[i];
    if (!chain.add(dma_, entry.addr, entry.len, entry.flags)) {
      return false;
    }
  }
  return true;
}

// 2.8.10: what the device wants to be told of goes into the device area.
void PackedQueue::ask_for_notification() {
  PvirtqEventSuppress wish{};
  if (event_index_) {
    wish.desc = static_cast<std::uint16_t>(next_.index | (next_.wrap ? kEventWrap : 0));
    wish.flags = RING_EVENT_FLAGS_DESC;
  }
  dma_.store(place_.device, wish);
}

// Length and id now; the flags, which hand the descriptor over, with publish_used().
void PackedQueue::put_used(const Token& token, std::uint32_t length) {
  struct {
    std::uint32_t length;
    std::uint16_t id;
  } const element{length, static_cast<std::uint16_t>(mutant(Mutant::used_id_swapped) ? token.id ^ 1u : token.id)};
  dma_.write(address(used_.index) + offsetof(PvirtqDesc, len), &element, kUsedBytes);
  pending_address_ = address(used_.index) + offsetof(PvirtqDesc, flags);
  pending_flags_ = used_.wrap || mutant(Mutant::packed_wrap_lost) ? VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED : 0;
  // 2.8.4: in a used descriptor WRITE says that the device has written, and that the length counts.
  if (length != 0 && !quirks_.fires(Quirk::used_descriptor_without_write, dma_.at())) {
    pending_flags_ |= VIRTQ_DESC_F_WRITE;
  }
  published_slots_ = token.slots;
  // A faulty device returns a chain twice.
  outstanding_ = static_cast<std::uint16_t>(outstanding_ - std::min(outstanding_, token.slots));
  advance(used_, mutant(Mutant::packed_list_counts_one) ? std::uint16_t{1} : token.slots);
  ++used_count_;
}

void PackedQueue::publish_used() {
  dma_.order_stores();  // data, status, length and id before the flags that vouch for them (2.8.9)
  dma_.store(pending_address_, pending_flags_);
}

int PackedQueue::distance_to(std::uint16_t off_wrap) const {
  const int offset = off_wrap & ~kEventWrap;
  const bool wrap = (off_wrap & kEventWrap) != 0;
  return offset - used_.index - (wrap == used_.wrap ? 0 : place_.size);
}

// 2.8.14: the value 2 does, with EVENT_IDX; 3 is reserved.
bool PackedQueue::names_descriptor(unsigned flags, Picoseconds at) {
  if (flags == RING_EVENT_FLAGS_DESC && event_index_) {
    return true;
  }
  return flags >= RING_EVENT_FLAGS_DESC && quirks_.fires(Quirk::reserved_event_flags_name_descriptor, at);
}

// 2.8.10: for each used descriptor, for none, or when the one at a given place is used, which may have been skipped.
bool PackedQueue::interrupt_wanted() {
  PvirtqEventSuppress wish;
  if (!dma_.load(place_.driver, wish)) {
    return false;
  }
  const bool first = !std::exchange(asked_, true);
  const unsigned flags = wish.flags & kEventFlagsMask;
  if (names_descriptor(flags, dma_.at())) {
    const int distance = distance_to(wish.desc);
    const bool passed = distance < 0 && distance >= -int{published_slots_};
    return passed || (first && quirks_.fires(Quirk::first_used_always_notifies, dma_.at()));
  }
  return flags != RING_EVENT_FLAGS_DISABLE;
}

unsigned PackedQueue::slots_to_interrupt() const {
  PvirtqEventSuppress wish;
  if (!dma_.peek(place_.driver, wish)) {
    return 0;
  }
  const unsigned flags = wish.flags & kEventFlagsMask;
  const bool reserved_too = quirks_.has(Quirk::reserved_event_flags_name_descriptor);
  if (flags >= RING_EVENT_FLAGS_DESC && ((flags == RING_EVENT_FLAGS_DESC && event_index_) || reserved_too)) {
    if (!asked_ && quirks_.has(Quirk::first_used_always_notifies)) {
      return 1;
    }
    // Behind: the event comes when the ring has wrapped again.
    const int distance = distance_to(wish.desc);
    return static_cast<unsigned>(distance < 0 ? distance + 2 * place_.size : distance) + 1;
  }
  return flags == RING_EVENT_FLAGS_DISABLE ? 0 : 1;
}

}  // namespace ringside::model
