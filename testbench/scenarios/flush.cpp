#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

// A device that did the flush has written its status byte.
void flush_and_see(Context& context, block::BlockDevice& disk) {
  block::Request request;
  request.operation = block::Operation::flush;
  context.check(disk.execute(request) == block::Status::ok, "the flush succeeds");
  context.check(request.used_length != 0, "it was the device that said so");
}

void write_and_flush(Context& context, block::BlockDevice& disk) {
  Buffer data(context, block::kBlockSize, 4096);
  if (!data.valid()) {
    return;
  }
  for (int round = 0; round < 8; ++round) {
    const std::uint64_t key = context.random().next();
    const std::uint64_t place = random_place(context, disk.info().sectors, 8);
    fill(data.data(), block::kBlockSize, key);
    context.check(disk.write(place, data.data(), block::kBlockSize) == block::Status::ok, "the write succeeds");
    flush_and_see(context, disk);
    context.check(disk.read(place, data.data(), block::kBlockSize) == block::Status::ok, "the read succeeds");
    context.check(is_filled(data.data(), block::kBlockSize, key), "what was flushed is read");
  }
  context.check(disk.flush() == block::Status::ok, "a second flush in a row succeeds");
}

}  // namespace

void flush(Context& context) {
  block::BlockDevice* disk = context.open();
  if (disk == nullptr) {
    return;
  }
  write_and_flush(context, *disk);
  disk->shutdown();

  // Without the feature there is no flush, and the driver says so instead of pretending (5.2.6.2).
  block::Options options;
  options.features &= ~(virtio::feature(block::VIRTIO_BLK_F_FLUSH) | virtio::feature(block::VIRTIO_BLK_F_CONFIG_WCE));
  disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  context.check(disk->flush() == block::Status::unsupported, "without the feature a flush is unsupported");
  disk->shutdown();
}

}  // namespace ringside::scenarios
