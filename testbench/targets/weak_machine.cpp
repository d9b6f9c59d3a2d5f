#include "testbench/targets/weak_machine.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace ringside::targets {
namespace {

// As many as the store buffer of a big core holds, and more than a link's credits allow.
constexpr std::size_t kMostStores = 56;
constexpr std::size_t kMostPosted = 8;

// Of what is watched of a buffer, and how many of those in all: enough for the places where many queues are.
constexpr std::size_t kPiece = 512;
constexpr std::size_t kMostPieces = 128;

std::uint64_t low_bytes(std::uint64_t value, unsigned size) {
  return size == 8 ? value : value & ((std::uint64_t{1} << 8 * size) - 1);
}

}  // namespace

WeakMachine::WeakMachine(hal::Machine& machine, hal::Observer& memory, RunHooks& hooks, std::uint64_t seed)
    : machine_(machine), memory_(memory), hooks_(hooks), random_(seed), habits_{habit(), habit(), habit(), habit()} {}

unsigned WeakMachine::habit() {
  constexpr std::array kOften{2u, 16u, 64u, 160u};
  return kOften[random_.below(kOften.size())];
}

// --- What is on its way

void WeakMachine::some_data_leaves() { hidden_.show(random_.below(hidden_.count())); }

void WeakMachine::one_store_leaves() {
  if (const std::size_t candidates = stores_.candidates(); candidates != 0) {
    const StoreBuffer::Store store = stores_.take(random_.below(candidates));
    hidden_.show(store.address, store.size);
    memory_.store(store.address, store.size, store.value);
    past_.wrote(store.address, store.size);
  }
  while (const std::optional<hal::Fence> fence = stores_.take_fence()) {
    memory_.fence(*fence);
  }
}

void WeakMachine::one_write_arrives() {
  const Posted write = posted_.front();
  posted_.pop_front();
  write.port ? write_port(write) : write_memory(write);
  past_.note_changes();
}

void WeakMachine::write_port(const Posted& write) {
  const auto port = static_cast<std::uint16_t>(write.address);
  switch (write.width) {
    case 1:
      return machine_.out8(port, static_cast<std::uint8_t>(write.value));
    case 2:
      return machine_.out16(port, static_cast<std::uint16_t>(write.value));
    default:
      return machine_.out32(port, write.value);
  }
}

void WeakMachine::write_memory(const Posted& write) {
  switch (write.width) {
    case 1:
      return machine_.mmio_write8(write.address, static_cast<std::uint8_t>(write.value));
    case 2:
      return machine_.mmio_write16(write.address, static_cast<std::uint16_t>(write.value));
    default:
      return machine_.mmio_write32(write.address, write.value);
  }
}

void WeakMachine::pass() {
  if (hidden_.count() != 0 && chance(habits_.leave)) {
    some_data_leaves();
  }
  if (!stores_.empty() && chance(habits_.leave)) {
    one_store_leaves();
  }
  if (!posted_.empty() && chance(habits_.arrive)) {
    one_write_arrives();
  }
  if (chance(habits_.interrupt)) {
    hold_up();
    past_.note_changes();
  }
}

void WeakMachine::hold_up() {
  const std::uint64_t before = machine_.now();
  held_up_ = hooks_.hold_up() || held_up_;
  time_held_up_ += machine_.now() - before;
}

// Devices see each of them leave.
void WeakMachine::all_stores_leave() {
  while (!stores_.empty()) {
    one_store_leaves();
    pass();
  }
  hidden_.show_all();
}

void WeakMachine::all_writes_arrive() {
  while (!posted_.empty()) {
    one_write_arrives();
  }
}

void WeakMachine::settle() {
  while (!stores_.empty() || !posted_.empty()) {
    if (!posted_.empty() && (stores_.empty() || chance(128))) {
      one_write_arrives();
    } else {
      one_store_leaves();
    }
  }
  hidden_.show_all();
}

// What devices did at the sight of an access, when a fault came of it or a schedule is followed, was not noted yet, and
// is no news behind this either.
void WeakMachine::acquire() {
  past_.note_changes();
  past_.acquire();
}

// --- Memory

// A piece of the buffer at a time: of a big ring the driver is at one place.
void WeakMachine::watch(const void* address) {
  const auto* const at = static_cast<const std::uint8_t*>(address);
  const auto after = buffers_.upper_bound(at);
  if (after == buffers_.begin()) {
    return;
  }
  const auto& [begin, bytes] = *std::prev(after);
  const auto offset = static_cast<std::size_t>(at - begin) / kPiece * kPiece;
  if (offset >= bytes || std::ranges::find(watched_, begin + offset) != watched_.end()) {
    return;
  }
  if (watched_.size() >= kMostPieces) {
    past_.forget(watched_.front(), kPiece);
    watched_.pop_front();
  }
  watched_.push_back(begin + offset);
  past_.watch(begin + offset, std::min(kPiece, bytes - offset));
}

// The tap below reads memory by itself. So that it sees what the driver sees, the older value lies there meanwhile.
std::uint64_t WeakMachine::load_older(const void* address, unsigned size, std::size_t nth) {
  const std::uint64_t present = hal::load_shared(address, size);
  const std::uint64_t older = past_.load(address, size, nth);
  hal::store_shared(const_cast<void*>(address), size, older);
  const std::uint64_t value = memory_.load(address, size);
  if (hal::load_shared(address, size) == older) {  // and no device has written there, at the sight of a look
    hal::store_shared(const_cast<void*>(address), size, present);
  }
  return value;
}

std::uint64_t WeakMachine::load(const void* address, unsigned size) {
  pass();
  watch(address);
  while (const StoreBuffer::Store* const own = stores_.youngest(address, size)) {
    const auto* const at = static_cast<const std::uint8_t*>(address);
    if (own->address <= at && at + size <= own->address + own->size) {
      return low_bytes(own->value >> 8 * (at - own->address), size);  // nobody else sees that it was loaded
    }
    one_store_leaves();  // there is no forwarding of parts
  }
  const std::size_t older = past_.older(address, size);
  if (older != 0 && chance(habits_.early)) {
    return load_older(address, size, random_.below(older));
  }
  static_cast<void>(past_.load(address, size, older));
  return memory_.load(address, size);
}

void WeakMachine::store(void* address, unsigned size, std::uint64_t value) {
  pass();
  if (stores_.size() >= kMostStores) {
    one_store_leaves();
  }
  stores_.add({static_cast<std::uint8_t*>(address), size, value});
}

void WeakMachine::fence(hal::Fence fence) {
  pass();
  switch (fence) {
    case hal::Fence::avail_publish:
      hidden_.show_all();
      stores_.empty() ? memory_.fence(fence) : stores_.add(fence);
      break;
    case hal::Fence::used_consume:
      memory_.fence(fence);
      acquire();
      break;
    case hal::Fence::avail_notify:
    case hal::Fence::used_rearm:
      all_stores_leave();
      memory_.fence(fence);
      acquire();
      break;
  }
}

// --- Registers

void WeakMachine::post(const Posted& write) {
  pass();
  if (posted_.size() >= kMostPosted) {
    one_write_arrives();
  }
  posted_.push_back(write);
}

template <class Access>
auto WeakMachine::register_read(Access access) {
  pass();
  all_writes_arrive();
  const auto value = access();
  past_.note_changes();
  return value;
}

std::uint8_t WeakMachine::in8(std::uint16_t port) {
  return register_read([&] { return machine_.in8(port); });
}
std::uint16_t WeakMachine::in16(std::uint16_t port) {
  return register_read([&] { return machine_.in16(port); });
}
std::uint32_t WeakMachine::in32(std::uint16_t port) {
  return register_read([&] { return machine_.in32(port); });
}
std::uint8_t WeakMachine::mmio_read8(std::uint64_t address) {
  return register_read([&] { return machine_.mmio_read8(address); });
}
std::uint16_t WeakMachine::mmio_read16(std::uint64_t address) {
  return register_read([&] { return machine_.mmio_read16(address); });
}
std::uint32_t WeakMachine::mmio_read32(std::uint64_t address) {
  return register_read([&] { return machine_.mmio_read32(address); });
}

void WeakMachine::acknowledge(unsigned vector) {
  all_writes_arrive();
  machine_.acknowledge(vector);
  past_.note_changes();
}

// --- The rest of the machine

hal::DmaBuffer WeakMachine::alloc_dma_buffer(std::size_t size, std::size_t alignment) {
  const hal::DmaBuffer buffer = machine_.alloc_dma_buffer(size, alignment);
  if (buffer.cpu != nullptr) {
    buffers_[static_cast<const std::uint8_t*>(buffer.cpu)] = buffer.size;
  }
  return buffer;
}

void WeakMachine::free_dma_buffer(const hal::DmaBuffer& buffer) {
  all_stores_leave();
  const auto* const begin = static_cast<const std::uint8_t*>(buffer.cpu);
  past_.forget(begin, buffer.size);
  std::erase_if(watched_, [&](const std::uint8_t* piece) { return piece >= begin && piece < begin + buffer.size; });
  buffers_.erase(begin);
  machine_.free_dma_buffer(buffer);
}

hal::BusAddress WeakMachine::map(void* cpu, std::size_t size, hal::DmaDirection direction) {
  const hal::BusAddress bus = machine_.map(cpu, size, direction);
  if (bus == hal::kInvalidBusAddress || size == 0) {
    return bus;
  }
  auto* const data = static_cast<std::uint8_t*>(cpu);
  mapped_[hal::raw(bus)] = data;
  if (direction == hal::DmaDirection::to_device) {
    hidden_.hide(data, size);
  } else {
    for_each_end(data, size, [this](std::uint8_t* line, std::size_t bytes) { past_.watch(line, bytes); });
  }
  return bus;
}

void WeakMachine::unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) {
  if (const auto mapped = mapped_.find(hal::raw(bus)); mapped != mapped_.end()) {
    hidden_.show(mapped->second, size);
    if (direction != hal::DmaDirection::to_device) {
      for_each_end(mapped->second, size, [this](std::uint8_t* line, std::size_t bytes) {
        if (chance(habits_.early)) {
          past_.restore(line, bytes);
        }
        past_.forget(line, bytes);
      });
    }
    mapped_.erase(mapped);
  }
  machine_.unmap(bus, size, direction);
}

std::uint64_t WeakMachine::interrupts(unsigned vector) {
  pass();
  const std::uint64_t count = machine_.interrupts(vector);
  past_.note_changes();
  return count;
}

bool WeakMachine::wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) {
  pass();
  settle();
  const bool moved = machine_.wait(vector, seen, deadline);
  acquire();
  return moved;
}

std::uint64_t WeakMachine::now() {
  const std::uint64_t now = machine_.now();
  past_.note_changes();
  return now;
}

void WeakMachine::relax(std::uint64_t deadline) {
  pass();
  settle();
  machine_.relax(held_up_ ? 0 : deadline);
  held_up_ = false;
  acquire();
}

}  // namespace ringside::targets
