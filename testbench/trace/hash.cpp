#include "testbench/trace/hash.h"

#include <xxhash.h>
// On x86 the library has each function a second time, several times over, and chooses by the CPU. The guest has no
// library of that kind, and no CPU for it.
#if defined(__x86_64__) && defined(__cpp_exceptions) && __has_include(<xxh_x86dispatch.h>)
#define XXH_DISPATCH_DISABLE_REPLACE  // both are wanted
#include <xxh_x86dispatch.h>
#else
#define XXH3_64bits_dispatch XXH3_64bits
#define XXH3_64bits_update_dispatch XXH3_64bits_update
#endif

#include <cstdlib>
#include <new>

namespace ringside::trace {
namespace {

// From here on, in bytes, the CPU's widest instructions are worth it. For less, such as a few sectors, it is what comes
// with them that costs: a CPU that turns to 512 bits for a moment stands still for some hundred cycles, a fifteenth of
// a campaign. Where nothing but 4 KiB reads is done, `bench tracing`, they would gain 3%.
constexpr std::size_t kWide = 16384;

XXH3_state_t* state_of(void* state) { return static_cast<XXH3_state_t*>(state); }

}  // namespace

std::uint64_t hash_bytes(const void* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  return size < kWide ? XXH3_64bits(data, size) : XXH3_64bits_dispatch(data, size);
}

HashStream::HashStream() : state_(XXH3_createState()) {
  if (state_ == nullptr) {
#ifdef __cpp_exceptions
    throw std::bad_alloc();
#else  // the guest, whose malloc does not come back with nothing
    std::abort();
#endif
  }
  begin();
}

HashStream::~HashStream() { XXH3_freeState(state_of(state_)); }

void HashStream::begin() {
  XXH3_64bits_reset(state_of(state_));
  empty_ = true;
}

void HashStream::add(const void* data, std::size_t size) {
  if (size == 0) {
    return;
  }
  const auto update = size < kWide ? XXH3_64bits_update : XXH3_64bits_update_dispatch;
  update(state_of(state_), data, size);
  empty_ = false;
}

std::uint64_t HashStream::end() const { return empty_ ? 0 : XXH3_64bits_digest(state_of(state_)); }

}  // namespace ringside::trace
