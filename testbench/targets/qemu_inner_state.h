// What QEMU's own virtio-blk keeps to itself, by its monitor (x-query-virtio-status and its like).
#pragma once

#include <optional>

#include "testbench/targets/inner_state.h"
#include "testbench/targets/qemu_binary.h"
#include "testbench/targets/qemu_qmp.h"

namespace ringside::targets {

// The command came with 7.2, and in 10.0 it still answers; 11.1 dies of it.
[[nodiscard]] bool tells_inner_state(const QemuVersion& version);

// Of the plan's disk; nothing when it is not plugged in, or for an answer that is not understood. Throws what Qmp
// throws.
[[nodiscard]] std::optional<InnerState> qemu_inner_state(Qmp& qmp, unsigned disk);

}  // namespace ringside::targets
