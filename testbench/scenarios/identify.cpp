// Everything that can be read of the machine's functions and of the disk before a driver touches it.
#include "driver/block/find.h"
#include "driver/pci/bus.h"
#include "driver/pci/registers.h"
#include "driver/pci/resources.h"
#include "driver/virtio/legacy_transport.h"
#include "driver/virtio/modern_transport.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

void read_all_config(Context& context, const pci::Bus& bus) {
  for (unsigned i = 0; i < bus.count(); ++i) {
    std::uint32_t words[64];
    for (unsigned word = 0; word < 64; ++word) {
      words[word] = bus.config().read32(bus[i].address, static_cast<std::uint8_t>(4 * word));
    }
    context.observe("configuration space", context.bench().hash(words, sizeof(words)));
  }
}

void read_queue_defaults(Context& context, const virtio::Transport& transport) {
  const std::uint16_t queues = transport.queue_count();
  context.observe("queues", queues);
  // One past the last: a queue that does not exist has size 0 (VIRTIO 1.2, 4.1.4.3.1).
  for (std::uint16_t queue = 0; queue <= queues && queue < 64; ++queue) {
    context.observe("queue size", transport.max_queue_size(queue));
    virtio::Doorbell doorbell;
    context.observe("doorbell offset", transport.doorbell(queue, doorbell, 0) ? doorbell.offset : kNotAvailable);
  }
}

void read_device_config(Context& context, const virtio::Transport& transport) {
  constexpr std::uint32_t kBytes = 96;  // past the end of the largest virtio_blk_config there is
  const std::uint32_t length =
      transport.device_config().length() < kBytes ? transport.device_config().length() : kBytes;
  for (std::uint32_t offset = 0; offset < length; ++offset) {
    context.observe("device configuration", transport.device_config().read8(offset));
  }
}

}  // namespace

void identify(Context& context) {
  pci::Bus bus(context.machine());
  if (!context.check(bus.init(pci::ConfigAccess::automatic), "the bus is scanned")) {
    return;
  }
  read_all_config(context, bus);

  const pci::DeviceInfo* const device = block::find_virtio_block_device(bus);
  if (!context.check(device != nullptr, "there is a virtio block device")) {
    return;
  }
  pci::assign_resources(bus);
  context.check(device->problem == nullptr, "its BARs get addresses");
  pci::enable_device(bus.config(), device->address, pci::PCI_COMMAND_IO | pci::PCI_COMMAND_MEMORY);
  virtio::ModernTransport modern(context.machine());
  virtio::LegacyTransport legacy(context.machine());
  const bool is_modern = modern.init(bus.config(), device->address, device->bars) == nullptr;
  context.observe("modern", is_modern ? 1 : 0);
  if (!is_modern && !context.check(legacy.init(device->bars) == nullptr, "its registers are there")) {
    return;
  }
  const virtio::Transport& transport = is_modern ? static_cast<const virtio::Transport&>(modern) : legacy;
  context.observe("status at power-on", transport.status());
  context.check(transport.reset(), "it resets");
  context.observe("features", transport.offered_features());
  context.observe("generation", transport.config_generation());
  read_queue_defaults(context, transport);
  read_device_config(context, transport);
}

}  // namespace ringside::scenarios
