// Whether a disk that somebody serves is the one that a scenario wants: what the scenario says of its properties has to
// be so; about the rest, a comparison is there to tell.
#pragma once

#include <string>

#include "driver/block/block_device.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/vfio_user_disk.h"

namespace ringside::targets {

// Empty when it is.
[[nodiscard]] std::string misfit_of(const DiskPlan& wanted, const block::DiskInfo& disk, const VfioUserDisk& function);

}  // namespace ringside::targets
