#include "testbench/guest/heap.h"

#include <bit>
#include <cstdint>

#include "testbench/guest/crash.h"
#include "testbench/guest/mailbox.h"

namespace ringside::guest {
namespace {

// Blocks are powers of two, each behind a word that says which. What is given back waits in a list of its size.
constexpr unsigned kSmallest = 5;
constexpr unsigned kLargest = 26;
static_assert(std::uint64_t{1} << kLargest <= kPrivateEnd - kDmaEnd);

struct alignas(16) Block {
  std::uint64_t power;
  Block* next;  // of those given back; else the owner's first bytes lie behind it
};

Block* g_given_back[kLargest + 1];
std::uint64_t g_untouched = kDmaEnd;

}  // namespace

void* take_memory(std::size_t bytes) {
  if (bytes > (std::size_t{1} << kLargest) - sizeof(Block)) {
    panic("more memory was asked for than there is");
  }
  const auto needed = static_cast<unsigned>(std::bit_width(bytes + sizeof(Block) - 1));
  const unsigned power = needed < kSmallest ? kSmallest : needed;
  Block* block = g_given_back[power];
  if (block != nullptr) {
    g_given_back[power] = block->next;
    return block + 1;
  }
  const std::uint64_t size = std::uint64_t{1} << power;
  if (size > kPrivateEnd - g_untouched) {
    panic("the guest's memory has run out");
  }
  block = reinterpret_cast<Block*>(g_untouched);
  g_untouched += size;
  block->power = power;
  return block + 1;
}

void give_back_memory(void* memory) {
  if (memory == nullptr) {
    return;
  }
  Block* const block = static_cast<Block*>(memory) - 1;
  block->next = g_given_back[block->power];
  g_given_back[block->power] = block;
}

}  // namespace ringside::guest
