// The virtio disk does not come up, as its driver is not allowed VIRTIO_F_VERSION_1, and there is no other: the boot
// ends with a disk of memory, which holds a file system.
#include "testbench/scenarios/boot_disk.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {

void simulated_disk(Context& context) {
  block::Options options;
  options.transport = block::TransportChoice::modern;
  options.features = 0;
  const block::Boot booted = boot(context, options);
  context.check(booted.source == block::BootSource::simulated, "the simulated disk is taken");
  if (booted.disk == nullptr) {
    return;
  }
  block::BlockDevice& disk = *booted.disk;
  context.check(booted.file_system == block::eclipsefs::Result::ok, "there is a file system on it");
  context.observe("sectors", disk.info().sectors);
  context.check(disk.read_block(disk.info().sectors / 8, nullptr) == block::Status::refused, "it has an end");

  if (const Image image = make_image(context); image.bytes != nullptr) {
    put_image(context, disk, image);
    check_image(context, disk);
  }
  disk.shutdown();

  // The disk that did not come up is none the worse for it.
  block::BlockDevice* const real = context.open();
  if (real != nullptr) {
    context.check(real->flush() == block::Status::ok, "the virtio disk works");
    real->shutdown();
  }
}

}  // namespace ringside::scenarios
