#include "driver/block/open.h"

#include <new>

#include "driver/block/controller.h"
#include "driver/block/find.h"
#include "driver/block/new_from_pci.h"
#include "driver/block/split_device.h"
#include "driver/hal/text.h"
#include "driver/pci/resources.h"

namespace ringside::block {
namespace {

pci::Bus* scan(hal::Machine& machine, pci::ConfigAccess access) {
  void* const place = machine.alloc_private(sizeof(pci::Bus), alignof(pci::Bus));
  if (place == nullptr) {
    return nullptr;
  }
  auto* const bus = new (place) pci::Bus(machine);
  if (!bus->init(access)) {
    return nullptr;
  }
  pci::assign_resources(*bus);
  return bus;
}

void log_found(hal::Machine& machine, const pci::DeviceInfo& device) {
  hal::Line().text("[VirtIO] Found VirtIO block device on PCI").log_to(machine);
  hal::Line line;
  line.text("[VirtIO]   Bus=").dec(device.address.bus).text(" Device=").dec(device.address.device);
  line.text(" Function=").dec(device.address.function).log_to(machine);
}

template <class Memory>
BlockDevice* init_device(hal::Machine& machine, Memory memory, const pci::Bus& bus, const pci::DeviceInfo& device,
                         const Options& options) {
  if (!options.check_requests) {
    return new_from_pci(machine, memory, bus, device, options);
  }
  SplitDevice* const split = SplitDevice::create(machine, options);
  if (split == nullptr) {
    return nullptr;
  }
  BlockDevice* const below = new_from_pci(machine, memory, bus, device, split->options_below());
  return below == nullptr ? nullptr : &split->over(*below, kMaxSegments);
}

template <class Memory>
BlockDevice* init(hal::Machine& machine, Memory memory, const Options& options) {
  const pci::Bus* const bus = scan(machine, options.config_access);
  if (bus == nullptr) {
    return nullptr;
  }
  hal::Line().text("[VirtIO] Initializing VirtIO devices...").log_to(machine);
  const pci::DeviceInfo* const device = find_virtio_block_device(*bus, options.disk);
  if (device == nullptr) {
    hal::Line().text("[VirtIO] No VirtIO block device on PCI").log_to(machine);
    return nullptr;
  }
  log_found(machine, *device);
  BlockDevice* const disk = init_device(machine, memory, *bus, *device, options);
  if (disk != nullptr) {
    hal::Line().text("[VirtIO] Real PCI device initialized successfully").log_to(machine);
  }
  return disk;
}

}  // namespace

BlockDevice* open_disk(hal::Machine& machine, hal::Plain policy, const Options& options) {
  return init(machine, policy, options);
}

BlockDevice* open_disk(hal::Machine& machine, hal::Observed policy, const Options& options) {
  return init(machine, policy, options);
}

}  // namespace ringside::block
