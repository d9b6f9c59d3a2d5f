// Configuration space through memory: the same as through the ports, and more of it.
#include "driver/block/find.h"
#include "driver/pci/bus.h"
#include "driver/pci/capability.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint16_t kPortBytes = 0x100;  // that the ports reach

void compare_views(Context& context, const pci::ConfigSpace& memory, const pci::ConfigSpace& ports,
                   pci::Address address) {
  bool equal = true;
  for (std::uint16_t offset = 0; offset < kPortBytes; offset = static_cast<std::uint16_t>(offset + 4)) {
    equal = equal && memory.read32(address, offset) == ports.read32(address, offset);
  }
  context.check(equal, "both ways show the same configuration space");
  const std::uint32_t whole = memory.read32(address, 0);
  const std::uint32_t halves = std::uint32_t{memory.read16(address, 2)} << 16 | memory.read16(address, 0);
  context.check(halves == whole && memory.read8(address, 3) == whole >> 24, "accesses of 8, 16 and 32 bits agree");
}

void observe_extended(Context& context, const pci::ConfigSpace& config, pci::Address address) {
  pci::ExtendedCapabilityWalk walk(config, address);
  for (pci::ExtendedCapability capability; walk.next(capability);) {
    context.observe("extended capability", std::uint64_t{capability.id} << 16 | capability.offset);
  }
  context.check(!walk.malformed(), "the extended list ends");
  std::uint32_t words[(0x1000 - kPortBytes) / 4];
  for (std::size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
    words[i] = config.read32(address, static_cast<std::uint16_t>(kPortBytes + 4 * i));
  }
  context.observe("extended configuration space", context.bench().hash(words, sizeof(words)));
}

}  // namespace

void ecam(Context& context) {
  pci::Bus bus(context.machine());
  if (!context.check(bus.init(pci::ConfigAccess::ecam), "the bus is scanned through memory")) {
    return;
  }
  const pci::ConfigSpace ports(context.machine());
  for (unsigned i = 0; i < bus.count(); ++i) {
    compare_views(context, bus.config(), ports, bus[i].address);
  }
  const pci::DeviceInfo* const device = block::find_virtio_block_device(bus);
  if (context.check(device != nullptr, "there is a virtio block device")) {
    observe_extended(context, bus.config(), device->address);
  }
  const pci::Address absent{1, 31, 7};
  context.observe("an absent function", bus.config().read32(absent, 0));

  block::Options options;
  options.config_access = block::ConfigAccess::ecam;
  if (block::BlockDevice* const disk = context.open(options); disk != nullptr) {
    run_workload(context, *disk, Workload{});
    check_counters(context, *disk);
    disk->shutdown();
  }
}

}  // namespace ringside::scenarios
