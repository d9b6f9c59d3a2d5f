#include "testbench/guest/mistakes.h"

#include <cstddef>
#include <cstdint>

#include "testbench/guest/cpu.h"

namespace ringside::guest {
namespace {

[[gnu::noinline]] void write_through_wild_pointer() {
  constexpr std::uint64_t kNothingIsMappedHere = 0x5ead'0000'0000;
  memory_write<std::uint32_t>(kNothingIsMappedHere, 1);
}

[[gnu::noinline]] void loop_for_ever() {
  for (;;) {
    pause();
  }
}

// Its end is further than any stack reaches. Each call has something to do with what the next one gave, so that none
// can be left out.
[[gnu::noinline]] std::size_t recurse_without_end(std::size_t depth) {
  volatile std::uint8_t frame[256];
  frame[depth % sizeof(frame)] = static_cast<std::uint8_t>(depth);
  if (depth == kPrivateEnd) {
    return 0;
  }
  return recurse_without_end(depth + 1) + frame[depth % sizeof(frame)];
}

}  // namespace

void make_mistake(Mistake mistake) {
  switch (mistake) {
    case Mistake::wild_pointer:
      write_through_wild_pointer();
      break;
    case Mistake::endless_loop:
      loop_for_ever();
      break;
    case Mistake::stack_overflow:
      static_cast<void>(recurse_without_end(0));
      break;
    case Mistake::masked_interrupts:  // made when interrupts were started
    case Mistake::none:
      break;
  }
}

}  // namespace ringside::guest
