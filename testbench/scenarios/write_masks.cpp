// All-ones, then all-zeroes, into every dword of the disk's configuration space; what stuck is what is writable.
// Decoding is off meanwhile, and the PCI_CFG window points at no BAR, so that nothing else happens.
#include "driver/block/find.h"
#include "driver/pci/bus.h"
#include "driver/pci/registers.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {

void write_masks(Context& context) {
  pci::Bus bus(context.machine());
  if (!context.check(bus.init(), "the bus is scanned")) {
    return;
  }
  const pci::DeviceInfo* const device = block::find_virtio_block_device(bus);
  if (!context.check(device != nullptr, "there is a virtio block device")) {
    return;
  }
  const pci::ConfigSpace& config = bus.config();
  for (unsigned offset = 0; offset < 0x100; offset += 4) {
    const auto reg = static_cast<std::uint8_t>(offset);
    const std::uint32_t before = config.read32(device->address, reg);
    config.write32(device->address, reg, 0xffff'ffff);
    const std::uint32_t ones = config.read32(device->address, reg);
    config.write32(device->address, reg, 0);
    const std::uint32_t zeroes = config.read32(device->address, reg);
    config.write32(device->address, reg, before);
    context.observe("writable bits", ones ^ zeroes);
    context.observe("bits after all-ones", ones);
    context.observe("restored", config.read32(device->address, reg));
  }
}

}  // namespace ringside::scenarios
