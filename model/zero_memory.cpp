#include "model/zero_memory.h"

#include <sys/mman.h>

#include <cstring>

namespace ringside::model {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kWorthACall = 64u << 10;  // below, clearing is cheaper than asking the kernel

// A file system that cannot punch holes says so, and the bytes are still there.
bool give_back(std::uint8_t* memory, std::uint64_t size, Pages pages) {
  return ::madvise(memory, size, pages == Pages::anonymous ? MADV_DONTNEED : MADV_REMOVE) == 0;
}

}  // namespace

void zero_memory(std::uint8_t* memory, std::uint64_t size, Pages pages) {
  if (pages == Pages::unknown || size < kWorthACall) {
    std::memset(memory, 0, size);
    return;
  }
  const std::uint64_t before = -reinterpret_cast<std::uintptr_t>(memory) % kPage;
  const std::uint64_t whole = (size - before) / kPage * kPage;
  std::memset(memory, 0, before);
  if (!give_back(memory + before, whole, pages)) {
    std::memset(memory + before, 0, whole);
  }
  std::memset(memory + before + whole, 0, size - before - whole);
}

}  // namespace ringside::model
