#include "testbench/scenarios/program_rings.h"

#include <initializer_list>

#include "driver/hal/bits.h"
#include "driver/virtio/spec.h"

namespace ringside::scenarios {
namespace {

using virtio::Descriptor;
using virtio::kLegacyAlignment;
using virtio::PackedDescriptor;
using virtio::UsedElement;

constexpr std::size_t kRingHeader = 4;  // flags, idx
constexpr std::size_t kEventArea = 4;   // of a packed ring

bool was_given(const Step& step, unsigned slot) { return (step.given >> slot & 1) != 0; }

std::size_t descriptor_bytes(std::uint16_t size) { return std::size_t{size} * sizeof(Descriptor); }
std::size_t available_bytes(std::uint16_t size) { return kRingHeader + std::size_t{size} * 2 + 2; }
std::size_t used_bytes(std::uint16_t size) { return kRingHeader + std::size_t{size} * sizeof(UsedElement) + 2; }

template <class T>
T* at(const hal::DmaBuffer& area, std::size_t offset) {
  return reinterpret_cast<T*>(static_cast<std::uint8_t*>(area.cpu) + offset);
}

}  // namespace

// --- Queues

ProgramRings::Ring* ProgramRings::ring_of(std::uint64_t number) {
  Ring* const ring = number < kMostQueues && rings_[number].size != 0 ? rings_ + number : nullptr;
  report_.require(ring != nullptr, "the queue is set up");
  return ring;
}

ProgramRings::Ring* ProgramRings::split_ring_of(std::uint64_t number) {
  Ring* const ring = ring_of(number);
  return ring != nullptr && report_.require(!ring->packed, "the queue has a split ring") ? ring : nullptr;
}

bool ProgramRings::allocate(Ring& ring) {
  hal::Machine& machine = context_.machine();
  // 2.7, 2.8.10.1: what each area has to be aligned to.
  ring.descriptors = machine.alloc_dma_buffer(descriptor_bytes(ring.size), 16);
  ring.available = machine.alloc_dma_buffer(ring.packed ? kEventArea : available_bytes(ring.size), 4);
  ring.used = machine.alloc_dma_buffer(ring.packed ? kEventArea : used_bytes(ring.size), 4);
  ring.flags =
      static_cast<std::uint16_t*>(machine.alloc_private(ring.size * sizeof(std::uint16_t), alignof(std::uint16_t)));
  return ring.descriptors.cpu != nullptr && ring.available.cpu != nullptr && ring.used.cpu != nullptr &&
         ring.flags != nullptr;
}

// 2.7.2: in one piece, the used ring on a page of its own.
bool ProgramRings::allocate_legacy(Ring& ring) {
  const std::size_t front = descriptor_bytes(ring.size) + available_bytes(ring.size);
  const std::size_t used_at = (front + kLegacyAlignment - 1) & ~(kLegacyAlignment - 1);
  ring.whole = context_.machine().alloc_dma_buffer(used_at + used_bytes(ring.size), kLegacyAlignment);
  if (ring.whole.cpu == nullptr) {
    return false;
  }
  const auto part = [&](std::size_t offset, std::size_t bytes) {
    return hal::DmaBuffer{at<std::uint8_t>(ring.whole, offset), ring.whole.bus + offset, bytes};
  };
  ring.descriptors = part(0, descriptor_bytes(ring.size));
  ring.available = part(descriptor_bytes(ring.size), available_bytes(ring.size));
  ring.used = part(used_at, used_bytes(ring.size));
  return true;
}

void ProgramRings::release(Ring& ring) {
  hal::Machine& machine = context_.machine();
  if (ring.whole.cpu != nullptr) {
    machine.free_dma_buffer(ring.whole);
  } else {
    for (const hal::DmaBuffer* const part : {&ring.descriptors, &ring.available, &ring.used}) {
      if (part->cpu != nullptr) {
        machine.free_dma_buffer(*part);
      }
    }
  }
  ring = Ring{};
}

void ProgramRings::queue(const Step& step) {
  virtio::Transport* const transport = device_.transport();
  if (transport == nullptr) {
    return;
  }
  const auto number = static_cast<std::uint16_t>(step.args[QueueArgs::queue]);
  Ring& ring = rings_[number];
  if (ring.size != 0) {
    if (!report_.require(retired_count_ < kMostRetired, "queues are not set up too often")) {
      return;
    }
    retired_[retired_count_++] = ring;  // the device may still own it: kept until the end
    ring = Ring{};
  }
  const bool legacy = transport->is_legacy();
  ring.packed = !legacy && step.args[QueueArgs::ring] != 0;
  ring.size = legacy ? transport->max_queue_size(number) : static_cast<std::uint16_t>(step.args[QueueArgs::size]);
  const bool sound = ring.size != 0 && ring.size <= virtio::kMaxQueueSize;
  if (!report_.require(sound && (legacy ? allocate_legacy(ring) : allocate(ring)), "there is memory for the queue")) {
    release(ring);
    return;
  }
  ring.has_doorbell = transport->doorbell(number, ring.doorbell, device_.features());
  program(number, step, ring);
}

// Without the looks that a driver would take at whether the device agrees.
void ProgramRings::program(std::uint16_t number, const Step& step, Ring& ring) {
  const bool enable = step.args[QueueArgs::enable] != 0;
  if (device_.transport()->is_legacy()) {
    if (enable) {
      const auto registers = device_.window(kLegacyStructure);
      registers.write16(virtio::VIRTIO_PCI_QUEUE_SEL, number);
      registers.write32(virtio::VIRTIO_PCI_QUEUE_PFN,
                        static_cast<std::uint32_t>(hal::raw(ring.whole.bus) / kLegacyAlignment));
    }
    return;
  }
  const pci::RegisterWindow common = device_.window(virtio::VIRTIO_PCI_CAP_COMMON_CFG);
  const auto write64 = [&](std::uint32_t offset, hal::BusAddress address) {
    common.write32(offset, static_cast<std::uint32_t>(hal::raw(address)));
    common.write32(offset + 4, static_cast<std::uint32_t>(hal::raw(address) >> 32));
  };
  common.write16(virtio::VIRTIO_PCI_COMMON_Q_SELECT, number);
  common.write16(virtio::VIRTIO_PCI_COMMON_Q_SIZE, ring.size);
  common.write16(virtio::VIRTIO_PCI_COMMON_Q_MSIX, static_cast<std::uint16_t>(step.args[QueueArgs::vector]));
  write64(virtio::VIRTIO_PCI_COMMON_Q_DESCLO, ring.descriptors.bus);
  write64(virtio::VIRTIO_PCI_COMMON_Q_AVAILLO, ring.available.bus);
  write64(virtio::VIRTIO_PCI_COMMON_Q_USEDLO, ring.used.bus);
  if (enable) {
    common.write16(virtio::VIRTIO_PCI_COMMON_Q_ENABLE, 1);
  }
}

void ProgramRings::release() {
  for (Ring& ring : rings_) {
    release(ring);
  }
  for (Ring& ring : retired_) {
    release(ring);
  }
  for (hal::DmaBuffer& buffer : buffers_) {
    if (buffer.cpu != nullptr) {
      context_.machine().free_dma_buffer(buffer);
      buffer = {};
    }
  }
}

bool ProgramRings::resolve(std::uint64_t number, std::uint64_t base, std::uint64_t& address) {
  const auto which = static_cast<std::uint32_t>(base);
  const auto kind = static_cast<Base>(base >> 32);
  hal::DmaBuffer area;
  if (kind == Base::number) {
    address = number;
    return true;
  }
  if (kind == Base::buffer && which < kMostBuffers) {
    area = buffers_[which];
  } else if (which < kMostQueues) {
    const Ring& ring = rings_[which];
    area = kind == Base::descriptors ? ring.descriptors
           : kind == Base::available ? ring.available
           : kind == Base::used      ? ring.used
                                     : hal::DmaBuffer{};
  }
  address = hal::raw(area.bus) + number;
  return report_.require(area.cpu != nullptr, "what the address counts from is there");
}

// --- Descriptors

// In a queue's table, or an indirect one in a buffer.
std::uint8_t* ProgramRings::descriptor_of(const Step& step, bool& packed) {
  const std::uint64_t index = step.args[DescArgs::index];
  const std::uint64_t queue = step.args[DescArgs::queue];
  if (was_given(step, DescArgs::table)) {
    packed = queue < kMostQueues && rings_[queue].packed;
    return bytes_of(step.args[DescArgs::table], step.args[DescArgs::offset] + index * sizeof(Descriptor),
                    sizeof(Descriptor));
  }
  Ring* const ring = ring_of(queue);
  if (ring == nullptr || !report_.require(index < ring->size, "the descriptor lies in the table")) {
    return nullptr;
  }
  packed = ring->packed;
  if (packed) {
    ring->flags[index] = static_cast<std::uint16_t>(step.args[DescArgs::flags]);
  }
  return at<std::uint8_t>(ring->descriptors, index * sizeof(Descriptor));
}

void ProgramRings::desc(const Step& step) {
  std::uint64_t address = 0;
  bool packed = false;
  if (!resolve(step.args[DescArgs::address], step.args[DescArgs::base], address)) {
    return;
  }
  std::uint8_t* const place = descriptor_of(step, packed);
  if (place == nullptr ||
      !report_.require(reinterpret_cast<std::uintptr_t>(place) % alignof(Descriptor) == 0, "the table is aligned")) {
    return;
  }
  const auto length = static_cast<std::uint32_t>(step.args[DescArgs::length]);
  const auto flags = static_cast<std::uint16_t>(step.args[DescArgs::flags]);
  if (!packed) {
    auto* const descriptor = reinterpret_cast<Descriptor*>(place);
    memory_.store(&descriptor->address, address);
    memory_.store(&descriptor->length_flags_next,
                  virtio::pack(length, flags, static_cast<std::uint16_t>(step.args[DescArgs::next])));
    return;
  }
  auto* const descriptor = reinterpret_cast<PackedDescriptor*>(place);
  memory_.store(&descriptor->address, address);
  memory_.store(&descriptor->length, length);
  memory_.store(&descriptor->id, static_cast<std::uint16_t>(step.args[DescArgs::id]));
  // 2.8.21.1: the flags hand the descriptor over, so the rest is there before them; pairs with the device's read of
  // them.
  memory_.fence<hal::Fence::avail_publish>();
  memory_.store(&descriptor->flags, flags);
  // Pairs with the device's store of its event suppression, after which it looks at the flags again (2.8.21.3.1). A
  // doorbell comes behind it too.
  memory_.fence<hal::Fence::avail_notify>();
}

// --- The available ring

void ProgramRings::avail(const Step& step) {
  Ring* const ring = split_ring_of(step.args[RingArgs::queue]);
  const std::uint64_t slot = step.args[RingArgs::slot];
  if (ring != nullptr && report_.require(slot < ring->size, "the entry lies in the ring")) {
    memory_.store(at<std::uint16_t>(ring->available, kRingHeader + 2 * slot),
                  static_cast<std::uint16_t>(step.args[RingArgs::head]));
  }
}

void ProgramRings::move_index(Ring& ring, std::uint16_t index) {
  // As the driver does, see driver/virtio/split_queue.h: pairs with the device's read of avail.idx, and with its store
  // of the suppression before that.
  memory_.fence<hal::Fence::avail_publish>();
  memory_.store(at<std::uint16_t>(ring.available, 2), index);
  memory_.fence<hal::Fence::avail_notify>();
  ring.next = index;
}

void ProgramRings::avail_index(const Step& step) {
  if (Ring* const ring = split_ring_of(step.args[RingArgs::queue]); ring != nullptr) {
    const std::uint64_t from = was_given(step, RingArgs::value) ? step.args[RingArgs::value] : ring->next;
    move_index(*ring, static_cast<std::uint16_t>(from + step.args[RingArgs::add]));
  }
}

void ProgramRings::publish(const Step& step) {
  if (Ring* const ring = split_ring_of(step.args[RingArgs::queue]); ring != nullptr) {
    memory_.store(at<std::uint16_t>(ring->available, kRingHeader + std::size_t{2} * (ring->next % ring->size)),
                  static_cast<std::uint16_t>(step.args[RingArgs::head]));
    move_index(*ring, static_cast<std::uint16_t>(ring->next + 1));
  }
}

void ProgramRings::suppress(const Step& step) {
  Ring* const ring = ring_of(step.args[RingArgs::queue]);
  if (ring == nullptr) {
    return;
  }
  const auto flags = static_cast<std::uint16_t>(step.args[RingArgs::flags]);
  const auto event = static_cast<std::uint16_t>(step.args[RingArgs::event]);
  const std::size_t event_at = ring->packed ? 0 : kRingHeader + std::size_t{2} * ring->size;
  const std::size_t flags_at = ring->packed ? 2 : 0;
  if (was_given(step, RingArgs::event)) {
    memory_.store(at<std::uint16_t>(ring->available, event_at), event);
  }
  if (was_given(step, RingArgs::flags)) {
    memory_.store(at<std::uint16_t>(ring->available, flags_at), flags);
  }
  memory_.fence<hal::Fence::used_rearm>();
}

void ProgramRings::notify(const Step& step) {
  const auto number = static_cast<std::uint16_t>(step.args[RingArgs::queue]);
  const bool elsewhere = was_given(step, RingArgs::offset);
  virtio::Doorbell bell;
  if (elsewhere) {
    bell.window = device_.transport() == nullptr ? bell.window : device_.window(virtio::VIRTIO_PCI_CAP_NOTIFY_CFG);
    bell.offset = static_cast<std::uint32_t>(step.args[RingArgs::offset]);
    bell.value = number;
  } else if (const Ring* const ring = ring_of(number); ring != nullptr) {
    bell = ring->doorbell;
  }
  const std::uint64_t width = step.args[RingArgs::width];
  if (!report_.require(bell.window.valid() && bell.offset <= kMostDoorbellOffset, "there is a doorbell") ||
      !report_.require((width == 1 || width == 2 || width == 4) && bell.offset % width == 0, "the access is aligned")) {
    return;
  }
  awaited_ = Awaited::nothing;
  const std::uint64_t value = was_given(step, RingArgs::value) ? step.args[RingArgs::value] : bell.value;
  if (width == 1) {
    bell.window.write8(bell.offset, static_cast<std::uint8_t>(value));
  } else if (width == 2) {
    bell.window.write16(bell.offset, static_cast<std::uint16_t>(value));
  } else {
    bell.window.write32(bell.offset, static_cast<std::uint32_t>(value));
  }
}

// --- What comes back

// Chains used since the last look, at most so many.
std::uint32_t ProgramRings::count_used(Ring& ring, std::uint32_t wanted) {
  if (!ring.packed) {
    const std::uint16_t index = memory_.load(at<std::uint16_t>(ring.used, 2));
    // Pairs with the device's release of used.idx: elements, status bytes and data are read after the index.
    memory_.fence<hal::Fence::used_consume>();
    const auto added = static_cast<std::uint16_t>(index - ring.seen);
    const std::uint32_t taken = added < wanted ? added : wanted;
    ring.seen = static_cast<std::uint16_t>(ring.seen + taken);
    return taken;
  }
  std::uint32_t count = 0;
  while (count < wanted) {
    const auto* const descriptor = at<PackedDescriptor>(ring.descriptors, ring.seen * sizeof(PackedDescriptor));
    const std::uint16_t flags = memory_.load(&descriptor->flags);
    // Pairs with the device's release of the flags, which it writes after id, length, status and data.
    memory_.fence<hal::Fence::used_consume>();
    const bool avail_bit = (flags & virtio::VIRTQ_DESC_F_AVAIL) != 0;
    const bool used_bit = (flags & virtio::VIRTQ_DESC_F_USED) != 0;
    if (avail_bit != ring.wrap || used_bit != ring.wrap) {
      break;
    }
    skip_list(ring);
    ++count;
  }
  return count;
}

// The place behind the list that begins where the used one was written: as long as the program made it.
void ProgramRings::skip_list(Ring& ring) {
  bool more = true;
  for (std::uint32_t i = 0; more && i < ring.size; ++i) {
    more = (ring.flags[ring.seen] & virtio::VIRTQ_DESC_F_NEXT) != 0;
    ring.seen = static_cast<std::uint16_t>(ring.seen + 1);
    if (ring.seen == ring.size) {
      ring.seen = 0;
      ring.wrap = !ring.wrap;
    }
  }
}

void ProgramRings::await(const Step& step) {
  Ring* const ring = ring_of(step.args[AwaitArgs::queue]);
  virtio::Transport* const transport = device_.transport();
  if (ring == nullptr || transport == nullptr) {
    return;
  }
  hal::Machine& machine = context_.machine();
  const std::uint64_t until = step.args[AwaitArgs::until];
  const bool for_used = until != static_cast<std::uint64_t>(Awaited::needs_reset);
  const bool for_reset = until != static_cast<std::uint64_t>(Awaited::used);
  const std::uint64_t deadline = machine.now() + step.args[AwaitArgs::timeout_us] * hal::kMicrosecond;
  std::uint64_t left = step.args[AwaitArgs::count];
  Awaited found = Awaited::nothing;
  for (bool last = false; found == Awaited::nothing && !last;) {
    last = machine.now() >= deadline;  // and one more look, after everything that can have come before it
    left -= for_used ? count_used(*ring, static_cast<std::uint32_t>(left)) : 0;
    if (for_used && left == 0) {
      found = Awaited::used;
    } else if (for_reset && (transport->status() & virtio::VIRTIO_CONFIG_S_NEEDS_RESET) != 0) {
      found = Awaited::needs_reset;
    } else if (!last) {
      machine.relax(deadline);
    }
  }
  awaited_ = found;
  report_.observe("outcome", static_cast<std::uint64_t>(found));
  const std::uint64_t expected = step.args[AwaitArgs::expect];
  report_.check(expected == kAnyAwaited || expected == static_cast<std::uint64_t>(found), "what was awaited happens");
}

void ProgramRings::used(const Step& step) {
  Ring* const ring = ring_of(step.args[UsedArgs::queue]);
  const std::uint64_t slot = step.args[UsedArgs::slot];
  if (ring == nullptr || !report_.require(slot < ring->size, "the element lies in the ring")) {
    return;
  }
  std::uint64_t id = 0;
  std::uint64_t length = 0;
  if (ring->packed) {
    const auto* const descriptor = at<PackedDescriptor>(ring->descriptors, slot * sizeof(PackedDescriptor));
    id = memory_.load(&descriptor->id);
    length = memory_.load(&descriptor->length);
  } else {
    const auto* const element = at<UsedElement>(ring->used, kRingHeader + slot * sizeof(UsedElement));
    id = memory_.load(&element->id);
    length = memory_.load(&element->length);
  }
  report_.observe("used id", id);
  if (was_given(step, UsedArgs::id)) {
    report_.check(id == step.args[UsedArgs::id], "the used id is what was expected");
  }
  if (was_given(step, UsedArgs::length)) {
    report_.observe("used length", length);
    report_.check(length == step.args[UsedArgs::length], "the used length is what was expected");
  }
}

}  // namespace ringside::scenarios
