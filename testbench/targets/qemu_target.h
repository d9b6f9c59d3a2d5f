// The driver against QEMU's own virtio-blk-pci: a fresh QEMU per run, with an inert CPU, driven over qtest.
#pragma once

#include <memory>

#include "testbench/targets/target.h"

namespace ringside::targets {

// Throws InputError for a bad binary=PATH or machine type, LackingError when no QEMU is installed.
[[nodiscard]] std::unique_ptr<Target> make_qemu_target(const TargetSpec& spec, const RunSettings& settings);
[[nodiscard]] TargetSummary qemu_summary();

}  // namespace ringside::targets
