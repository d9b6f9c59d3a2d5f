// Memory that another process can take away. An access to a page that is behind the end of its file raises SIGBUS; in a
// watched range, the page becomes one of zeroes instead, and the loss is noted.
#pragma once

#include <cstdint>

namespace ringside::serve {

// One range in a process.
void watch_for_loss(std::uint8_t* start, std::uint64_t bytes);
[[nodiscard]] bool memory_was_lost();
void forget_loss();

}  // namespace ringside::serve
