// BARs moved, switched off and laid over each other: who answers where, and that a driver finds its way afterwards.
#include <initializer_list>

#include "driver/block/find.h"
#include "driver/block/virtio_blk_spec.h"
#include "driver/pci/bar.h"
#include "driver/pci/bus.h"
#include "driver/pci/registers.h"
#include "driver/pci/resources.h"
#include "driver/virtio/modern_transport.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

constexpr unsigned kMsixBar = 1;
constexpr unsigned kVirtioBar = 4;

class Function {
 public:
  Function(Context& context, const pci::Bus& bus, const pci::DeviceInfo& device)
      : context_(context), config_(bus.config()), address_(device.address), transport_(context.machine()) {
    for (unsigned i = 0; i < pci::kBarCount; ++i) {
      bars_[i] = device.bars[i];
    }
  }

  void decode(bool on) {
    on ? pci::enable_device(config_, address_, pci::PCI_COMMAND_MEMORY)
       : pci::enable_device(config_, address_, 0, pci::PCI_COMMAND_MEMORY);
  }

  // With decoding off meanwhile, as a BAR takes two writes.
  void move(unsigned index, std::uint64_t address) {
    decode(false);
    bars_[index].address = address;
    pci::set_bar(config_, address_, index, bars_[index]);
    decode(true);
  }

  [[nodiscard]] const pci::Bar& bar(unsigned index) const { return bars_[index]; }

  // The capacity's low half, read where the BARs are now. All-ones where there are no structures.
  [[nodiscard]] std::uint32_t capacity() {
    transport_ = virtio::ModernTransport(context_.machine());
    return transport_.init(config_, address_, bars_) == nullptr
               ? transport_.device_config().read32(block::kConfigCapacity)
               : 0xffff'ffff;
  }

 private:
  Context& context_;
  const pci::ConfigSpace& config_;
  pci::Address address_;
  pci::Bar bars_[pci::kBarCount];
  virtio::ModernTransport transport_;
};

std::uint64_t last_place(const hal::Window& window, std::uint64_t size) { return window.base + window.size - size; }

void switch_off(Context& context, Function& function, std::uint32_t capacity) {
  function.decode(false);
  const std::uint32_t unclaimed = function.capacity();
  context.observe("a BAR that is switched off", unclaimed);
  context.check(unclaimed != capacity, "a BAR that is switched off does not answer");
  function.decode(true);
  context.check(function.capacity() == capacity, "and answers again");
}

void move_about(Context& context, Function& function, std::uint32_t capacity) {
  const hal::MachineInfo info = context.machine().info();
  const std::uint64_t before = function.bar(kVirtioBar).address;
  const std::uint64_t size = function.bar(kVirtioBar).size;
  for (const std::uint64_t place : {last_place(info.memory_window, size), last_place(info.high_window, size), before}) {
    function.move(kVirtioBar, place);
    context.check(function.capacity() == capacity, "it answers at its new place");
  }
  function.move(kVirtioBar, last_place(info.memory_window, size));
  context.observe("the place that it left", context.machine().mmio_read32(before));
  function.move(kVirtioBar, before);
}

// PCI does not say who wins, but something goes on answering, and nobody who is not there.
void overlap(Context& context, Function& function, std::uint32_t capacity) {
  const hal::MachineInfo info = context.machine().info();
  const std::uint64_t table = function.bar(kMsixBar).address;
  const std::uint64_t structures = function.bar(kVirtioBar).address;
  const std::uint64_t place = last_place(info.memory_window, function.bar(kVirtioBar).size);
  function.move(kVirtioBar, place);
  function.move(kMsixBar, place);
  context.check(function.capacity() == capacity, "what the other BAR does not cover still answers");
  context.observe("where both lie", context.machine().mmio_read16(place + virtio::VIRTIO_PCI_COMMON_MSIX));
  function.move(kMsixBar, table);
  function.move(kVirtioBar, structures);
  context.check(function.capacity() == capacity, "apart again, each answers for itself");
}

}  // namespace

void bars(Context& context) {
  pci::Bus bus(context.machine());
  if (!context.check(bus.init(), "the bus is scanned")) {
    return;
  }
  pci::assign_resources(bus);
  const pci::DeviceInfo* const device = block::find_virtio_block_device(bus);
  if (!context.check(device != nullptr && device->problem == nullptr, "there is a virtio block device")) {
    return;
  }
  Function function(context, bus, *device);
  for (unsigned index = 0; index < pci::kBarCount; ++index) {
    context.observe("BAR address", function.bar(index).address);
  }
  function.decode(true);
  const std::uint32_t capacity = function.capacity();
  context.observe("capacity", capacity);
  switch_off(context, function, capacity);
  move_about(context, function, capacity);
  overlap(context, function, capacity);
  run_with_completion(context, block::Completion::msix);
}

}  // namespace ringside::scenarios
