// What a discarded sector reads as is the device's affair (VIRTIO 1.2, 5.2.6.2), so nobody looks: the range is written
// again before it is read. The sectors around it must not change.
#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint32_t kSectors = 64;
constexpr std::uint32_t kBytes = kSectors * block::kSectorSize;

void discard_inside(Context& context, block::BlockDevice& disk, Buffer& data, std::uint32_t sectors) {
  const std::uint64_t place = random_place(context, disk.info().sectors, kSectors);
  const std::uint64_t key = context.random().next();
  const std::uint32_t first = (kSectors - sectors) / 2;
  fill(data.data(), kBytes, key);
  context.check(disk.write(place, data.data(), kBytes) == block::Status::ok, "the write succeeds");
  context.check(disk.discard(place + first, sectors) == block::Status::ok, "the discard succeeds");

  context.check(disk.write(place + first, data.data(first * std::size_t{block::kSectorSize}),
                           sectors * block::kSectorSize) == block::Status::ok,
                "the discarded range can be written");
  fill(data.data(), kBytes, ~key);
  context.check(disk.read(place, data.data(), kBytes) == block::Status::ok, "the read succeeds");
  context.check(is_filled(data.data(), kBytes, key), "nothing around the range changed");
}

}  // namespace

void discard(Context& context) {
  block::BlockDevice* disk = context.open();
  if (disk == nullptr || !context.check(disk->info().sectors >= kSectors, "the disk is big enough")) {
    return;
  }
  {
    Buffer data(context, kBytes, 4096);
    if (data.valid()) {
      for (std::uint32_t sectors = 1; sectors < kSectors; sectors = sectors * 2 + 1) {
        discard_inside(context, *disk, data, sectors);
      }
    }
  }
  disk->shutdown();

  block::Options options;
  options.features &= ~virtio::feature(block::VIRTIO_BLK_F_DISCARD);
  disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  context.check(disk->discard(0, 8) == block::Status::unsupported, "without the feature a discard is unsupported");
  disk->shutdown();
}

}  // namespace ringside::scenarios
