#include "testbench/trace/hash.h"

#include <xxhash.h>
// On x86 the library has each function several times and chooses by the CPU: twice as fast here. The guest has no
// library of that kind, and no CPU for it.
#if defined(__x86_64__) && defined(__cpp_exceptions) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>
#endif

#include <cstdlib>
#include <new>

namespace ringside::trace {
namespace {

XXH3_state_t* state_of(void* state) { return static_cast<XXH3_state_t*>(state); }

}  // namespace

std::uint64_t hash_bytes(const void* data, std::size_t size) { return size == 0 ? 0 : XXH3_64bits(data, size); }

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
  if (size != 0) {
    XXH3_64bits_update(state_of(state_), data, size);
    empty_ = false;
  }
}

std::uint64_t HashStream::end() const { return empty_ ? 0 : XXH3_64bits_digest(state_of(state_)); }

}  // namespace ringside::trace
