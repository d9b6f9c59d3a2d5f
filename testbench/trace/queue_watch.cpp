#include "testbench/trace/queue_watch.h"

#include <algorithm>
#include <cstring>

namespace ringside::trace {
namespace {

// A device may write ring memory at the same moment, so each field is read once.
template <class T>
T read_shared(const std::uint8_t* at) {
  T value;
  if (reinterpret_cast<std::uintptr_t>(at) % alignof(T) == 0) {
    value = *reinterpret_cast<const volatile T*>(at);
  } else {
    std::memcpy(&value, at, sizeof value);
  }
  return value;
}

Descriptor read_descriptor(const std::uint8_t* table, std::uint32_t index) {
  Descriptor descriptor;
  std::memcpy(&descriptor, table + std::size_t{index} * kDescriptorBytes, sizeof descriptor);
  return descriptor;
}

bool has_range(std::uint16_t type) { return type == VIRTIO_BLK_T_DISCARD || type == VIRTIO_BLK_T_WRITE_ZEROES; }

}  // namespace

QueueWatch::QueueWatch(std::uint8_t unit, std::uint16_t queue, const QueueRings& rings, DmaBuffers& buffers,
                       HashStream& hash, Recorder& recorder)
    : unit_(unit),
      queue_(queue),
      rings_(rings),
      buffers_(buffers),
      hash_(hash),
      recorder_(recorder),
      chains_(rings.size) {}

bool QueueWatch::lies_in(const GuardedBuffer& buffer) const {
  const auto inside = [&](const std::uint8_t* ring) { return ring >= buffer.cpu && ring < buffer.cpu + buffer.size; };
  return inside(rings_.descriptors) || inside(rings_.avail) || inside(rings_.used);
}

bool QueueWatch::stored(const void* address, std::uint64_t value) {
  const std::uintptr_t offset =
      reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(rings_.avail);
  if (offset >= avail_bytes(rings_.size)) {
    return false;
  }
  if (offset == kRingIndex) {
    published(static_cast<std::uint16_t>(value));
  } else if (offset == kRingFlags || offset == used_event_offset(rings_.size)) {
    Record record = driver_record(offset == kRingFlags ? Kind::avail_flags : Kind::used_event, unit_, queue_);
    record.value = value;
    recorder_.put(record);
  }
  return true;
}

void QueueWatch::published(std::uint16_t index) {
  const auto added = static_cast<std::uint16_t>(index - avail_index_);
  Record record = driver_record(Kind::avail_publish, unit_, queue_);
  record.value = index;
  record.length = added;
  record.aux = published_ + added;
  recorder_.put(record);

  // More entries than the ring has: the index is nonsense, and so is what it would have us read.
  if (added <= rings_.size) {
    for (std::uint16_t i = 0; i < added; ++i) {
      const std::uint32_t slot = static_cast<std::uint16_t>(avail_index_ + i) % rings_.size;
      request(read_shared<std::uint16_t>(rings_.avail + kRingEntries + 2 * slot));
    }
  } else {
    published_ += added;
  }
  avail_index_ = index;
}

void QueueWatch::request(std::uint16_t head) {
  const auto ordinal = static_cast<std::uint32_t>(published_++);
  Record record = driver_record(Kind::request, unit_, queue_);
  record.ordinal = ordinal;
  if (head >= rings_.size) {
    record.flags = kSenseless;
    record.value = head;
    recorder_.put(record);
    return;
  }
  Chain& chain = chains_[head];
  record.width = chain.in_flight ? 1 : 0;
  const Walk walk = this->walk(head, chain);
  const bool readable = walk.sense && walk.header_bytes == sizeof walk.header;
  chain.in_flight = true;
  chain.ordinal = ordinal;
  chain.type = readable ? static_cast<std::uint16_t>(walk.header.type) : kSenseless;
  chain.sector = readable ? walk.header.sector : 0;

  const std::uint64_t data_written = chain.writable_bytes == 0 ? 0 : chain.writable_bytes - 1;  // less the status byte
  record.flags = chain.type;
  record.offset = chain.sector;
  record.value = readable ? 0 : head;
  if (has_range(chain.type) && walk.range_bytes == sizeof walk.range) {
    record.value = walk.range.sector;
    record.region = walk.range.sectors;
  }
  record.length = walk.readable_bytes - walk.header_bytes + data_written;
  record.hash = hash_.end();
  record.aux = walk.descriptors | std::uint64_t{walk.indirect} << 16 | chain.writable_bytes << 17;
  recorder_.put(record);
}

// VIRTIO 1.2, 2.7.5.3: a chain may end in one indirect table, tables do not nest. A loop is cut off at the size of the
// table it runs in.
QueueWatch::Walk QueueWatch::walk(std::uint16_t head, Chain& chain) {
  Walk walk;
  chain.writable.clear();
  chain.writable_bytes = 0;
  hash_.begin();

  const std::uint8_t* table = rings_.descriptors;
  std::uint32_t entries = rings_.size;
  std::uint32_t index = head;
  for (std::uint32_t steps = 0; steps < entries; ++steps) {
    if (index >= entries) {
      break;
    }
    const Descriptor descriptor = read_descriptor(table, index);
    if ((descriptor.flags & VIRTQ_DESC_F_INDIRECT) != 0) {
      table = buffers_.cpu_of(descriptor.address, descriptor.length);
      if (walk.indirect || table == nullptr || (descriptor.flags & VIRTQ_DESC_F_NEXT) != 0 ||
          descriptor.length % kDescriptorBytes != 0) {
        break;
      }
      walk.indirect = true;
      entries = std::min<std::uint32_t>(descriptor.length / kDescriptorBytes, kMaxQueueSize);
      index = 0;
      steps = ~std::uint32_t{0};  // count again, in the table
      continue;
    }
    add_piece(descriptor, walk, chain);
    if ((descriptor.flags & VIRTQ_DESC_F_NEXT) == 0) {
      return walk;
    }
    index = descriptor.next;
  }
  walk.sense = false;
  return walk;
}

void QueueWatch::add_piece(const Descriptor& descriptor, Walk& walk, Chain& chain) {
  ++walk.descriptors;
  const std::uint8_t* const cpu = buffers_.cpu_of(descriptor.address, descriptor.length);
  if ((descriptor.flags & VIRTQ_DESC_F_WRITE) != 0) {
    chain.writable.push_back({cpu, descriptor.length});
    chain.writable_bytes += descriptor.length;
  } else {
    walk.readable_bytes += descriptor.length;
    add_readable(cpu, descriptor.length, walk);
  }
}

// The header is the first 16 readable bytes, however they are laid out (2.7.4: a device assumes nothing about that).
void QueueWatch::add_readable(const std::uint8_t* cpu, std::uint32_t length, Walk& walk) {
  const auto missing = static_cast<std::uint32_t>(sizeof walk.header - walk.header_bytes);
  const std::uint32_t of_header = std::min(missing, length);
  if (cpu != nullptr) {
    std::memcpy(reinterpret_cast<std::uint8_t*>(&walk.header) + walk.header_bytes, cpu, of_header);
    hash_.add(cpu + of_header, length - of_header);
    const auto of_range =
        std::min(static_cast<std::uint32_t>(sizeof walk.range - walk.range_bytes), length - of_header);
    std::memcpy(reinterpret_cast<std::uint8_t*>(&walk.range) + walk.range_bytes, cpu + of_header, of_range);
    walk.range_bytes += of_range;
  }
  walk.header_bytes += of_header;
}

void QueueWatch::looked(std::uint16_t index) {
  const auto added = static_cast<std::uint16_t>(index - used_index_);
  if (added == 0 && ++idle_looks_ > 1) {
    return;
  }
  used_ += added;
  Record record = driver_record(Kind::used_seen, unit_, queue_);
  record.value = index;
  record.length = added;
  record.aux = used_;
  if (added != 0) {
    record.ordinal = idle_looks_;
    idle_looks_ = 0;
  }
  recorder_.put(record);

  // Pairs with the device's ordering of used elements, status and data before used.idx.
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  if (added <= rings_.size) {
    for (std::uint16_t i = 0; i < added; ++i) {
      const std::uint32_t slot = static_cast<std::uint16_t>(used_index_ + i) % rings_.size;
      const std::uint8_t* const element = rings_.used + kRingEntries + 8 * std::size_t{slot};
      completed(read_shared<std::uint32_t>(element), read_shared<std::uint32_t>(element + 4));
    }
  }
  used_index_ = index;
}

void QueueWatch::completed(std::uint32_t id, std::uint32_t length) {
  Record record = driver_record(Kind::completion, unit_, queue_);
  record.length = length;
  if (id >= rings_.size || !chains_[id].in_flight) {
    record.ordinal = kNoOrdinal;
    record.offset = id;
    recorder_.put(record);
    return;
  }
  Chain& chain = chains_[id];
  chain.in_flight = false;
  record.ordinal = chain.ordinal;
  record.flags = chain.type;
  record.offset = chain.sector;
  record.aux = chain.writable_bytes;
  read_results(chain, record);
  recorder_.put(record);
  for (const Piece& piece : chain.writable) {
    buffers_.check_near(piece.cpu);
  }
}

// The last byte that the device may write is the status, whatever the layout (5.2.6).
void QueueWatch::read_results(const Chain& chain, Record& record) {
  hash_.begin();
  std::uint64_t left = chain.writable_bytes;
  for (const Piece& piece : chain.writable) {
    left -= piece.length;
    // The buffer may have been freed meanwhile, by a driver that gave up on the request.
    if (piece.length == 0 || piece.cpu == nullptr || buffers_.at_cpu(piece.cpu, piece.length) == nullptr) {
      continue;
    }
    const bool last = left == 0;
    hash_.add(piece.cpu, last ? piece.length - 1 : piece.length);
    if (last) {
      record.value = piece.cpu[piece.length - 1];
    }
  }
  record.hash = hash_.end();
}

}  // namespace ringside::trace
