#include "testbench/faults/shared_memory.h"

#include <algorithm>
#include <cstring>

#include "testbench/trace/dma_buffers.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::faults {

using namespace trace;

namespace {

// Devices store to rings at the same time: one access, as theirs.
template <class Word>
void store_shared(std::uint8_t* at, Word value) {
  __atomic_store_n(reinterpret_cast<Word*>(at), value, __ATOMIC_RELEASE);
}

}  // namespace

std::uint32_t UsedElement::get_id() const {
  std::uint32_t value = 0;
  std::memcpy(&value, id, id_bytes);
  return value;
}

void UsedElement::set_id(std::uint32_t value) const {
  id_bytes == 4 ? store_shared(id, value) : store_shared(id, static_cast<std::uint16_t>(value));
}

void UsedElement::set_length(std::uint32_t value) const { store_shared(length, value); }

void SharedMemory::allocated(const hal::DmaBuffer& buffer, std::size_t alignment) {
  auto* const cpu = static_cast<std::uint8_t*>(buffer.cpu);
  const std::uint64_t number = ++allocations_;
  by_bus_[hal::raw(buffer.bus)] = {cpu, buffer.size, number};
  by_number_[number] = hal::raw(buffer.bus) + DmaBuffers::guard_for(alignment);
}

void SharedMemory::freed(const hal::DmaBuffer& buffer) {
  const auto found = by_bus_.find(hal::raw(buffer.bus));
  if (found == by_bus_.end()) {
    return;
  }
  const Allocation& allocation = found->second;
  const auto inside = [&](const std::uint8_t* ring) {
    return ring >= allocation.cpu && ring < allocation.cpu + allocation.size;
  };
  std::erase_if(queues_,
                [&](const auto& entry) { return inside(entry.second.descriptors) || inside(entry.second.used); });
  by_number_.erase(allocation.number);
  by_bus_.erase(found);
}

void SharedMemory::see(const Record& record) {
  switch (record.kind) {
    case Kind::features:
      if (record.flags == 1) {
        accepted_[record.unit] = record.value;
      }
      break;
    case Kind::queue_enabled:
      enabled(record);
      break;
    case Kind::queue_disabled:
      queues_.erase({record.unit, record.queue});
      break;
    case Kind::device_status:
      if (record.flags == 0 && record.value == 0) {
        std::erase_if(queues_, [&](const auto& entry) { return entry.first.first == record.unit; });
      }
      break;
    case Kind::used_seen:
      if (Queue* const queue = find(record.unit, record.queue); queue != nullptr) {
        queue->seen = static_cast<std::uint16_t>(record.value);
      }
      break;
    default:
      break;
  }
}

void SharedMemory::enabled(const Record& record) {
  Queue queue;
  queue.size = static_cast<std::uint16_t>(std::min<std::uint64_t>(record.value, kMaxQueueSize));
  queue.packed = (accepted_[record.unit] >> VIRTIO_F_RING_PACKED & 1) != 0;
  queue.seen = queue.packed ? std::uint16_t{0x8000} : std::uint16_t{0};  // the wrap counter begins at 1 (2.8.1)
  queue.descriptors = at_packed(record.offset, std::uint64_t{queue.size} * kDescriptorBytes);
  queue.used = at_packed(record.aux, queue.packed ? kEventAreaBytes : used_bytes(queue.size));
  queues_.erase({record.unit, record.queue});
  const bool aligned = reinterpret_cast<std::uintptr_t>(queue.used) % alignof(std::uint32_t) == 0;
  if (queue.size != 0 && queue.descriptors != nullptr && queue.used != nullptr && aligned) {
    queues_[{record.unit, record.queue}] = queue;
  }
}

SharedMemory::Queue* SharedMemory::find(std::uint8_t unit, std::uint16_t queue) {
  const auto found = queues_.find({unit, queue});
  return found == queues_.end() ? nullptr : &found->second;
}

std::uint8_t* SharedMemory::at_bus(std::uint64_t bus, std::uint64_t size) const {
  const auto after = by_bus_.upper_bound(bus);
  if (after == by_bus_.begin()) {
    return nullptr;
  }
  const auto& [base, allocation] = *std::prev(after);
  const std::uint64_t offset = bus - base;
  const bool inside = offset <= allocation.size && size <= allocation.size - offset;
  return inside ? allocation.cpu + offset : nullptr;
}

std::uint8_t* SharedMemory::at_packed(std::uint64_t packed, std::uint64_t size) const {
  const auto found = by_number_.find(packed >> 40);
  return found == by_number_.end() ? nullptr : at_bus(found->second + (packed & 0xff'ffff'ffff), size);
}

bool SharedMemory::is_packed(std::uint8_t unit, std::uint16_t queue) {
  const Queue* const found = find(unit, queue);
  return found != nullptr && found->packed;
}

std::uint16_t* SharedMemory::used_index(std::uint8_t unit, std::uint16_t queue) {
  Queue* const found = find(unit, queue);
  return found == nullptr || found->packed ? nullptr : reinterpret_cast<std::uint16_t*>(found->used + kRingIndex);
}

std::optional<UsedElement> SharedMemory::newest_used(std::uint8_t unit, std::uint16_t queue) {
  Queue* const found = find(unit, queue);
  if (found == nullptr) {
    return std::nullopt;
  }
  if (found->packed) {
    return newest_packed(*found);
  }
  // Pairs with the device's release of used.idx: the element is there once the index says so.
  const std::uint16_t index = __atomic_load_n(used_index(unit, queue), __ATOMIC_ACQUIRE);
  if (index == found->seen) {
    return std::nullopt;
  }
  const std::uint32_t slot = static_cast<std::uint16_t>(index - 1) % found->size;
  std::uint8_t* const element = found->used + kRingEntries + 8 * std::size_t{slot};
  return UsedElement{element, element + 4, 4};
}

std::optional<UsedElement> SharedMemory::newest_packed(const Queue& queue) {
  const std::uint32_t place = (queue.seen & 0x7fffu) % queue.size;
  const bool wrap = (queue.seen & 0x8000u) != 0;
  std::uint8_t* const descriptor = queue.descriptors + std::size_t{place} * kDescriptorBytes;
  // Pairs with the device's release of the flags: id and length are there once they say so.
  const auto flags =
      __atomic_load_n(reinterpret_cast<const std::uint16_t*>(descriptor + kPackedFlags), __ATOMIC_ACQUIRE);
  const bool used = ((flags & VIRTQ_DESC_F_AVAIL) != 0) == wrap && ((flags & VIRTQ_DESC_F_USED) != 0) == wrap;
  return used ? std::optional<UsedElement>(UsedElement{descriptor + kPackedId, descriptor + kPackedLength, 2})
              : std::nullopt;
}

bool SharedMemory::write_avail_event(std::uint8_t unit, std::uint16_t queue, std::uint16_t value) {
  const Queue* const found = find(unit, queue);
  if (found == nullptr) {
    return false;
  }
  if (found->packed) {
    store_shared(found->used + kEventOffset, value);
    store_shared(found->used + kEventFlags, RING_EVENT_FLAGS_DESC);
  } else if ((accepted_[unit] >> VIRTIO_F_EVENT_IDX & 1) != 0) {
    store_shared(found->used + kRingEntries + 8 * std::size_t{found->size}, value);
  } else {
    store_shared(found->used + kRingFlags, value);
  }
  return true;
}

bool SharedMemory::repeat_newest(std::uint8_t unit, std::uint16_t queue) {
  const std::optional<UsedElement> newest = newest_used(unit, queue);
  const Queue* const found = find(unit, queue);
  std::uint16_t* const index = used_index(unit, queue);
  if (!newest.has_value() || index == nullptr) {
    return false;
  }
  const std::uint16_t next = __atomic_load_n(index, __ATOMIC_ACQUIRE);
  std::memcpy(found->used + kRingEntries + 8 * std::size_t{next % std::uint32_t{found->size}}, newest->id, 8);
  store_shared(reinterpret_cast<std::uint8_t*>(index), static_cast<std::uint16_t>(next + 1));
  return true;
}

bool SharedMemory::turn_wrap_bit(std::uint8_t unit, std::uint16_t queue) {
  const Queue* const found = find(unit, queue);
  const std::optional<UsedElement> newest = found != nullptr && found->packed ? newest_packed(*found) : std::nullopt;
  if (!newest.has_value()) {
    return false;
  }
  std::uint8_t* const flags = newest->id - kPackedId + kPackedFlags;
  std::uint16_t value = 0;
  std::memcpy(&value, flags, sizeof value);
  store_shared(flags, static_cast<std::uint16_t>(value ^ VIRTQ_DESC_F_USED));
  return true;
}

bool SharedMemory::rewrite_descriptors(std::uint8_t unit, std::uint16_t queue, std::uint32_t head) {
  const Queue* const found = find(unit, queue);
  if (found == nullptr || head >= found->size) {
    return false;
  }
  // Of a packed ring the rest of the descriptor is the used element.
  constexpr Descriptor kNonsense{0xdead'beef'dead'beef, 0xffff'ffff, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_INDIRECT, 0xffff};
  const std::size_t bytes = found->packed ? sizeof kNonsense.address : sizeof kNonsense;
  std::memcpy(found->descriptors + head * std::size_t{kDescriptorBytes}, &kNonsense, bytes);
  return true;
}

std::uint8_t* SharedMemory::status_byte(std::uint8_t unit, std::uint16_t queue, std::uint32_t head) {
  Queue* const found = find(unit, queue);
  if (found == nullptr || found->packed) {
    return nullptr;
  }
  std::uint8_t* last = nullptr;
  const std::uint8_t* table = found->descriptors;
  std::uint32_t entries = found->size;
  std::uint32_t index = head;
  bool indirect = false;
  for (std::uint32_t steps = 0; steps < entries && index < entries; ++steps) {
    Descriptor descriptor;
    std::memcpy(&descriptor, table + std::size_t{index} * kDescriptorBytes, sizeof descriptor);
    std::uint8_t* const memory = at_bus(descriptor.address, descriptor.length);
    if ((descriptor.flags & VIRTQ_DESC_F_INDIRECT) != 0) {
      if (indirect || memory == nullptr) {
        return nullptr;  // tables do not nest (VIRTIO 1.2, 2.7.5.3)
      }
      indirect = true;
      table = memory;
      entries = std::min<std::uint32_t>(descriptor.length / kDescriptorBytes, kMaxQueueSize);
      index = steps = 0;
      --steps;  // count again, in the table
      continue;
    }
    if ((descriptor.flags & VIRTQ_DESC_F_WRITE) != 0 && memory != nullptr && descriptor.length != 0) {
      last = memory + descriptor.length - 1;
    }
    if ((descriptor.flags & VIRTQ_DESC_F_NEXT) == 0) {
      return last;
    }
    index = descriptor.next;
  }
  return nullptr;
}

}  // namespace ringside::faults
