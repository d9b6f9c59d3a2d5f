// What the virtio driver refuses to send, given what device and driver have agreed on.
#pragma once

#include "driver/block/block_device.h"

namespace ringside::block {

// Status::ok for a request that may be sent, else what it ends with: unsupported when the feature is missing, refused
// when the device must not be asked that. A request with segments says where they are.
[[nodiscard]] Status verdict_on(const DiskInfo& info, const Request& request);

}  // namespace ringside::block
