#include "testbench/trace/packed_watch.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace ringside::trace {
namespace {

// 2.8.1: available when AVAIL equals the driver's wrap counter and USED does not, used when both equal the device's.
bool is_available(std::uint16_t flags, bool wrap) {
  return ((flags & VIRTQ_DESC_F_AVAIL) != 0) == wrap && ((flags & VIRTQ_DESC_F_USED) != 0) != wrap;
}

bool is_used(std::uint16_t flags, bool wrap) {
  return ((flags & VIRTQ_DESC_F_AVAIL) != 0) == wrap && ((flags & VIRTQ_DESC_F_USED) != 0) == wrap;
}

}  // namespace

PackedWatch::PackedWatch(std::uint8_t unit, std::uint16_t queue, const QueueRings& rings, const WatchTools& tools)
    : QueueWatch(unit, queue, rings,
                 {{rings.descriptors, std::size_t{rings.size} * kDescriptorBytes}, {rings.avail, kEventAreaBytes}},
                 tools) {}

const std::uint8_t* PackedWatch::entry(const Position& position) const {
  return rings().descriptors + std::size_t{position.place} * kDescriptorBytes;
}

PackedDescriptor PackedWatch::descriptor(const Position& position, const Store& store) const {
  std::array<std::uint8_t, kDescriptorBytes> bytes;
  const std::uint8_t* const at = entry(position);
  std::memcpy(bytes.data(), at, bytes.size());
  for (unsigned i = 0; i < store.size; ++i) {
    if (store.address + i >= at && store.address + i < at + kDescriptorBytes) {
      bytes[static_cast<std::size_t>(store.address + i - at)] = static_cast<std::uint8_t>(store.value >> (8 * i));
    }
  }
  PackedDescriptor descriptor;
  std::memcpy(&descriptor, bytes.data(), sizeof descriptor);
  return descriptor;
}

// --- Published

void PackedWatch::before_store(const std::uint8_t* address, unsigned size, std::uint64_t value) {
  if (address < rings().descriptors || address >= rings().descriptors + std::size_t{rings().size} * kDescriptorBytes) {
    return;
  }
  if (is_with_device(static_cast<std::uint32_t>((address - rings().descriptors) / kDescriptorBytes))) {
    ring_defect(Defect::entry_rewritten);
  }
  publish({address, size, value});
}

void PackedWatch::look_for_published() {
  const auto flags = read_shared16(entry(next_avail_) + kPackedFlags);
  if (is_available(flags, next_avail_.wrap)) {
    // Pairs with the driver's ordering of a list before the flags of its first descriptor (2.8.6).
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    publish({});
  }
}

// The flags of the first descriptor of a list are written last (2.8.6), so the store to the next available place may
// make several lists available that had been written behind it.
void PackedWatch::publish(const Store& store) {
  std::vector<List> lists;
  std::uint32_t left = rings().size;
  while (left != 0 && is_available(descriptor(next_avail_, store).flags, next_avail_.wrap)) {
    lists.push_back(list_at(next_avail_, left, store));
    left -= lists.back().entries;
    next_avail_.advance(lists.back().entries, rings().size);
  }
  if (lists.empty()) {
    return;
  }
  published(next_avail_.word(), static_cast<std::uint32_t>(lists.size()));
  for (const List& list : lists) {
    request(list, store);
  }
}

// From what the driver has not seen used up to what it makes available next; all of the ring, or nothing of it, when
// the two are at the same place.
bool PackedWatch::is_with_device(std::uint32_t place) const {
  if (next_used_.place == next_avail_.place) {
    return next_used_.wrap != next_avail_.wrap;
  }
  const bool after_used = place >= next_used_.place;
  const bool before_avail = place < next_avail_.place;
  return next_used_.place < next_avail_.place ? after_used && before_avail : after_used || before_avail;
}

PackedWatch::List PackedWatch::list_at(const Position& start, std::uint32_t most, const Store& store) const {
  List list{start};
  Position position = start;
  while (!list.ends && list.entries < most) {
    list.ends = (descriptor(position, store).flags & VIRTQ_DESC_F_NEXT) == 0;
    ++list.entries;
    position.advance(1, rings().size);
  }
  return list;
}

// The buffer's id stands in the last descriptor of its list (2.8.6).
void PackedWatch::request(const List& list, const Store& store) {
  Position last = list.start;
  last.advance(list.entries - 1, rings().size);
  const std::uint16_t id = descriptor(last, store).id;
  Chain& chain = begin_chain(id);
  chain.entries = list.entries;
  Walk walk;
  walk.sense = list.ends;
  Position position = list.start;
  for (std::uint32_t i = 0; i < list.entries; ++i) {
    const PackedDescriptor piece = descriptor(position, store);
    if (i != 0 && !is_available(piece.flags, position.wrap)) {
      chain_defect(Defect::head_before_rest, walk, chain);
    }
    if ((piece.flags & VIRTQ_DESC_F_INDIRECT) == 0) {
      add_piece(piece.address, piece.length, (piece.flags & VIRTQ_DESC_F_WRITE) != 0, walk, chain);
    } else if (list.entries == 1) {
      walk_table(piece, walk, chain);
    } else {
      chain_defect(Defect::indirect_in_list, walk, chain);  // 2.8.7: not part of a list
      walk.sense = false;
    }
    position.advance(1, rings().size);
  }
  end_chain(id, chain, walk);
}

// 2.8.7: the entries of an indirect table are used in their order, and of their flags only WRITE counts.
void PackedWatch::walk_table(const PackedDescriptor& descriptor, Walk& walk, Chain& chain) {
  const std::uint8_t* const table = table_of(descriptor.address, descriptor.length, walk, chain);
  walk.indirect = true;
  if (table == nullptr || descriptor.length % kDescriptorBytes != 0) {
    walk.sense = false;
    return;
  }
  const std::uint32_t entries = std::min<std::uint32_t>(descriptor.length / kDescriptorBytes, kMaxQueueSize);
  for (std::uint32_t i = 0; i < entries; ++i) {
    PackedDescriptor piece;
    std::memcpy(&piece, table + std::size_t{i} * kDescriptorBytes, sizeof piece);
    if ((piece.flags & ~VIRTQ_DESC_F_WRITE) != 0) {
      chain_defect(Defect::flags_in_table, walk, chain);
    }
    add_piece(piece.address, piece.length, (piece.flags & VIRTQ_DESC_F_WRITE) != 0, walk, chain);
  }
}

void PackedWatch::stored(const std::uint8_t* address, unsigned size, std::uint64_t value) {
  if (address < rings().avail || address >= rings().avail + kEventAreaBytes) {
    return;
  }
  const auto offset = static_cast<std::uint32_t>(address - rings().avail);
  if (offset == kEventOffset) {
    record_suppression(Kind::used_event, value & 0xffff);
  }
  if (offset == kEventFlags || size > kEventFlags) {
    record_suppression(Kind::avail_flags, offset == kEventFlags ? value & 0xffff : value >> 16 & 0xffff);
  }
}

void PackedWatch::look_for_suppression() {
  QueueWatch::look_for_suppression(Kind::used_event, read_shared16(rings().avail + kEventOffset), last_event_);
  QueueWatch::look_for_suppression(Kind::avail_flags, read_shared16(rings().avail + kEventFlags), last_flags_);
}

// --- Used

// As often as there is something.
void PackedWatch::look_for_used() {
  for (std::uint32_t i = 0; i < rings().size; ++i) {
    const std::uint8_t* const flags = entry(next_used_) + kPackedFlags;
    const std::uint16_t value = read_shared16(flags);
    if (!is_used(value, next_used_.wrap)) {
      return;
    }
    looked(flags, sizeof value, value);
  }
}

bool PackedWatch::is_look(const std::uint8_t* address, unsigned size) const {
  const std::uint8_t* const flags = entry(next_used_) + kPackedFlags;
  return address <= flags && address + size >= flags + sizeof(std::uint16_t);
}

void PackedWatch::looked(const std::uint8_t* address, unsigned, std::uint64_t value) {
  const std::uint8_t* const at = entry(next_used_);
  const auto flags = static_cast<std::uint16_t>(value >> (8 * static_cast<unsigned>(at + kPackedFlags - address)));

  if (!is_used(flags, next_used_.wrap)) {
    found(next_used_.word(), 0);
    return;
  }
  // Pairs with the device's ordering of id, length, status and data before the flags.
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  const std::uint16_t id = read_shared16(at + kPackedId);
  const std::uint32_t length = read_shared32(at + kPackedLength);
  const std::uint32_t chains = chains_up_to(id);
  next_used_.advance(std::min<std::uint32_t>(entries_up_to(id), rings().size), rings().size);
  found(next_used_.word(), chains);
  completed_up_to(id, length);
}

}  // namespace ringside::trace
