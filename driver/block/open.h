// From a powered-on machine to a working block device: PCI, virtio, negotiation, queue, interrupts.
#pragma once

#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/hal/machine.h"
#include "driver/hal/memory.h"

namespace ringside::block {

enum class Completion : std::uint8_t { msix, intx, polled };

struct Options {
  Completion completion = Completion::msix;
  std::uint16_t queue_size = 0;                // a power of two; 0 or too many takes the device's own size
  std::uint64_t features = ~std::uint64_t{0};  // negotiate only these, of those the driver understands
  std::uint64_t timeout = 5 * hal::kSecond;    // per request, ns
  bool check_requests = true;                  // false sends what the device should refuse: for testing devices
};

// Finds the first virtio block device, brings it up and returns it; null, with the reason on the log, when
// there is none or it cannot be used. Lives in private memory until power-off.
[[nodiscard]] BlockDevice* open_disk(hal::Machine& machine, hal::Plain policy, const Options& options);
[[nodiscard]] BlockDevice* open_disk(hal::Machine& machine, hal::Observed policy, const Options& options);

}  // namespace ringside::block
