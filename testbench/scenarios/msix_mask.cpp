// A masked MSI-X entry holds its interrupt back as a pending bit, and gives it up when it is unmasked.
#include "driver/block/find.h"
#include "driver/pci/bus.h"
#include "driver/pci/msix.h"
#include "driver/pci/resources.h"
#include "testbench/scenarios/certain_interrupt.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint64_t kDeadline = 20 * hal::kMillisecond;
constexpr unsigned kVector = 0;  // on which the driver waits

// Every entry that the queue could use.
void mask_all(const pci::Msix& msix, bool masked) {
  for (unsigned entry = 0; entry < msix.size(); ++entry) {
    msix.mask_entry(entry, masked);
  }
}

unsigned pending(const pci::Msix& msix) {
  unsigned count = 0;
  for (unsigned entry = 0; entry < msix.size(); ++entry) {
    count += msix.is_pending(entry) ? 1 : 0;
  }
  return count;
}

void hold_back_change(Context& context, const block::BlockDevice& disk, const pci::Msix& msix) {
  hal::Machine& machine = context.machine();
  const std::uint64_t before = machine.interrupts(kVector);
  const std::uint64_t sectors = disk.info().sectors;
  mask_all(msix, true);
  context.check(context.bench().ask(Ask::resize, sectors + 1) == sectors + 1, "the disk is resized");
  context.check(!machine.wait(kVector, before, machine.now() + kDeadline), "no interrupt comes");
  context.check(pending(msix) == 1, "one entry has an interrupt pending");
  mask_all(msix, false);
  context.check(machine.wait(kVector, before, machine.now() + kDeadline), "it comes when the entry is unmasked");
  context.check(pending(msix) == 0, "nothing is pending any more");
  context.check(change_interrupts(context, kVector, sectors), "and so does the next one");
}

void read_masked(Context& context, block::BlockDevice& disk, const pci::Msix& msix) {
  hal::Machine& machine = context.machine();
  Buffer buffer(context, block::kSectorSize);
  if (!buffer.valid()) {
    return;
  }
  const block::Segment segment{buffer.data(), block::kSectorSize};
  block::Request request;
  request.segments = &segment;
  request.segment_count = 1;
  mask_all(msix, true);
  const std::uint64_t before = machine.interrupts(kVector);
  block::Request* const sent = &request;
  context.check(disk.submit(&sent, 1) == 1, "the request is taken");
  context.check(!machine.wait(kVector, before, machine.now() + kDeadline), "no interrupt comes");
  context.check(disk.poll() == 1 && request.status == block::Status::ok, "the request is done all the same");
}

}  // namespace

void msix_mask(Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  pci::Bus bus(context.machine());
  if (context.check(bus.init(), "the bus is scanned")) {
    pci::assign_resources(bus);
    const pci::DeviceInfo* const device = block::find_virtio_block_device(bus);
    pci::Msix msix;
    if (context.check(device != nullptr, "there is a virtio block device") &&
        context.check(msix.init(context.machine(), bus.config(), device->address, device->bars), "it has MSI-X")) {
      context.observe("MSI-X entries", msix.size());
      hold_back_change(context, *disk, msix);
      read_masked(context, *disk, msix);
    }
  }
  disk->shutdown();
}

}  // namespace ringside::scenarios
