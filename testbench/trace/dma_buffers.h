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
  void unmap(std::uint64_t bus);
  void unmap_all() { mappings_.clear(); }

  // The buffer that holds all of the range; null when none does.
  [[nodiscard]] const GuardedBuffer* at_cpu(const void* cpu, std::size_t size) const;
  [[nodiscard]] const GuardedBuffer* at_bus(std::uint64_t bus, std::uint64_t size) const;
  // The CPU's pointer to a range of bus addresses; null unless one buffer holds all of it.
  [[nodiscard]] std::uint8_t* cpu_of(std::uint64_t bus, std::uint64_t size) const;
  // Whether all of it is still memory that devices reach: in one buffer, or mapped.
  [[nodiscard]] bool reachable(const void* cpu, std::size_t size) const;

  [[nodiscard]] RegionOffset normalised(std::uint64_t bus) const;
  [[nodiscard]] std::uint64_t packed(std::uint64_t bus) const;

  // Guards: all of them, or those next to a byte that a device has just been allowed to write.
  void check_all();
  void check_near(const void* cpu);
  // Buffers whose guards were hit since power-on, freed ones included.
  [[nodiscard]] std::size_t hits() const { return hits_; }

 private:
  struct Mapping {
    std::uint8_t* cpu = nullptr;
    std::size_t size = 0;
    unsigned times = 0;
  };

  [[nodiscard]] std::uint8_t* through_mapping(std::uint64_t bus, std::uint64_t size) const;
  [[nodiscard]] GuardedBuffer* lookup_cpu(const void* cpu, std::size_t size) const;
  template <class Holds>
  [[nodiscard]] GuardedBuffer* recent(Holds holds) const;
  [[nodiscard]] GuardedBuffer* remember(GuardedBuffer* buffer) const;
  void check(GuardedBuffer& buffer, std::size_t depth);

  Recorder& recorder_;
  const bool near_;
  std::map<std::uint64_t, GuardedBuffer> by_bus_;
  std::map<std::uintptr_t, GuardedBuffer*> by_cpu_;
  std::map<std::uint64_t, Mapping> mappings_;  // those that lie elsewhere than their buffer
  // Rings, headers, tables and data take turns, and are few.
  mutable std::array<GuardedBuffer*, 4> recent_{};
  mutable std::size_t oldest_ = 0;
  std::uint32_t next_number_ = 1;
  std::size_t hits_ = 0;
};

}  // namespace ringside::trace
