#include "testbench/trace/split_watch.h"

#include <algorithm>
#include <cstddef>

namespace ringside::trace {
namespace {

// Field by field, as a driver has just written it: a wider load would wait until all of them have left the CPU.
Descriptor read_descriptor(const std::uint8_t* table, std::uint32_t index) {
  const std::uint8_t* const at = table + std::size_t{index} * kDescriptorBytes;
  return {read_shared<std::uint64_t>(at + offsetof(Descriptor, address)),
          read_shared32(at + offsetof(Descriptor, length)), read_shared16(at + offsetof(Descriptor, flags)),
          read_shared16(at + offsetof(Descriptor, next))};
}

}  // namespace

SplitWatch::SplitWatch(std::uint8_t unit, std::uint16_t queue, const QueueRings& rings, const WatchTools& tools)
    : QueueWatch(unit, queue, rings,
                 {{rings.avail, avail_bytes(rings.size)}, {rings.used + kRingIndex, sizeof(std::uint16_t)}}, tools) {
  if (read_shared16(rings.used + kRingFlags) != 0) {
    ring_defect(Defect::used_flags_at_start);
  }
}

// --- Published

void SplitWatch::stored(const std::uint8_t* address, unsigned, std::uint64_t value) {
  if (address < rings().avail || address >= rings().avail + avail_bytes(rings().size)) {
    return;
  }
  const auto offset = static_cast<std::uint32_t>(address - rings().avail);
  if (offset == kRingIndex) {
    publish(static_cast<std::uint16_t>(value));
  } else if (offset == kRingFlags) {
    record_suppression(Kind::avail_flags, value);
  } else if (offset == used_event_offset(rings().size)) {
    record_suppression(Kind::used_event, value);
  }
}

// The index is read before what it makes available.
void SplitWatch::look_for_published() {
  const std::uint16_t index = read_shared16(rings().avail + kRingIndex);
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  if (index != avail_index_) {
    publish(index);
  }
}

void SplitWatch::look_for_used() {
  const std::uint16_t index = read_shared16(rings().used + kRingIndex);
  if (index != used_index_) {
    looked(rings().used + kRingIndex, sizeof index, index);
  }
}

void SplitWatch::look_for_suppression() {
  if (accepted(VIRTIO_F_EVENT_IDX)) {
    QueueWatch::look_for_suppression(Kind::used_event, read_shared16(rings().avail + used_event_offset(rings().size)),
                                     last_event_);
  } else {
    QueueWatch::look_for_suppression(Kind::avail_flags, read_shared16(rings().avail + kRingFlags), last_flags_);
  }
}

void SplitWatch::publish(std::uint16_t index) {
  const auto added = static_cast<std::uint16_t>(index - avail_index_);
  published(index, added);
  for (std::uint16_t i = 0; added <= rings().size && i < added; ++i) {
    const std::uint32_t slot = static_cast<std::uint16_t>(avail_index_ + i) % rings().size;
    request(read_shared16(rings().avail + kRingEntries + 2 * slot));
  }
  avail_index_ = index;
}

void SplitWatch::request(std::uint16_t head) {
  if (head >= rings().size) {
    senseless(head);
    return;
  }
  Chain& chain = begin_chain(head);
  Walk result;
  walk(head, result, chain);
  end_chain(head, chain, result);
}

// VIRTIO 1.2, 2.7.5.3: a chain may end in one indirect table, tables do not nest. A loop is cut off at the size of the
// table it runs in.
void SplitWatch::walk(std::uint16_t head, Walk& walk, Chain& chain) {
  const bool in_order = accepted(VIRTIO_F_IN_ORDER);
  const std::uint8_t* table = rings().descriptors;
  std::uint32_t entries = rings().size;
  std::uint32_t index = head;
  for (std::uint32_t steps = 0; steps < entries; ++steps) {
    if (index >= entries) {
      break;
    }
    const Descriptor descriptor = read_descriptor(table, index);
    if ((descriptor.flags & VIRTQ_DESC_F_INDIRECT) != 0) {
      if (walk.indirect) {
        chain_defect(Defect::nested_table, walk, chain);
        walk.sense = false;
        return;
      }
      if ((descriptor.flags & VIRTQ_DESC_F_NEXT) != 0) {
        chain_defect(Defect::indirect_with_next, walk, chain);
        walk.sense = false;
        return;
      }
      table = table_of(descriptor.address, descriptor.length, walk, chain);
      if (table == nullptr || descriptor.length % kDescriptorBytes != 0) {
        walk.sense = false;
        return;
      }
      walk.indirect = true;
      entries = std::min<std::uint32_t>(descriptor.length / kDescriptorBytes, kMaxQueueSize);
      index = 0;
      steps = ~std::uint32_t{0};  // count again, in the table
      continue;
    }
    add_piece(descriptor.address, descriptor.length, (descriptor.flags & VIRTQ_DESC_F_WRITE) != 0, walk, chain);
    if ((descriptor.flags & VIRTQ_DESC_F_NEXT) == 0) {
      return;
    }
    if (in_order && descriptor.next != (walk.indirect ? index + 1 : (index + 1) % entries)) {
      chain_defect(walk.indirect ? Defect::table_not_sequential : Defect::next_not_sequential, walk, chain);
    }
    index = descriptor.next;
  }
  chain_defect(Defect::endless, walk, chain);
  walk.sense = false;
}

// --- Used

bool SplitWatch::is_look(const std::uint8_t* address, unsigned) const { return address == rings().used + kRingIndex; }

// 2.7.10.2
void SplitWatch::judge_flags() {
  const std::uint16_t flags = read_shared16(rings().used + kRingFlags);
  if (flags > (accepted(VIRTIO_F_EVENT_IDX) ? 0 : 1) && !flags_told_) {
    flags_told_ = true;
    ring_defect(Defect::used_flags, flags);
  }
}

void SplitWatch::looked(const std::uint8_t*, unsigned, std::uint64_t value) {
  const auto index = static_cast<std::uint16_t>(value);
  const auto added = static_cast<std::uint16_t>(index - used_index_);
  found(index, added);
  if (added != 0) {
    judge_flags();
  }
  // Pairs with the device's ordering of used elements, status and data before used.idx.
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  // More than the ring has is nonsense. In order, the element of a batch lies where the batch begins (2.7.9).
  for (std::uint32_t i = 0; added <= rings().size && i < added;) {
    const std::uint32_t slot = static_cast<std::uint16_t>(used_index_ + i) % rings().size;
    const std::uint8_t* const element = rings().used + kRingEntries + 8 * std::size_t{slot};
    const std::uint32_t id = read_shared32(element);
    const std::uint32_t length = read_shared32(element + 4);
    i += chains_up_to(id);
    completed_up_to(id, length);
  }
  used_index_ = index;
}

}  // namespace ringside::trace
