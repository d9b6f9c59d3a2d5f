// One fuzzer: the entry that RINGSIDE_FUZZ_TARGET names. The rest is libFuzzer's.
#include <cstddef>
#include <cstdint>

#include "testbench/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ringside::fuzz::FuzzTarget* const target = ringside::fuzz::fuzz_target(RINGSIDE_FUZZ_TARGET);
  target->run({data, size});
  return 0;
}
