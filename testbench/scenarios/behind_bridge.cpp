// A disk on another bus than 0: bus numbers and windows are the driver's to give, and its INTx pin turns on the way.
#include "driver/block/find.h"
#include "driver/pci/bus.h"
#include "driver/pci/resources.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

void observe_windows(Context& context, const pci::DeviceInfo& bridge) {
  context.observe("secondary and subordinate bus", std::uint64_t{bridge.secondary} << 8 | bridge.subordinate);
  for (const pci::BridgeWindow& window : bridge.windows) {
    context.observe("window base", window.base);
    context.observe("window size", window.size);
  }
}

bool lies_in_window(const pci::Bar& bar, const pci::DeviceInfo& bridge) {
  for (const pci::BridgeWindow& window : bridge.windows) {
    if (bar.address >= window.base && bar.address + bar.size <= window.base + window.size) {
      return true;
    }
  }
  return false;
}

}  // namespace

void behind_bridge(Context& context) {
  pci::Bus bus(context.machine());
  if (!context.check(bus.init(), "the bus is scanned")) {
    return;
  }
  pci::assign_resources(bus);
  const pci::DeviceInfo* const device = block::find_virtio_block_device(bus);
  if (!context.check(device != nullptr, "there is a virtio block device") ||
      !context.check(device->parent != pci::kNoBridge, "it lies behind a bridge")) {
    return;
  }
  const pci::DeviceInfo& bridge = bus[device->parent];
  context.check(device->address.bus == bridge.secondary, "its bus is the bridge's secondary one");
  context.check(device->problem == nullptr, "its BARs get addresses");
  observe_windows(context, bridge);
  for (const pci::Bar& bar : device->bars) {
    context.check(bar.kind == pci::BarKind::none || lies_in_window(bar, bridge),
                  "its BARs lie in the bridge's windows");
  }
  run_with_completion(context, block::Completion::msix);
  run_with_completion(context, block::Completion::intx);
}

}  // namespace ringside::scenarios
