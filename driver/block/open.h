// From a powered-on machine to a working block device: PCI, virtio, negotiation, queue, interrupts.
#pragma once

#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/hal/machine.h"
#include "driver/hal/memory.h"
#include "driver/pci/config_space.h"

namespace ringside::block {

enum class Completion : std::uint8_t { msix, intx, polled };

// How the device's registers are reached. `automatic`: the modern interface where the device has it, else the legacy
// one. `pci_cfg_window`: the modern structures through VIRTIO_PCI_CAP_PCI_CFG (4.1.4.9), without a memory BAR.
enum class TransportChoice : std::uint8_t { automatic, modern, legacy, pci_cfg_window };

// How configuration space is reached.
using ConfigAccess = pci::ConfigAccess;

// MSI-X table entries for queues: one for each as far as they reach, or one for all.
enum class VectorUse : std::uint8_t { per_queue, shared };

// What becomes of a request that the driver would refuse: it is refused, somebody else has taken it, or nobody can now.
enum class Diverted : std::uint8_t { no, taken, full };

struct Options {
  unsigned disk = 0;  // which virtio block device, in the order of discovery
  TransportChoice transport = TransportChoice::automatic;
  ConfigAccess config_access = ConfigAccess::cam;
  std::uint16_t queues = 1;  // request queues, as far as the device has them; at most kMaxQueues
  VectorUse vectors = VectorUse::per_queue;
  // Called from poll() and wait() when the device's configuration has changed; info() is the new one.
  void (*changed)(BlockDevice& device, void* user) = nullptr;
  void* changed_user = nullptr;
  // Called from submit() before a request is refused that the device would not take, or whose data cannot be mapped.
  Diverted (*divert)(Request& request, void* user) = nullptr;
  void* divert_user = nullptr;
  Completion completion = Completion::msix;
  std::uint16_t queue_size = 0;                // a power of two; 0 or too many takes the device's own size
  std::uint64_t features = ~std::uint64_t{0};  // negotiate only these, of those the driver understands
  std::uint64_t timeout = 5 * hal::kSecond;    // per request, ns
  std::uint8_t replays = 3;                    // times that a request is sent again after a reset, deadline permitting
  // False sends a request as it is, and what the device should refuse: for testing devices. Else a request that the
  // device would not take is split, and data that it cannot reach, or that is not aligned so, is bounced (SplitDevice).
  bool check_requests = true;
  std::uint32_t data_alignment = 1;  // bytes, a power of two
};

// Finds the first virtio block device, brings it up and returns it; null, with the reason on the log, when
// there is none or it cannot be used. Lives in private memory until power-off.
[[nodiscard]] BlockDevice* open_disk(hal::Machine& machine, hal::Plain policy, const Options& options);
[[nodiscard]] BlockDevice* open_disk(hal::Machine& machine, hal::Observed policy, const Options& options);

}  // namespace ringside::block
