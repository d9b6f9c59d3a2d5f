#include "testbench/targets/dma_arena.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <iterator>
#include <string>

#include "testbench/targets/run_aborted.h"

namespace ringside::targets {
namespace {

constexpr std::size_t kMaxAlignment = 64u << 10;
constexpr std::size_t kMaxPrivateBytes = 128u << 20;

void require_alignment(std::size_t alignment) {
  if (!std::has_single_bit(alignment) || alignment > kMaxAlignment) {
    abort_run("the driver asked for memory aligned to " + std::to_string(alignment) + "; a power of two from 1 to " +
              std::to_string(kMaxAlignment) + " was expected");
  }
}

std::string hex(std::uint64_t value) {
  char digits[16];
  return "0x" + std::string(digits, std::to_chars(digits, digits + sizeof(digits), value, 16).ptr);
}

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace

DmaArena::DmaArena(void* ram, std::uint64_t end) : ram_(static_cast<std::uint8_t*>(ram)), end_(end), zero_from_(end) {}

hal::DmaBuffer DmaArena::alloc(std::size_t size, std::size_t alignment) {
  require_alignment(alignment);
  if (size == 0 || size > end_ - kArenaBase) {
    return {};
  }
  std::uint64_t start = align_up(kArenaBase, alignment);
  for (const auto& [used_start, used_size] : used_) {
    if (start + size <= used_start) {
      break;
    }
    start = align_up(used_start + used_size, alignment);
  }
  if (start + size > end_) {
    return {};
  }
  used_.emplace(start, size);
  high_water_ = start + size > high_water_ ? start + size : high_water_;
  if (start < zero_from_) {
    std::memset(ram_ + start, 0, start + size < zero_from_ ? size : zero_from_ - start);
  }
  was_written_below(start + size);
  return {ram_ + start, hal::BusAddress{start}, size};
}

void DmaArena::free(const hal::DmaBuffer& buffer) {
  const auto found = used_.find(hal::raw(buffer.bus));
  if (found == used_.end() || found->second != buffer.size || ram_ + found->first != buffer.cpu) {
    abort_run("the driver freed a DMA buffer that it does not have: bus address " + hex(hal::raw(buffer.bus)) + ", " +
              std::to_string(buffer.size) + " bytes");
  }
  used_.erase(found);
  last_ = {};
}

hal::BusAddress DmaArena::bus_of(const void* cpu, std::size_t size) const {
  // As numbers: the pointer may belong to anything, and only pointers into one object may be compared.
  const std::uint64_t address = reinterpret_cast<std::uintptr_t>(cpu) - reinterpret_cast<std::uintptr_t>(ram_);
  if (address - last_.start >= last_.size) {
    const auto after = used_.upper_bound(address);
    if (after == used_.begin()) {
      return hal::kInvalidBusAddress;
    }
    last_ = {std::prev(after)->first, std::prev(after)->second};
  }
  const std::uint64_t offset = address - last_.start;
  if (offset >= last_.size || size > last_.size - offset) {
    return hal::kInvalidBusAddress;
  }
  return hal::BusAddress{address};
}

void* DmaArena::alloc_private(std::size_t size, std::size_t alignment) {
  require_alignment(alignment);
  if (size == 0 || size > kMaxPrivateBytes - private_bytes_) {
    return nullptr;
  }
  void* const block = std::calloc(size + alignment - 1, 1);
  if (block == nullptr) {
    return nullptr;
  }
  private_.emplace_back(block);
  private_bytes_ += size;
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  return static_cast<std::uint8_t*>(block) + (align_up(address, alignment) - address);
}

void DmaArena::reset() {
  used_.clear();
  private_.clear();
  private_bytes_ = 0;
  high_water_ = kArenaBase;
  zero_from_ = end_;
  last_ = {};
}

}  // namespace ringside::targets
