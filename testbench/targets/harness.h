// What every target does alike: puts the tap round a powered-on machine, gives the scenario its context, and turns
// what happens into a RunResult.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "driver/hal/machine.h"
#include "testbench/targets/disk_image.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/memory_order.h"
#include "testbench/targets/run_aborted.h"
#include "testbench/targets/run_hooks.h"
#include "testbench/targets/target.h"

namespace ringside::targets {

// Where generated disks may lie whose contents are always the same (RunSettings::disk_seed).
enum class DiskPlace : std::uint8_t { file, memory };
// The plan's disks: each the image that it names, a private copy of that, or a generated one. Throws InputError.
[[nodiscard]] std::vector<DiskImage> open_disk_images(const MachinePlan& plan, const RunSettings& settings,
                                                      DiskPlace place = DiskPlace::file);

// `disks` are hashed at the end, when the scenario has let go of them. Never throws for what happens inside the run.
[[nodiscard]] RunResult run_scenario(hal::Machine& machine, RunHooks& hooks, std::span<const DiskImage> disks,
                                     const scenarios::Scenario& scenario, const RunSettings& settings,
                                     trace::Sink& sink, const MemoryOrder& order = {});

// A run that did not take place.
[[nodiscard]] RunResult skipped(const std::string& reason);

}  // namespace ringside::targets
