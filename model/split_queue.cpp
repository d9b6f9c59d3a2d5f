#include "model/split_queue.h"

#include <bit>

#include "model/mutants.h"

namespace ringside::model {

void SplitQueue::reset() {
  registers = {};
  available_ = 0;
  fetched_ = 0;
  if (!mutant(Mutant::queue_reset_keeps_index)) {
    next_ = 0;
    used_index_ = 0;
  }
}

void SplitQueue::reset_one() {
  const Registers before = registers;
  reset();
  registers.desc = before.desc;
  registers.driver = before.driver;
  registers.device = before.device;
}

void SplitQueue::enable(std::uint64_t features) {
  registers.enabled = true;
  event_index_ = (features & VIRTIO_F_EVENT_IDX) != 0;
  indirect_ = (features & VIRTIO_F_INDIRECT_DESC) != 0;
  power_of_two_ = std::has_single_bit(registers.size);
}

SplitQueue::Look SplitQueue::look() {
  if (next_ != available_) {
    return Look::something;
  }
  std::uint16_t index = 0;
  if (!dma_.load(registers.driver + 2, index)) {
    return Look::malformed;
  }
  if (static_cast<std::uint16_t>(index - next_) > registers.size) {
    return Look::malformed;
  }
  available_ = index;
  return next_ == available_ ? Look::nothing : Look::something;
}

bool SplitQueue::add(Chain& chain, const VirtqDesc& descriptor) const {
  const bool writable = (descriptor.flags & VIRTQ_DESC_F_WRITE) != 0;
  const auto count = static_cast<std::uint16_t>(chain.readable + chain.writable);
  const bool readable_after_writable = !writable && chain.writable != 0;  // 2.7.4.2
  if (count == kMaxChain || readable_after_writable || descriptor.len == 0 ||
      !dma_.in_ram(descriptor.addr, descriptor.len) ||
      chain.readable_bytes + chain.writable_bytes + descriptor.len > kMaxChainBytes) {
    return false;
  }
  chain.segments[count] = {descriptor.addr, descriptor.len};
  (writable ? chain.writable : chain.readable) += 1;
  (writable ? chain.writable_bytes : chain.readable_bytes) += descriptor.len;
  return true;
}

bool SplitQueue::fetch(Chain& chain) {
  std::uint16_t index = 0;
  if (!dma_.load(registers.driver + 4 + 2ull * slot(next_), index)) {
    return false;
  }
  ++next_;
  ++fetched_;
  chain.head = index;
  // A chain that is longer than the queue has a loop.
  for (unsigned length = 0; length < registers.size; ++length) {
    VirtqDesc descriptor;
    if (index >= registers.size || !dma_.load(registers.desc + sizeof descriptor * index, descriptor)) {
      return false;
    }
    if ((descriptor.flags & VIRTQ_DESC_F_INDIRECT) != 0) {
      return fetch_indirect(chain, descriptor);
    }
    if (!add(chain, descriptor)) {
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
  if (!indirect_ || count == 0 || count > kMaxChain || descriptor.len % sizeof(VirtqDesc) != 0 ||
      !dma_.read(descriptor.addr, table_.get(), descriptor.len)) {
    return false;
  }
  std::uint16_t index = 0;
  for (std::uint32_t length = 0; length < count; ++length) {
    if (index >= count || (table_[index].flags & VIRTQ_DESC_F_INDIRECT) != 0 || !add(chain, table_[index])) {
      return false;
    }
    if ((table_[index].flags & VIRTQ_DESC_F_NEXT) == 0) {
      return true;
    }
    index = table_[index].next;
  }
  return false;
}

void SplitQueue::ask_for_notification() {
  if (event_index_) {
    dma_.store(avail_event_address(), next_);
  }
}

void SplitQueue::put_used(std::uint16_t head, std::uint32_t length) {
  const VirtqUsedElem element{mutant(Mutant::used_id_swapped) ? head ^ 1u : head, length};
  dma_.store(registers.device + 4 + sizeof element * slot(used_index_), element);
  ++used_index_;
}

void SplitQueue::publish_used() { dma_.store(registers.device + 2, used_index_); }

bool SplitQueue::interrupt_wanted() {
  std::uint16_t word = 0;
  if (event_index_) {
    return dma_.load(used_event_address(), word) && static_cast<std::uint16_t>(word + 1) == used_index_;
  }
  return dma_.load(registers.driver, word) && (word & VIRTQ_AVAIL_F_NO_INTERRUPT) == 0;
}

unsigned SplitQueue::completions_to_interrupt() const {
  std::uint16_t word = 0;
  if (event_index_) {
    return dma_.peek(used_event_address(), word) ? static_cast<std::uint16_t>(word + 1 - used_index_) : 0;
  }
  return dma_.peek(registers.driver, word) && (word & VIRTQ_AVAIL_F_NO_INTERRUPT) == 0 ? 1 : 0;
}

}  // namespace ringside::model
