#include <initializer_list>

#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {

void write_cache(Context& context) {
  block::BlockDevice* disk = context.open();
  if (disk == nullptr) {
    return;
  }
  {
    Buffer data(context, block::kBlockSize, 4096);
    context.observe("cache at start", disk->write_cache() ? 1 : 0);
    for (const bool write_back : {false, true, true, false}) {
      context.check(disk->set_write_cache(write_back) == block::Status::ok, "the mode is taken");
      context.observe("cache", disk->write_cache() ? 1 : 0);
      if (data.valid()) {
        const std::uint64_t key = context.random().next();
        fill(data.data(), block::kBlockSize, key);
        context.check(disk->write_block(1, data.data()) == block::Status::ok, "the write succeeds");
        context.check(disk->flush() == block::Status::ok, "the flush succeeds");
        context.check(disk->read_block(1, data.data()) == block::Status::ok, "the read succeeds");
        context.check(is_filled(data.data(), block::kBlockSize, key), "what was written is read");
      }
    }
  }
  disk->shutdown();

  block::Options options;
  options.features &= ~virtio::feature(block::VIRTIO_BLK_F_CONFIG_WCE);
  disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  context.check(disk->set_write_cache(false) == block::Status::unsupported, "without the feature there is no mode");
  context.check(disk->write_cache(), "flush without the mode means write-back (VIRTIO 1.2, 5.2.5.1)");
  disk->shutdown();
}

}  // namespace ringside::scenarios
