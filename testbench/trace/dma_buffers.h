// The DMA buffers a driver holds: where each lies for the CPU and for devices, under which number the log knows it, and
// the guard bytes round it. The bookkeeping lies outside of what a device can reach.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "driver/hal/machine.h"
#include "testbench/trace/record.h"
#include "testbench/trace/recorder.h"

namespace ringside::trace {

struct GuardedBuffer {
  hal::DmaBuffer inner;  // guard, buffer, guard: what the machine gave
  std::uint8_t* cpu = nullptr;
  std::uint64_t bus = 0;
  std::size_t size = 0;
  std::size_t guard = 0;     // bytes on each side
  std::uint32_t number = 0;  // counts from 1
  bool hit = false;          // reported already

  // Of a byte in it, where nothing translates.
  [[nodiscard]] std::uint64_t bus_of(const void* byte) const {
    return bus + static_cast<std::uint64_t>(static_cast<const std::uint8_t*>(byte) - cpu);
  }
};

// A bus address as the log knows it.
struct RegionOffset {
  std::uint32_t region = kRegionUnknown;
  std::uint64_t offset = 0;
};

class DmaBuffers {
 public:
  // `near`: whether check_near() looks; guards are checked at free and at the end in any case.
  explicit DmaBuffers(Recorder& recorder, bool near = true) : recorder_(recorder), near_(near) {}

  // Guard bytes that a buffer of this alignment gets on each side.
  [[nodiscard]] static std::size_t guard_for(std::size_t alignment);

  // Takes over an allocation of `size` + 2 * `guard` bytes and fills the guards.
  const GuardedBuffer& add(const hal::DmaBuffer& inner, std::size_t size, std::size_t guard);
  // Checks the guards and forgets the buffer; nothing when no buffer starts there.
  [[nodiscard]] std::optional<GuardedBuffer> remove(hal::BusAddress bus);

  // The machine mapped part of a buffer for devices: at an address of its own, where something translates (an IOMMU).
  void map(std::uint64_t bus, void* cpu, std::size_t size);
  void unmap(std::uint64_t bus) {
    if (!mappings_.empty()) {
      remove_mapping(bus);
    }
  }
  void unmap_all();

  // The buffer that holds all of the range; null when none does.
  [[nodiscard]] const GuardedBuffer* at_cpu(const void* cpu, std::size_t size) const { return lookup_cpu(cpu, size); }
  [[nodiscard]] const GuardedBuffer* at_bus(std::uint64_t bus, std::uint64_t size) const {
    const GuardedBuffer* const known = known_by_bus_[slot_of(bus)];
    return known != nullptr && holds(bus - known->bus, size, *known) ? known : find_bus(bus, size);
  }
  // The CPU's pointer to a range of bus addresses; null unless one buffer holds all of it.
  [[nodiscard]] std::uint8_t* cpu_of(std::uint64_t bus, std::uint64_t size) const {
    const GuardedBuffer* const buffer = at_bus(bus, size);
    return buffer == nullptr ? through_mapping(bus, size) : buffer->cpu + (bus - buffer->bus);
  }
  // Whether all of it is still memory that devices reach: in one buffer, or mapped.
  [[nodiscard]] bool reachable(const void* cpu, std::size_t size) const;
  // How often memory has been taken from the devices: what they reached is still theirs while this stays the same.
  [[nodiscard]] std::uint64_t withdrawals() const { return withdrawals_; }

  [[nodiscard]] RegionOffset normalised(std::uint64_t bus) const;
  [[nodiscard]] std::uint64_t packed(std::uint64_t bus) const;

  // Guards: all of them, or those next to a byte that a device has just been allowed to write.
  void check_all();
  void check_near(const void* cpu) {
    if (GuardedBuffer* const buffer = near_ ? lookup_cpu(cpu, 1) : nullptr; buffer != nullptr) {
      check_near(*buffer);
    }
  }
  // Buffers whose guards were hit since power-on, freed ones included.
  [[nodiscard]] std::size_t hits() const { return hits_; }

 private:
  struct Mapping {
    std::uint8_t* cpu = nullptr;
    std::size_t size = 0;
    unsigned times = 0;
  };

  // Rings, headers, tables and data take turns. Few of them are smaller than what has a slot of its own, and all of
  // them together are seldom larger than what the slots go round.
  static constexpr unsigned kSlotShift = 9;
  static constexpr std::size_t kSlots = 1024;

  [[nodiscard]] static std::size_t slot_of(std::uint64_t address) { return (address >> kSlotShift) % kSlots; }
  [[nodiscard]] static bool holds(std::uint64_t offset, std::uint64_t size, const GuardedBuffer& buffer) {
    return offset <= buffer.size && size <= buffer.size - offset;
  }
  [[nodiscard]] std::uint8_t* through_mapping(std::uint64_t bus, std::uint64_t size) const;
  [[nodiscard]] GuardedBuffer* lookup_cpu(const void* cpu, std::size_t size) const {
    const auto address = reinterpret_cast<std::uintptr_t>(cpu);
    GuardedBuffer* const known = known_by_cpu_[slot_of(address)];
    return known != nullptr && holds(address - reinterpret_cast<std::uintptr_t>(known->cpu), size, *known)
               ? known
               : find_cpu(address, size);
  }
  // Past what is known, and known from then on.
  [[nodiscard]] const GuardedBuffer* find_bus(std::uint64_t bus, std::uint64_t size) const;
  [[nodiscard]] GuardedBuffer* find_cpu(std::uintptr_t cpu, std::uint64_t size) const;
  void remove_mapping(std::uint64_t bus);
  template <class Known>
  static void forget(Known& known, std::uint64_t begin, const GuardedBuffer& buffer);
  void check_near(GuardedBuffer& buffer);
  void check(GuardedBuffer& buffer, std::size_t depth);

  Recorder& recorder_;
  const bool near_;
  std::map<std::uint64_t, GuardedBuffer> by_bus_;
  std::map<std::uintptr_t, GuardedBuffer*> by_cpu_;
  std::map<std::uint64_t, Mapping> mappings_;  // those that lie elsewhere than their buffer
  // What was found last where an address has its slot; or null.
  mutable std::array<const GuardedBuffer*, kSlots> known_by_bus_{};
  mutable std::array<GuardedBuffer*, kSlots> known_by_cpu_{};
  std::uint64_t withdrawals_ = 0;
  std::uint32_t next_number_ = 1;
  std::size_t hits_ = 0;
};

}  // namespace ringside::trace
