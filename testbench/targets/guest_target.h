// The driver as a bare-metal guest: driver, scenario and tap run on QEMU's CPU, in a fresh QEMU per run, against its
// own virtio-blk-pci.
#pragma once

#include <memory>

#include "testbench/targets/target.h"

namespace ringside::targets {

// Throws InputError for a bad option or machine type, LackingError when there is no QEMU, no KVM where it is wanted, or
// no image in this program.
[[nodiscard]] std::unique_ptr<Target> make_guest_target(const TargetSpec& spec, const RunSettings& settings);
[[nodiscard]] TargetSummary guest_summary();

}  // namespace ringside::targets
