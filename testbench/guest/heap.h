// Memory of driver and tap that no device is told of: [kDmaEnd, kPrivateEnd). Panics when it has run out.
#pragma once

#include <cstddef>

namespace ringside::guest {

[[nodiscard]] void* take_memory(std::size_t bytes);
void give_back_memory(void* memory);

}  // namespace ringside::guest
