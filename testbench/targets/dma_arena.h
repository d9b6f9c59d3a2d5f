// Hands out DMA memory from the RAM that a target shares with its devices, and private memory from the heap.
// Its own bookkeeping lies outside that RAM: a device cannot corrupt it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

#include "driver/hal/machine.h"

namespace ringside::targets {

// Where DMA buffers lie in guest RAM, on every target: above what firmware and the BIOS area would use.
inline constexpr std::uint64_t kRamBytes = 256u << 20;
inline constexpr std::uint64_t kArenaBase = 16u << 20;

class DmaArena {
 public:
  // `ram` is the CPU's pointer to bus address 0; buffers come from [kArenaBase, end).
  explicit DmaArena(void* ram, std::uint64_t end = kRamBytes);

  // First fit, so that the same calls give the same addresses. Zero-fills. cpu is null when there is no room. An
  // alignment that is no power of two from 1 to 64 KiB aborts the run.
  [[nodiscard]] hal::DmaBuffer alloc(std::size_t size, std::size_t alignment);
  // Aborts the run (abort_run) when `buffer` is not one that alloc gave.
  void free(const hal::DmaBuffer& buffer);

  // kInvalidBusAddress unless [cpu, cpu + size) lies inside one buffer.
  [[nodiscard]] hal::BusAddress bus_of(const void* cpu, std::size_t size = 1) const;

  [[nodiscard]] void* alloc_private(std::size_t size, std::size_t alignment);

  // RAM reads zero from `address` on: alloc() need not fill what is given out there for the first time. Without a word
  // it fills all.
  void is_zero_from(std::uint64_t address) { zero_from_ = address; }
  // Somebody has written below `end`, if not into what was given out.
  void was_written_below(std::uint64_t end) { zero_from_ = end > zero_from_ ? end : zero_from_; }

  // Bus addresses ever given out lie below this: what a power cycle has to clear.
  [[nodiscard]] std::uint64_t high_water() const { return high_water_; }

  // Forgets everything, as power-off does. The caller clears the RAM.
  void reset();

 private:
  std::uint8_t* ram_;
  std::uint64_t end_;
  std::map<std::uint64_t, std::uint64_t> used_;  // bus address -> bytes
  struct Range {
    std::uint64_t start = 0;
    std::uint64_t size = 0;
  };
  mutable Range last_;  // of used_, where the last look-up ended: a request's pieces mostly lie in one buffer
  struct Free {
    void operator()(void* block) const { std::free(block); }
  };
  // By calloc. Blocks of the kernel's own, filled page by page as they are touched, cost a campaign a fifteenth more.
  std::vector<std::unique_ptr<void, Free>> private_;
  std::size_t private_bytes_ = 0;
  std::uint64_t high_water_ = kArenaBase;
  std::uint64_t zero_from_;
};

}  // namespace ringside::targets
