#include "testbench/campaign/streams.h"

#include "testbench/trace/hash.h"

namespace ringside::campaign {

// The seed is mixed before the name joins it: neighbours have nothing in common then.
Stream::Stream(std::uint64_t seed, std::string_view component)
    : random_(scenarios::Random(seed).next() ^ trace::hash_bytes(component.data(), component.size())) {}

}  // namespace ringside::campaign
