// The CPU's tables: segments, the task state that names the stacks of handlers, and the entries of entries.S.
#pragma once

namespace ringside::guest {

void install_descriptors();

}  // namespace ringside::guest
