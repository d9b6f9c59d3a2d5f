#include "model/split_queue.h"

#include <bit>
#include <utility>

#include "model/mutants.h"

namespace ringside::model {

void SplitQueue::reset() {
  available_ = 0;
  fetched_ = 0;
  asked_ = false;
  if (!mutant(Mutant::queue_reset_keeps_index)) {
    next_ = 0;
    used_index_ = 0;
  }
}

void SplitQueue::enable(const RingPlace& place) {
  place_ = place;
  power_of_two_ = std::has_single_bit(place.size);
}

void SplitQueue::resize(std::uint16_t size) {
  place_.size = size;
  power_of_two_ = std::has_single_bit(size);
}

void SplitQueue::set_features(std::uint64_t features) {
  event_index_ = (features & VIRTIO_F_EVENT_IDX) != 0;
  indirect_ = (features & VIRTIO_F_INDIRECT_DESC) != 0;
}

Look SplitQueue::look() {
  if (next_ != available_) {
    return Look::something;
  }
  std::uint16_t index = 0;
  if (!dma_.load(place_.driver + 2, index)) {
    return Look::malformed;
  }
  const bool too_far = static_cast<std::uint16_t>(index - next_) > place_.size;
  if (too_far && !quirks_.fires(Quirk::available_index_unchecked, dma_.at())) {
    return Look::malformed;
  }
  dma_.order_loads();  // pairs with the driver's, between its entries and the index (2.7.13.1)
  available_ = index;
  return next_ == available_ ? Look::nothing : Look::something;
}

bool SplitQueue::fetch(Chain& chain) {
  std::uint16_t index = 0;
  if (!dma_.load(place_.driver + 4 + 2ull * slot(next_), index)) {
    return false;
  }
  ++next_;
  ++fetched_;
  chain.token = {index, 1};
  // A chain that is longer than the queue has a loop.
  for (unsigned length = 0; length < place_.size; ++length) {
    VirtqDesc descriptor;
    if (index >= place_.size || !dma_.load(place_.desc + sizeof descriptor * index, descriptor)) {
      return false;
    }
    const bool indirect = (descriptor.flags & VIRTQ_DESC_F_INDIRECT) != 0;
    if (indirect && (length == 0 || !quirks_.fires(Quirk::indirect_in_head_only, dma_.at()))) {
      return fetch_indirect(chain, descriptor);
    }
    if (!chain.add(dma_, descriptor.addr, descriptor.len, descriptor.flags)) {
      return false;
    }
    if ((descriptor.flags & VIRTQ_DESC_F_NEXT) == 0) {
      return true;
    }
    index = descriptor.next;
  }
  return false;
}

// 2.7.5.3: the table stands alone behind one descriptor, or ends a chain; it holds no further table.
bool SplitQueue::fetch_indirect(Chain& chain, const VirtqDesc& descriptor) {
  const std::uint32_t count = descriptor.len / static_cast<std::uint32_t>(sizeof(VirtqDesc));
  const bool next = (descriptor.flags & VIRTQ_DESC_F_NEXT) != 0;
  if (next && !quirks_.fires(Quirk::indirect_with_next_accepted, dma_.at())) {
    return false;
  }
  const bool negotiated = indirect_ || quirks_.fires(Quirk::indirect_unnegotiated, dma_.at());
  if (!negotiated || count == 0 || count > kMaxChain || descriptor.len % sizeof(VirtqDesc) != 0 ||
      !dma_.read(descriptor.addr, table_.split.data(), descriptor.len)) {
    return false;
  }
  std::uint16_t index = 0;
  for (std::uint32_t length = 0; length < count; ++length) {
    if (index >= count - (mutant(Mutant::indirect_table_one_short) ? 1 : 0)) {
      return false;
    }
    const VirtqDesc& entry = table_.split[index];
    const bool nested = (entry.flags & VIRTQ_DESC_F_INDIRECT) != 0;
    if (nested && !quirks_.fires(Quirk::indirect_in_head_only, dma_.at())) {
      return false;
    }
    if (!chain.add(dma_, entry.addr, entry.len, entry.flags)) {
      return false;
    }
    if ((entry.flags & VIRTQ_DESC_F_NEXT) == 0) {
      return true;
    }
    index = entry.next;
  }
  return false;
}

void SplitQueue::ask_for_notification() {
  if (event_index_ && !mutant(Mutant::avail_event_stuck)) {
    dma_.store(avail_event_address(), next_);
  }
}

void SplitQueue::put_used(const Token& token, std::uint32_t length) {
  const VirtqUsedElem element{mutant(Mutant::used_id_swapped) ? token.id ^ 1u : token.id, length};
  dma_.store(place_.device + 4 + sizeof element * slot(used_index_), element);
  ++used_index_;
}

void SplitQueue::publish_used() {
  dma_.order_stores();  // data, status and element before the index that vouches for them (2.7.8.2)
  dma_.store(place_.device + 2, used_index_);
}

bool SplitQueue::interrupt_wanted() {
  std::uint16_t word = 0;
  if (event_index_) {
    const bool first = !std::exchange(asked_, true);
    const unsigned next = mutant(Mutant::used_event_one_late) ? 2 : 1;
    const bool wanted = dma_.load(used_event_address(), word) && static_cast<std::uint16_t>(word + next) == used_index_;
    return wanted || (first && quirks_.fires(Quirk::first_used_always_notifies, dma_.at()));
  }
  return dma_.load(place_.driver, word) && (word & VIRTQ_AVAIL_F_NO_INTERRUPT) == 0;
}

unsigned SplitQueue::slots_to_interrupt() const {
  std::uint16_t word = 0;
  if (event_index_) {
    if (!asked_ && quirks_.has(Quirk::first_used_always_notifies)) {
      return 1;
    }
    return dma_.peek(used_event_address(), word) ? static_cast<std::uint16_t>(word + 1 - used_index_) : 0;
  }
  return dma_.peek(place_.driver, word) && (word & VIRTQ_AVAIL_F_NO_INTERRUPT) == 0 ? 1 : 0;
}

}  // namespace ringside::model
