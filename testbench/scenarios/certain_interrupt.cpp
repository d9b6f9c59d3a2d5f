#include "testbench/scenarios/certain_interrupt.h"

#include "driver/block/find.h"
#include "driver/pci/bus.h"

namespace ringside::scenarios {
namespace {

// The driver has everything raise vector 0, or noted the line in configuration space.
unsigned vector_of(block::Completion completion, const pci::DeviceInfo& device) {
  return completion == block::Completion::intx ? hal::line_vector(device.interrupt_line) : 0;
}

}  // namespace

bool change_interrupts(Context& context, unsigned vector, std::uint64_t sectors) {
  constexpr std::uint64_t kDeadline = hal::kSecond;
  hal::Machine& machine = context.machine();
  const std::uint64_t before = machine.interrupts(vector);
  return context.check(context.bench().ask(Ask::resize, sectors) == sectors, "the disk is resized") &&
         machine.wait(vector, before, machine.now() + kDeadline);
}

bool check_interrupt(Context& context, block::Completion completion) {
  block::Options options;
  options.completion = completion;
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return false;
  }
  pci::Bus bus(context.machine());
  const bool scanned = bus.init();
  const pci::DeviceInfo* const device = block::find_virtio_block_device(bus);
  bool held = context.check(scanned && device != nullptr, "the bus is scanned");
  if (held) {
    const std::uint64_t sectors = disk->info().sectors;
    held = context.check(change_interrupts(context, vector_of(completion, *device), sectors + 1),
                         "an interrupt announces it");
    context.check(context.bench().ask(Ask::resize, sectors) == sectors, "the disk has its size again");
  }
  disk->shutdown();
  return held;
}

}  // namespace ringside::scenarios
