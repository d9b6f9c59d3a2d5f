// What a scenario asks of the bench, answered by a QEMU's monitor.
#pragma once

#include <cstdint>
#include <span>

#include "testbench/scenarios/context.h"
#include "testbench/targets/disk_image.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_session.h"

namespace ringside::targets {

// scenarios::kNotAvailable for what QEMU cannot do. Throws what Qtest and Qmp throw.
[[nodiscard]] std::uint64_t answer_by_qemu(QemuSession& session, const MachinePlan& plan,
                                           std::span<const DiskImage> disks, scenarios::Ask what,
                                           std::uint64_t argument);

}  // namespace ringside::targets
