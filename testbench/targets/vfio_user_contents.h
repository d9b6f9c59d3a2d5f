// The contents of a disk that somebody else keeps, put there and fetched through the disk itself, by the driver.
#pragma once

#include <functional>
#include <string>

#include "driver/block/block_device.h"
#include "driver/hal/machine.h"
#include "testbench/targets/disk_image.h"

namespace ringside::targets {

// Why a disk is not the one that is wanted; empty when it is.
using Misfit = std::function<std::string(const block::DiskInfo& disk)>;

// The disk holds what the image does. Not empty, and nothing is written, when it cannot, or does not fit.
[[nodiscard]] std::string put_contents(hal::Machine& machine, const DiskImage& image, const Misfit& misfit);
// The image holds what the disk does. Throws RunAborted when the disk does not come up, or does not answer.
void fetch_contents(hal::Machine& machine, const DiskImage& image);

}  // namespace ringside::targets
