// The address space: memory, registers below 4 GiB and the window above it, one to one, each with no more rights than
// it needs, so that a mistake ends where it is made.
#pragma once

namespace ringside::guest {

void map_memory();

}  // namespace ringside::guest
