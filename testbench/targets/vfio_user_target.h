// The driver against a disk that another process serves by vfio-user: this program's own model, in a process of its
// own, or whoever listens at a socket.
#pragma once

#include <memory>

#include "testbench/targets/target.h"

namespace ringside::targets {

// Throws InputError for a bad option or machine type.
[[nodiscard]] std::unique_ptr<Target> make_vfio_user_target(const TargetSpec& spec, const RunSettings& settings);
[[nodiscard]] TargetSummary vfio_user_summary();

}  // namespace ringside::targets
