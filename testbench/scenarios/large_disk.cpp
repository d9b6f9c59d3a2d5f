// More than 2 TiB: sector numbers, and the capacity, no longer fit into 32 bits. A driver or device that cuts them off
// finds the one place written from another.
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {

void large_disk(Context& context) {
  constexpr std::uint64_t kFirstBeyond = std::uint64_t{1} << 32;
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr || !context.check(disk->info().sectors > kFirstBeyond + 64, "the disk has more than 2 TiB")) {
    return;
  }
  context.observe("sectors", disk->info().sectors);
  {
    Buffer data(context, block::kBlockSize, 4096);
    const std::uint64_t last = disk->info().sectors - 8;
    // 64 and the one 2^32 behind it are the same in 32 bits. The border comes last: cut off, it would hit sector 0.
    const std::uint64_t places[] = {0, 64, last, kFirstBeyond + 64, kFirstBeyond - 4};
    if (data.valid()) {
      for (const std::uint64_t place : places) {
        fill(data.data(), block::kBlockSize, place + 1);
        context.check(disk->write(place, data.data(), block::kBlockSize) == block::Status::ok, "it is written");
      }
      for (const std::uint64_t place : places) {
        fill(data.data(), block::kBlockSize, 0);
        context.check(disk->read(place, data.data(), block::kBlockSize) == block::Status::ok, "it is read");
        context.check(is_filled(data.data(), block::kBlockSize, place + 1), "every place kept its own");
      }
      context.check(disk->read(last + 1, data.data(), block::kBlockSize) == block::Status::refused,
                    "the end is where it should be");
    }
  }
  disk->shutdown();
}

}  // namespace ringside::scenarios
