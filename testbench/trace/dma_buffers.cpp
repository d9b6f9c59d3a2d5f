#include "testbench/trace/dma_buffers.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace ringside::trace {
namespace {

constexpr std::size_t kSmallestGuard = 64;
constexpr std::size_t kLargestGuard = 64 * 1024;  // the largest alignment a driver may ask for
constexpr std::size_t kNearGuard = 64;            // looked at after each completion; the rest at free and at the end

// Differs from byte to byte, so that a device that copies a constant is seen, and differs from freshly zeroed memory.
const std::array<std::uint8_t, kLargestGuard>& pattern() {
  static const auto bytes = [] {
    std::array<std::uint8_t, kLargestGuard> fill{};
    for (std::size_t i = 0; i < fill.size(); ++i) {
      fill[i] = static_cast<std::uint8_t>((i * 37) ^ (i >> 8) ^ 0x5b);
    }
    return fill;
  }();
  return bytes;
}

struct Damage {
  std::int64_t first = 0;  // relative to the buffer
  std::uint8_t found = 0;
  std::uint64_t bytes = 0;
};

// Compares `depth` guard bytes from `begin` of the pattern on. `at` is where they lie, `relative` the same as the
// buffer sees it.
void inspect(const std::uint8_t* at, std::size_t begin, std::size_t depth, std::int64_t relative, Damage& damage) {
  if (std::memcmp(at, pattern().data() + begin, depth) == 0) {
    return;
  }
  for (std::size_t i = 0; i < depth; ++i) {
    if (at[i] != pattern()[begin + i]) {
      if (damage.bytes++ == 0) {
        damage.first = relative + static_cast<std::int64_t>(i);
        damage.found = at[i];
      }
    }
  }
}

}  // namespace

std::size_t DmaBuffers::guard_for(std::size_t alignment) {
  return std::clamp(alignment, kSmallestGuard, kLargestGuard);
}

const GuardedBuffer& DmaBuffers::add(const hal::DmaBuffer& inner, std::size_t size, std::size_t guard) {
  GuardedBuffer buffer;
  buffer.inner = inner;
  buffer.cpu = static_cast<std::uint8_t*>(inner.cpu) + guard;
  buffer.bus = hal::raw(inner.bus) + guard;
  buffer.size = size;
  buffer.guard = guard;
  buffer.number = next_number_++;
  std::memcpy(buffer.cpu - guard, pattern().data(), guard);
  std::memcpy(buffer.cpu + size, pattern().data(), guard);
  GuardedBuffer& stored = by_bus_[buffer.bus] = buffer;
  by_cpu_[reinterpret_cast<std::uintptr_t>(buffer.cpu)] = &stored;
  return stored;
}

// Its slots are those of its bytes, and of the end: a range of no bytes may lie there.
template <class Known>
void DmaBuffers::forget(Known& known, std::uint64_t begin, const GuardedBuffer& buffer) {
  const std::uint64_t first = begin >> kSlotShift;
  const std::uint64_t slots = std::min<std::uint64_t>(((begin + buffer.size) >> kSlotShift) - first + 1, kSlots);
  for (std::uint64_t i = 0; i < slots; ++i) {
    auto& slot = known[(first + i) % kSlots];
    if (slot == &buffer) {
      slot = nullptr;
    }
  }
}

std::optional<GuardedBuffer> DmaBuffers::remove(hal::BusAddress bus) {
  const auto found = by_bus_.find(hal::raw(bus));
  if (found == by_bus_.end()) {
    return std::nullopt;
  }
  check(found->second, found->second.guard);
  const GuardedBuffer buffer = found->second;
  by_cpu_.erase(reinterpret_cast<std::uintptr_t>(buffer.cpu));
  forget(known_by_bus_, buffer.bus, found->second);
  forget(known_by_cpu_, reinterpret_cast<std::uintptr_t>(buffer.cpu), found->second);
  by_bus_.erase(found);
  ++withdrawals_;
  return buffer;
}

GuardedBuffer* DmaBuffers::find_cpu(std::uintptr_t cpu, std::uint64_t size) const {
  const auto after = by_cpu_.upper_bound(cpu);
  if (after == by_cpu_.begin()) {
    return nullptr;
  }
  const auto& [begin, buffer] = *std::prev(after);
  return holds(cpu - begin, size, *buffer) ? known_by_cpu_[slot_of(cpu)] = buffer : nullptr;
}

const GuardedBuffer* DmaBuffers::find_bus(std::uint64_t bus, std::uint64_t size) const {
  const auto after = by_bus_.upper_bound(bus);
  if (after == by_bus_.begin()) {
    return nullptr;
  }
  const auto& [begin, buffer] = *std::prev(after);
  return holds(bus - begin, size, buffer) ? known_by_bus_[slot_of(bus)] = &buffer : nullptr;
}

void DmaBuffers::map(std::uint64_t bus, void* cpu, std::size_t size) {
  const GuardedBuffer* const buffer = at_bus(bus, size);
  if (buffer != nullptr && buffer->cpu + (bus - buffer->bus) == cpu) {
    return;
  }
  Mapping& mapping = mappings_[bus];
  mapping.cpu = static_cast<std::uint8_t*>(cpu);
  mapping.size = std::max(mapping.size, size);
  ++mapping.times;
}

void DmaBuffers::remove_mapping(std::uint64_t bus) {
  const auto found = mappings_.find(bus);
  if (found != mappings_.end() && --found->second.times == 0) {
    mappings_.erase(found);
    ++withdrawals_;
  }
}

void DmaBuffers::unmap_all() {
  mappings_.clear();
  ++withdrawals_;
}

std::uint8_t* DmaBuffers::through_mapping(std::uint64_t bus, std::uint64_t size) const {
  const auto after = mappings_.upper_bound(bus);
  if (after == mappings_.begin()) {
    return nullptr;
  }
  const auto& [base, mapping] = *std::prev(after);
  const std::uint64_t offset = bus - base;
  return offset <= mapping.size && size <= mapping.size - offset ? mapping.cpu + offset : nullptr;
}

bool DmaBuffers::reachable(const void* cpu, std::size_t size) const {
  return at_cpu(cpu, size) != nullptr || std::ranges::any_of(mappings_, [&](const auto& entry) {
           const Mapping& mapping = entry.second;
           const auto offset = reinterpret_cast<std::uintptr_t>(cpu) - reinterpret_cast<std::uintptr_t>(mapping.cpu);
           return offset <= mapping.size && size <= mapping.size - offset;
         });
}

RegionOffset DmaBuffers::normalised(std::uint64_t bus) const {
  if (const GuardedBuffer* const buffer = at_bus(bus, 0); buffer != nullptr) {
    return {kRegionDma + buffer->number, bus - buffer->bus};
  }
  const std::uint8_t* const cpu = through_mapping(bus, 0);
  const GuardedBuffer* const buffer = cpu == nullptr ? nullptr : at_cpu(cpu, 0);
  if (buffer == nullptr) {
    return {kRegionUnknown, bus};
  }
  return {kRegionDma + buffer->number, static_cast<std::uint64_t>(cpu - buffer->cpu)};
}

std::uint64_t DmaBuffers::packed(std::uint64_t bus) const {
  const RegionOffset where = normalised(bus);
  return packed_address(where.region, where.offset);
}

void DmaBuffers::check_all() {
  for (auto& [bus, buffer] : by_bus_) {
    check(buffer, buffer.guard);
  }
}

void DmaBuffers::check_near(GuardedBuffer& buffer) { check(buffer, std::min(kNearGuard, buffer.guard)); }

void DmaBuffers::check(GuardedBuffer& buffer, std::size_t depth) {
  if (buffer.hit) {
    return;
  }
  Damage damage;
  inspect(buffer.cpu - depth, buffer.guard - depth, depth, -static_cast<std::int64_t>(depth), damage);
  inspect(buffer.cpu + buffer.size, 0, depth, static_cast<std::int64_t>(buffer.size), damage);
  if (damage.bytes == 0) {
    return;
  }
  buffer.hit = true;
  ++hits_;
  Record record = driver_record(Kind::guard);
  record.region = kRegionDma + buffer.number;
  record.offset = static_cast<std::uint64_t>(damage.first);
  record.value = damage.found;
  record.length = damage.bytes;
  recorder_.put(record);
}

}  // namespace ringside::trace
