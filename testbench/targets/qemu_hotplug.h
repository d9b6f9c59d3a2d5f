// Surprise removal, and plugging in again. QEMU has no command for the first: device_del only asks the guest. But the
// registers through which ACPI's firmware code ejects a slot act at once, whoever writes them.
#pragma once

#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_qmp.h"
#include "testbench/targets/qemu_qtest.h"

namespace ringside::targets {

// Whether a disk sits where that works: alone in a slot of a bus that takes hot plugging, which q35's root bus does
// not.
[[nodiscard]] bool can_unplug(const MachinePlan& plan, unsigned unit);

// False when it did not work. They throw what Qtest and Qmp throw.
[[nodiscard]] bool unplug_disk(Qtest& qtest, Qmp& qmp, const MachinePlan& plan, unsigned unit);
[[nodiscard]] bool plug_disk(Qmp& qmp, const MachinePlan& plan, unsigned unit);

}  // namespace ringside::targets
